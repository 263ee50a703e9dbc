"""Compare two lists of secrets, and tell which rotations began or ended between them.

Of each secret that was seen a few characters are kept, of digests: a cursor of Dagster's holds a hundred thousand.
Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretListEntry.html
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from secrets_pipeline.rotation.events.hints import HintKind

PENDING_SECONDS = 900
"""A rotation whose four steps take longer is stuck: AWS's own retries are over by then."""

_VERSION_CHARACTERS = 12
_NAME, _STATE, _WRITTEN = 4, 5, 2
"""Characters of each digest, of six bits each. Two states of one secret that share one would hide a rotation, once in a
billion; names may share one, as the other two digests are over the name, too."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A secret as a list shows it.

    Attributes:
        stack: whose it is, by its tag.
        version: id of the current version; empty for none.
        rotated_at: epoch seconds, 0 if never.
        pending: id of a version that is AWSPENDING and not current; empty for none.
        written: ids of the versions that the pipeline noted as written by it.
    """

    name: str
    stack: str
    version: str
    rotated_at: int
    pending: str
    written: frozenset[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a list of secrets.

    Attributes:
        seen: digests of each secret; empty where none are kept, which is no news: the next list is learnt.
        pending: secret name → beginning of the pending version's id, and when that was seen first, in epoch seconds.
    """

    seen: str = ""
    pending: Mapping[str, Sequence[str | int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """Something that has to be followed.

    Attributes:
        version: id of the version that became current, or is stuck.
    """

    kind: HintKind
    name: str
    stack: str
    version: str


def compare(
    known: Known,
    sights: Iterable[Sight],
    now: int,
    *,
    versions: bool = True,
    whole: bool = True,
    tells_again: Callable[[str], bool] = lambda _stack: False,
) -> tuple[Known, tuple[News, ...]]:
    """Compare a list of secrets with an earlier one: what is known from now on, and what is new.

    Args:
        known: what was known before.
        sights: every secret of a place.
        now: epoch seconds.
        versions: whether current versions are compared, too, and not pending ones alone.
        whole: whether a secret that is not among them is forgotten.
        tells_again: whether a rotation of a secret of this stack is news in the next look, too.
    """
    before = _by_name(known.seen)
    digests, pending, news = list[str](), dict[str, Sequence[str | int]](), list[News]()
    for sight in sights:
        if versions:
            name, state, written = _digests(sight)
            # A secret that is new since then was made by a run of ours, or was adopted by one.
            rotated = name in before and sight.version and _is_rotated(sight, state, written, before[name])
            if rotated:
                news.append(News(HintKind.ROTATED, sight.name, sight.stack, sight.version))
            kept = before[name] if rotated and tells_again(sight.stack) else {state: written}
            digests += [name + one for one in map("".join, kept.items())]
        if sight.pending:
            since = _pending_since(known, sight, now)
            pending[sight.name] = (sight.pending[:_VERSION_CHARACTERS], since)
            if now - since >= PENDING_SECONDS:
                news.append(News(HintKind.FAILED, sight.name, sight.stack, sight.pending))
    if versions and not whole:
        listed = {one[:_NAME] for one in digests}
        digests += [one for one in _entries(known.seen) if one[:_NAME] not in listed]
    return Known("".join(sorted(set(digests))), pending), tuple(news)


def _is_rotated(sight: Sight, state: str, written: str, before: Mapping[str, str]) -> bool:
    """Whether another version is current, which is none that the pipeline has noted as its own since the last look.

    One that it had noted before then was made current again by somebody else.
    """
    if state in before:
        return False
    return sight.version not in sight.written or written in before.values()


def _by_name(seen: str) -> Mapping[str, Mapping[str, str]]:
    """Digest of a name → digest of a state → digest of what was written, of every secret with such a name."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for one in _entries(seen):
        found[one[:_NAME]][one[_NAME : _NAME + _STATE]] = one[_NAME + _STATE :]
    return dict(found)


def _entries(seen: str) -> Iterator[str]:
    width = _NAME + _STATE + _WRITTEN
    yield from (seen[start : start + width] for start in range(0, len(seen), width))


def _digests(sight: Sight) -> Iterator[str]:
    yield _digest(_NAME, sight.name)
    yield _digest(_STATE, sight.name, sight.version, str(sight.rotated_at))
    yield _digest(_WRITTEN, sight.name, *sorted(sight.written))


def _digest(characters: int, *words: str) -> str:
    digest = hashlib.blake2b("\0".join(words).encode(), digest_size=6).digest()
    return base64.urlsafe_b64encode(digest)[:characters].decode()


def _pending_since(known: Known, sight: Sight, now: int) -> int:
    version, since = known.pending.get(sight.name, ("", now))
    return int(since) if version == sight.pending[:_VERSION_CHARACTERS] else now
