"""Ownership marks of KMS keys: the tag `secrets-pipeline:spec`, written last, which nobody else can make.

As with secrets, a mark is `<digest>.<mac>`. The finished one is bound to the key's ARN: copied to another key it does
not verify. The one that CreateKey writes is provisional, over stack and alias, since the ARN is not known yet: such a
key is ours to finish, and until then nothing about it is believed.
"""

from __future__ import annotations

import hmac

from secrets_pipeline.reconcilers.marks import PREFIX, SPEC, STACK, Mark, MarkState, Owner
from secrets_pipeline.reconcilers.states import KeyState
from secrets_pipeline.values import Fingerprinter

ALIAS = PREFIX + "alias"
"""The alias that a key was made for; finds it again where the alias is missing."""

_PROVISIONAL = "new"
_MADE_BY_KMS = "AWS_KMS"


class KeyMarks:
    """Writes and verifies the marks of one stack's keys.

    Args:
        fingerprinter: None where nothing was ever applied; then no mark verifies.
        stack: the stack's name.
    """

    def __init__(self, fingerprinter: Fingerprinter | None, stack: str) -> None:
        self._fingerprinter = fingerprinter
        self._stack = stack

    def identity(self, alias: str) -> dict[str, str]:
        """The tags that say whose key it is."""
        return {STACK: self._stack, ALIAS: alias}

    def provisional(self, alias: str) -> str:
        """The mark to create a key with."""
        return f"{_PROVISIONAL}.{self._mac(alias, self._stack, alias, _PROVISIONAL)}"

    def finished(self, arn: str, alias: str, digest: str) -> str:
        """The mark of a key that is as declared."""
        return f"{digest}.{self._mac(arn, self._stack, alias, digest)}"

    def digest(self, *parts: str) -> str | None:
        """Keyed digest of a key's desired state; None where nothing was ever applied."""
        return self._fingerprinter.digest("key-spec", *parts)[:32] if self._fingerprinter else None

    def verify(self, key: KeyState, tags: dict[str, str], alias: str) -> Mark:
        """What a key's tags prove, looked at as the key behind `alias`."""
        if not any(tag in tags for tag in (STACK, ALIAS, SPEC)):
            return Mark(MarkState.UNMARKED)
        stack, owner = tags.get(STACK, ""), Owner(tags.get(STACK, ""), "", tags.get(ALIAS, ""))
        digest, _, mac = tags.get(SPEC, "").partition(".")
        # Whoever imported a key's material can decrypt without KMS.
        if self._fingerprinter is None or not mac or tags.get(ALIAS) != alias or key.origin != _MADE_BY_KMS:
            return Mark(MarkState.FORGED, owner)
        if digest == _PROVISIONAL and hmac.compare_digest(mac, self._mac(alias, stack, alias, digest)):
            return Mark(MarkState.UNFINISHED, owner)
        if hmac.compare_digest(mac, self._mac(key.arn, stack, alias, digest)):
            return Mark(MarkState.FINISHED, owner, digest)
        return Mark(MarkState.FORGED, owner)

    def _mac(self, subject: str, stack: str, alias: str, digest: str) -> str:
        if self._fingerprinter is None:
            raise RuntimeError("marks are written under the fingerprint key, which apply makes first")
        return self._fingerprinter.digest("key-mark", subject, stack, alias, digest)
