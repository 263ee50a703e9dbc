"""Write and verify marks of KMS keys: the tag `secrets-pipeline:spec`, written last, which nobody else can make.

As with secrets, a mark is `<digest>-<deletion window in days>.<mac>`, bound to the key's ARN: copied to another key it
does not verify. While a key of ours is changed it is `open.<mac>`, and nothing about the key is believed. The one that
CreateKey writes is `new-<seconds>.<mac>`, over alias and time, since the ARN is not known yet: it is good for a key
that was made in those minutes, and for none as long as another one of ours stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from secrets_pipeline.reconcilers.marks.mac import Mac
from secrets_pipeline.reconcilers.marks.secret_mark import (
    OURS,
    MarkState,
    Owner,
    made_at,
    repository_tag,
    stack_parts,
)
from secrets_pipeline.reconcilers.observed.key_state import KeyState
from secrets_pipeline.reconcilers.tag_keys import PREFIX, REPOSITORY, SPEC, STACK
from secrets_pipeline.values.fingerprint import Fingerprinter

ALIAS = PREFIX + "alias"
"""The alias that a key was made for; finds it again where the alias is missing."""

_PROVEN = (STACK, REPOSITORY, ALIAS, SPEC)
_CREATED = "new"
_PROVISIONAL = "open"
_MADE_BY_KMS = "AWS_KMS"
DEFAULT_DELETION_DAYS = 30
"""What AWS, and a `kms` component, take where nobody says a window."""


@dataclass(frozen=True, slots=True)
class KeyMark:
    """The verified mark of a key.

    Attributes:
        owner: whom the identity tags name; their key is the alias.
        digest: digest of the desired state that was last finished.
        creation: whether it is the one that a key was made with, which is not bound to this very one.
        deletion_days: the declared deletion window, for the day on which the key has left the YAML; None where the
            mark says none, as those of older versions.
    """

    state: MarkState
    owner: Owner | None = None
    digest: str | None = None
    creation: bool = False
    deletion_days: int | None = None

    @property
    def ours(self) -> bool:
        """Whether the mark proves that we made the key."""
        return self.state in OURS


class KeyMarks:
    """Writes and verifies the marks of one stack's keys.

    Args:
        fingerprinter: None where nothing was ever applied; then no mark verifies.
        stack: the stack's name.
        repository: its id; empty where there is none.
    """

    def __init__(self, fingerprinter: Fingerprinter | None, stack: str, repository: str) -> None:
        self._marks = Mac(fingerprinter, "key-mark")
        self._fingerprinter = fingerprinter
        self._stack = stack
        self._repository = repository

    def identity(self, alias: str) -> dict[str, str]:
        """Make the tags that say whose key it is."""
        return {STACK: self._stack, ALIAS: alias, **repository_tag(self._repository)}

    def created(self, alias: str, at: datetime) -> dict[str, str]:
        """Make the tags to create a key with; the mark among them is bound to this moment."""
        text = f"{_CREATED}-{int(at.timestamp())}"
        return {**self.identity(alias), SPEC: f"{text}.{self._marks.of(*_about(alias, self._owner(alias), text))}"}

    def provisional(self, arn: str, alias: str) -> dict[str, str]:
        """Make the tags of a key that is ours and not as declared yet; the mark is among them."""
        return {**self.identity(alias), SPEC: self._signed(arn, alias, _PROVISIONAL)}

    def finished(self, arn: str, alias: str, digest: str, deletion_days: int) -> str:
        """Make the mark of a key that is as declared."""
        return self._signed(arn, alias, f"{digest}-{deletion_days}")

    def _signed(self, arn: str, alias: str, text: str) -> str:
        return f"{text}.{self._marks.of(*_about(arn, self._owner(alias), text))}"

    def digest(self, *parts: str) -> str | None:
        """Digest a key's desired state under the fingerprint key; None where nothing was ever applied."""
        return self._fingerprinter.digest("key-spec", *parts)[:32] if self._fingerprinter else None

    def verify(self, key: KeyState, tags: dict[str, str], alias: str) -> KeyMark:
        """Verify a key's tags, looked at as the key behind `alias`."""
        if not any(tag in tags for tag in _PROVEN):
            return KeyMark(MarkState.UNMARKED)
        owner = Owner(tags.get(STACK, ""), key=tags.get(ALIAS, ""), repository=tags.get(REPOSITORY, ""))
        text, _, mac = tags.get(SPEC, "").partition(".")
        # Whoever imported a key's material can decrypt without KMS.
        if not mac or tags.get(ALIAS) != alias or key.origin != _MADE_BY_KMS:
            return KeyMark(MarkState.FORGED, owner)
        kind, _, at = text.partition("-")
        if kind == _CREATED and self._marks.proves(mac, *_about(alias, owner, text)):
            # Older versions wrote no time.
            dated = at.isdigit() and made_at(int(at), key.created_at)
            return KeyMark(MarkState.UNFINISHED if dated else MarkState.DOUBTFUL, owner, creation=True)
        if self._marks.proves(mac, *_about(key.arn, owner, text)):
            if text == _PROVISIONAL:
                return KeyMark(MarkState.UNFINISHED, owner)
            return KeyMark(MarkState.FINISHED, owner, kind, deletion_days=int(at) if at.isdigit() else None)
        return KeyMark(MarkState.FORGED, owner)

    def _owner(self, alias: str) -> Owner:
        return Owner(self._stack, key=alias, repository=self._repository)


def _about(subject: str, owner: Owner, text: str) -> tuple[str, ...]:
    """What the proof of a mark is over."""
    return (subject, *stack_parts(owner.stack, owner.repository), owner.key, text)
