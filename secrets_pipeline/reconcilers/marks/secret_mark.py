"""Write and verify ownership marks, which prove that secrets are ours by a key that only the pipeline may use.

A mark is `<commit>.<mac>`: the commit tells which desired state was last finished, part by part, and by which run; the
MAC proves that we wrote it for this very secret. The one written at creation is `new-<run>-<seconds>.<mac>`, over the
name, as the ARN is not known yet: it is good for a secret that was made in those minutes, and for no later one of that
name. A later mark that says whose a secret is, and nothing else, is `open-<run>.<mac>`.

Tags know no compare-and-swap, so a run that is about to change a part that no list shows takes the secret first: its
mark stops vouching for that part and names the run. Before it commits it looks whether the mark is still its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from secrets_pipeline.reconcilers.marks.mac import Mac
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, KEPT, KEY, REPOSITORY, SPEC, STACK, VALUE_VERSION
from secrets_pipeline.values.fingerprint import Fingerprinter

_PROVEN = (STACK, REPOSITORY, COMPONENT, KEY, SPEC)
_CREATED = "new"
_PROVISIONAL = "open"

_CREATION_SECONDS = 900
"""Between a creation mark and CreatedDate: AWS takes clocks five minutes off, and a creation is tried again."""

_PROOF_DIGITS = 32
_WORDS_PROOF_DIGITS = 16
_DIGITS = 12
"""Hexadecimal digits of a part's digest: six parts, a window and a MAC fit into one tag."""
DEFAULT_RECOVERY_DAYS = 30


class Part(StrEnum):
    """A part of a secret that a mark speaks of: everything but the value."""

    DESCRIPTION = "description"
    KMS_KEY = "kms key"
    TAGS = "tags"
    POLICY = "policy"
    ROTATION = "rotation"
    REPLICAS = "replicas"

    @property
    def word(self) -> str:
        """What the tag `:kept` calls it."""
        return self.value.replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Commit:
    """The desired state that an apply finished.

    Attributes:
        recovery_days: the declared recovery window, for the day on which the secret has left the YAML; 0 is none.
        digests: a keyed digest of each part; empty for one that a run has begun to change.
        run: who wrote it.
    """

    recovery_days: int
    digests: Mapping[Part, str]
    run: str = field(default="", compare=False)

    def __str__(self) -> str:
        return "-".join([str(self.recovery_days), *(self.digests[part] for part in Part), self.run])

    def opened(self, part: Part, run: str) -> Commit:
        """Copy the commit, vouching for one part no more."""
        return Commit(self.recovery_days, {**self.digests, part: ""}, run)

    @classmethod
    def parse(cls, text: str) -> Commit | None:
        """Read what `str` made; None where it is something else."""
        said = text.split("-")
        if len(said) != 1 + len(Part) + 1 or not said[0].isdigit():
            return None
        days, *digests, run = said
        return cls(int(days), dict(zip(Part, digests, strict=True)), run)


@dataclass(frozen=True, slots=True)
class Owner:
    """The stack, component and key that declare a secret, or that another mark names.

    Attributes:
        stack: its stack.
        component: of the stack; empty where a mark names none.
        key: in the component; the alias, of a KMS key.
        repository: id of the stack's repository; empty where none was known.
    """

    stack: str
    component: str = ""
    key: str = ""
    repository: str = ""

    @property
    def home(self) -> str:
        """Stack and repository, for a human."""
        return f"stack {self.stack}" + (f" of repository {self.repository}" if self.repository else "")

    def is_of(self, stack: str, repository: str) -> bool:
        """Whether this is a stack of ours; a mark that names no repository is taken for one of ours."""
        return self.stack == stack and self.repository in ("", repository)

    def tags(self) -> dict[str, str]:
        """Make the identity tags."""
        return {STACK: self.stack, COMPONENT: self.component, KEY: self.key, **repository_tag(self.repository)}

    def __str__(self) -> str:
        return f"{self.home}, component {self.component}, key {self.key}"


def repository_tag(repository: str) -> dict[str, str]:
    """Make the tag that names a repository; none for one without an id."""
    return {REPOSITORY: repository} if repository else {}


def stack_parts(stack: str, repository: str) -> tuple[str, ...]:
    """List what a MAC says of a stack; without a repository the same as in marks from before there were any."""
    return (stack, "repository", repository) if repository else (stack,)


class MarkState(Enum):
    """What verifying a mark found."""

    UNMARKED = "carries no tag of ours"
    FORGED = "carries our tags, but its mark does not verify"
    DOUBTFUL = "carries a creation mark that may be another key's"
    UNFINISHED = "was created by us and not finished"
    FINISHED = "was finished by us"


OURS = (MarkState.UNFINISHED, MarkState.FINISHED)


@dataclass(frozen=True, slots=True)
class Mark:
    """The verified mark of a secret.

    Attributes:
        owner: whom the identity tags name.
        commit: the desired state that was last finished.
        run: who wrote the mark.
        creation: whether it is the one that the secret was made with.
    """

    state: MarkState
    owner: Owner | None = None
    commit: Commit | None = None
    run: str = ""
    creation: bool = False

    @property
    def ours(self) -> bool:
        """Whether the mark proves that we made or adopted the secret."""
        return self.state in OURS


class Marks:
    """Writes and verifies marks. Without a fingerprint key (nothing was applied yet) no mark verifies."""

    def __init__(self, fingerprinter: Fingerprinter | None) -> None:
        self._marks = Mac(fingerprinter, "mark")
        self._parts = Mac(fingerprinter, "part", digits=_DIGITS)
        self._versions = Mac(fingerprinter, "value version", digits=_PROOF_DIGITS)
        self._words = Mac(fingerprinter, "words", digits=_WORDS_PROOF_DIGITS)
        self._verified: dict[tuple[object, ...], Mark] = {}

    def created(self, name: str, owner: Owner, run: str, at: datetime) -> str:
        """Make the mark to create a secret with, bound to its name and this moment: the ARN is not known yet."""
        text = f"{_CREATED}-{run}-{int(at.timestamp())}"
        return f"{text}.{self._marks.of(*_about(name, owner, text))}"

    def provisional(self, arn: str, owner: Owner, run: str) -> str:
        """Make a mark that says whose a secret is, and vouches for nothing."""
        text = f"{_PROVISIONAL}-{run}"
        return f"{text}.{self._marks.of(*_about(arn, owner, text))}"

    def finished(self, arn: str, owner: Owner, commit: Commit) -> str:
        """Make the mark of a finished apply."""
        return f"{commit}.{self._marks.of(*_about(arn, owner, str(commit)))}"

    def digest(self, part: Part, name: str, text: str | None) -> str:
        """Digest one part of a secret's desired state under the fingerprint key."""
        return self._parts.of(part.value, name, text)

    def version(self, name: str, version: str) -> str:
        """Make the `:value-version` tag: a version id, and the proof that it was us who noted it for this secret."""
        return f"{version}.{self._versions.of(name, version)}"

    def versions(self, name: str, *versions: str) -> str:
        """Make the `:value-version` tag while a version is written: the one that it replaces, and the new one."""
        return " ".join(self.version(name, version) for version in versions)

    def written_versions(self, secret: SecretState) -> tuple[str, ...]:
        """List the versions that this project wrote last; two where it has not said that the second one is there."""
        said = dict(text.partition(".")[::2] for text in secret.tags.get(VALUE_VERSION, "").split())
        return tuple(one for one, mac in said.items() if self._versions.proves(mac, secret.name, one))

    def wrote(self, secret: SecretState, version: str | None) -> bool:
        """Whether a version is one that this project wrote last."""
        return version is not None and version in self.written_versions(secret)

    def words(self, tag: str, arn: str, words: Iterable[str]) -> str:
        """Make a tag that holds some words, and the proof that we wrote them for this very secret."""
        text = " ".join(sorted(words))
        return f"{text}.{self._words.of(tag, arn, text)}"

    def read_words(self, secret: SecretState, tag: str) -> frozenset[str]:
        """Read the words of a tag; none where the proof is missing or wrong."""
        text, _, mac = secret.tags.get(tag, "").rpartition(".")
        proven = bool(text) and self._words.proves(mac, tag, secret.arn, text)
        return frozenset(text.split()) if proven else frozenset()

    def keeps(self, secret: SecretState, part: Part) -> bool:
        """Whether a part was there before the secret was adopted, or is: what nobody declares is left alone then."""
        return self.verify(secret).state is MarkState.UNMARKED or part.word in self.read_words(secret, KEPT)

    def verify(self, secret: SecretState) -> Mark:
        """Read and verify the mark that a secret carries."""
        # Every stage asks about every secret.
        subject = (
            secret.name,
            secret.arn,
            secret.created_at,
            *(secret.tags.get(tag) for tag in _PROVEN),
        )
        if subject not in self._verified:
            self._verified[subject] = self._verify(secret)
        return self._verified[subject]

    def _verify(self, secret: SecretState) -> Mark:
        tags = secret.tags
        if not any(tag in tags for tag in _PROVEN):
            return Mark(MarkState.UNMARKED)
        owner = Owner(*(tags.get(tag, "") for tag in (STACK, COMPONENT, KEY, REPOSITORY)))
        text, _, mac = tags.get(SPEC, "").partition(".")
        if not mac:
            return Mark(MarkState.FORGED, owner)
        kind, _, rest = text.partition("-")
        run, _, at = rest.partition("-")
        if (
            kind == _CREATED
            and self._marks.proves(mac, *_about(secret.name, owner, text))
            and at.isdigit()
            and made_at(int(at), secret.created_at)
        ):
            return Mark(MarkState.UNFINISHED, owner, run=run, creation=True)
        if kind == _PROVISIONAL and self._marks.proves(mac, *_about(secret.arn, owner, text)):
            return Mark(MarkState.UNFINISHED, owner, run=rest)
        if self._marks.proves(mac, *_about(secret.arn, owner, text)):
            # A mark of an older layout is ours, and says nothing about parts.
            commit = Commit.parse(text)
            return Mark(MarkState.FINISHED, owner, commit, commit.run if commit else "")
        return Mark(MarkState.FORGED, owner)


def _about(subject: str, owner: Owner, text: str) -> tuple[str, ...]:
    """What the proof of a mark is over."""
    return (subject, *stack_parts(owner.stack, owner.repository), owner.component, owner.key, text)


def made_at(seconds: int, made: datetime | None) -> bool:
    """Whether a thing may be the one that a creation mark was written for, and not a later one of its name."""
    return made is not None and abs(made.timestamp() - seconds) <= _CREATION_SECONDS
