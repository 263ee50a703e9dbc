"""Ownership marks: which secrets are ours, proven by a key that only the pipeline may use.

A mark is `<digest>.<mac>`: the digest tells which desired state was last finished, the MAC proves that we wrote it for
this very secret. The one written at creation is provisional (`new.<mac>`, over the name, as the ARN is not known yet).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum

from secrets_pipeline.reconcilers.states import SecretState
from secrets_pipeline.values import Fingerprinter

PREFIX = "secrets-pipeline:"
STACK = PREFIX + "stack"
COMPONENT = PREFIX + "component"
KEY = PREFIX + "key"
SPEC = PREFIX + "spec"
VALUE_VERSION = PREFIX + "value-version"
VALUE_KEY = PREFIX + "value-key"
"""Id of the KMS key that the value was last written under; another one than the secret's means an unfinished move."""
INPUTS = PREFIX + "inputs"
PASSWORD = PREFIX + "password"
PARTS = PREFIX + "parts"
"""Which of policy and rotation a finished apply had put: only those are taken away again."""

_PROVISIONAL = "new"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who declares a secret."""

    stack: str
    component: str
    key: str

    def tags(self) -> dict[str, str]:
        """The three identity tags."""
        return {STACK: self.stack, COMPONENT: self.component, KEY: self.key}

    def __str__(self) -> str:
        return f"stack {self.stack}, component {self.component}, key {self.key}"


class MarkState(Enum):
    """What a mark says."""

    UNMARKED = "carries no tag of ours"
    FORGED = "carries our tags, but its mark does not verify"
    UNFINISHED = "was created by us and not finished"
    FINISHED = "was finished by us"


@dataclass(frozen=True, slots=True)
class Mark:
    """The verified mark of a secret.

    Attributes:
        owner: whom the identity tags name.
        digest: digest of the desired state that was last finished.
    """

    state: MarkState
    owner: Owner | None = None
    digest: str | None = None

    @property
    def ours(self) -> bool:
        """Whether the mark proves that we made or adopted the secret."""
        return self.state in (MarkState.UNFINISHED, MarkState.FINISHED)


class Marks:
    """Writes and verifies marks. Without a fingerprint key (nothing was applied yet) no mark verifies."""

    def __init__(self, fingerprinter: Fingerprinter | None) -> None:
        self._fingerprinter = fingerprinter

    def provisional(self, name: str, owner: Owner) -> str:
        """The mark to create a secret with."""
        return f"{_PROVISIONAL}.{self._mac(name, owner, _PROVISIONAL)}"

    def finished(self, arn: str, owner: Owner, digest: str) -> str:
        """The mark of a finished apply."""
        return f"{digest}.{self._mac(arn, owner, digest)}"

    def digest(self, *parts: str) -> str:
        """Keyed digest of a desired state, short enough for a tag."""
        return self._key().digest("spec", *parts)[:32]

    def verify(self, secret: SecretState) -> Mark:
        """Read and verify the mark that a secret carries."""
        tags = secret.tags
        if not any(tag in tags for tag in (STACK, COMPONENT, KEY, SPEC)):
            return Mark(MarkState.UNMARKED)
        owner = Owner(tags.get(STACK, ""), tags.get(COMPONENT, ""), tags.get(KEY, ""))
        digest, _, mac = tags.get(SPEC, "").partition(".")
        if self._fingerprinter is None or not mac:
            return Mark(MarkState.FORGED, owner)
        if digest == _PROVISIONAL and hmac.compare_digest(mac, self._mac(secret.name, owner, digest)):
            return Mark(MarkState.UNFINISHED, owner)
        if hmac.compare_digest(mac, self._mac(secret.arn, owner, digest)):
            return Mark(MarkState.FINISHED, owner, digest)
        return Mark(MarkState.FORGED, owner)

    def _mac(self, subject: str, owner: Owner, digest: str) -> str:
        return self._key().digest("mark", subject, owner.stack, owner.component, owner.key, digest)

    def _key(self) -> Fingerprinter:
        if self._fingerprinter is None:
            raise RuntimeError("marks are written under the fingerprint key, which apply makes first")
        return self._fingerprinter


def had_part(secret: SecretState, part: str) -> bool:
    """Whether a finished apply of ours had put a policy or rotation on a secret; others' are left alone."""
    return part in secret.tags.get(PARTS, "").split()
