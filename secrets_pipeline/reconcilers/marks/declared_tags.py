"""Record which tags of a resource the stack declared, so that those of others stay: cost, migration and access tags.

The tag `:tags` holds a keyed digest of each tag key. It is written with the tags in one call, after what left the YAML
is taken away: a crash in between forgets none. No mark vouches for it, as nobody else can make the digest of another
key.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.desired.tags import TAG_VALUE_LENGTH
from secrets_pipeline.reconcilers.tag_keys import TAGS

if TYPE_CHECKING:
    from secrets_pipeline.values.fingerprint import Fingerprinter

_DIGITS, _FEWER = 8, 5
"""Digits of a digest, so that it is that of no other key; fewer where more tags than have room are declared."""
_NONE = "-"


class DeclaredTags:
    """Writes and reads the record of one resource.

    Args:
        fingerprinter: makes the digests; None where nothing was ever applied, then nothing is recorded.
        name: of the resource, which the digests are bound to.
    """

    def __init__(self, fingerprinter: Fingerprinter | None, name: str) -> None:
        self._fingerprinter = fingerprinter
        self._name = name

    def record(self, declared: Collection[str], held: Mapping[str, str]) -> dict[str, str]:
        """Make the tag that says which tags the stack declares, or did.

        What it said before stays, as long as it has room: a run with an older YAML may be putting such a tag back just
        now.

        Args:
            declared: keys of the tags.
            held: the tags that the resource has.
        """
        if self._fingerprinter is None:
            return {}
        digits = _DIGITS if len(declared) <= TAG_VALUE_LENGTH // (_DIGITS + 1) else _FEWER
        now = sorted(digest[:digits] for digest in self._digests(declared).values())
        earlier = {one for one in held.get(TAGS, _NONE).split() if not _is_among(one, now)} - {_NONE}
        words = itertools.accumulate([*now, *sorted(earlier)], lambda said, one: f"{said} {one}")
        return {TAGS: max((said for said in words if len(said) <= TAG_VALUE_LENGTH), key=len, default=_NONE)}

    def recorded(self, keys: Iterable[str], held: Mapping[str, str]) -> list[str]:
        """Find which of these keys the record names; none where there is no record.

        Args:
            keys: of tags that nobody declares now.
            held: the tags that the resource has.
        """
        declared = held.get(TAGS, _NONE).split()
        return [key for key, digest in self._digests(keys).items() if _is_among(digest, declared)]

    def _digests(self, keys: Iterable[str]) -> dict[str, str]:
        fingerprinter = self._fingerprinter
        return (
            {key: fingerprinter.digest("tag key", self._name, key)[:_DIGITS] for key in keys} if fingerprinter else {}
        )


def _is_among(digest: str, others: Iterable[str]) -> bool:
    """Whether one of some digests is that of the same key; the shorter one is the beginning of the other."""
    return any(digest.startswith(one) or one.startswith(digest) for one in others)
