"""Define changes, what is planned on one resource, and outcomes, what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from secrets_pipeline.engine.reason import Follows, Kept, LeftOut, Need, OnItsWay, Reason, Waits
from secrets_pipeline.errors import SecretsPipelineError


class ChangeClass(StrEnum):
    """The class of a planned change."""

    CREATE = "create"
    UPDATE = "update"
    RESTORE = "restore"
    ADOPT = "adopt"
    ROTATE = "rotate"
    REPLICATE = "replicate"
    PRUNE = "prune"
    ORPHAN = "orphan"
    NONE = "none"
    BLOCKED = "blocked"

    @property
    def writes(self) -> bool:
        """Tell whether applying it changes anything."""
        return self not in (ChangeClass.NONE, ChangeClass.BLOCKED, ChangeClass.ORPHAN)

    @property
    def builds(self) -> bool:
        """Tell whether applying it makes or changes what the stack declares, and takes nothing over nor away."""
        return self in (ChangeClass.CREATE, ChangeClass.UPDATE, ChangeClass.ROTATE, ChangeClass.REPLICATE)


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """One AWS resource that a stack declares.

    Attributes:
        kind: `kms-key`, `secret`, `secret-policy`, `rotation`, `database`, `connection`, `lambda`, `ecs` …
        name: its name in AWS: secret name, alias, instance identifier, function name.
        component: the component that declares it, empty for what left the YAML.
        key: its key inside the component, where there is one.
    """

    kind: str
    name: str
    component: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class NewReader(NamedTuple):
    """A principal that a change newly lets read a secret.

    Attributes:
        principal: ARN, or the words of a policy for several.
        secret: name of the secret.
    """

    principal: str
    secret: str


@dataclass(frozen=True, slots=True)
class Change:
    """One planned action on one resource.

    Attributes:
        reasons: why, or what is in its way.
        drift: whether AWS was changed outside, as against the YAML having changed.
        depends_on: names of resources of the same plan that come first, and have to be as declared.
        after: names of those that only come first, whatever becomes of them.
        error: why it could not be planned; applying it fails with that, and the others go on.
        remedy: what unblocks it, where its reasons and its error do not say.
        rewrites: whether a new version of a secret's value is written, or follows at once.
        note: whether it only keeps the pipeline's own books: no plan shows or counts it, and nobody has to approve it.
        lets_read: readers that gain access by this change, or would if it were not blocked.
        needs: resources and values that must exist before it can be made, in addition to depends_on.
        quantity: how many billed resources it adds, for example the regions of replicas; negative if it removes more.
        act: whether it starts, proves or removes something, or makes an optional part of the queue of events.
        ancillary: whether it comes with whatever a run makes, so that nobody has to approve or choose it by itself.
    """

    resource: Resource
    action: ChangeClass
    reasons: tuple[Reason, ...] = ()
    drift: bool = False
    depends_on: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    error: SecretsPipelineError | None = None
    remedy: str = ""
    rewrites: bool = False
    note: bool = False
    lets_read: tuple[NewReader, ...] = ()
    needs: tuple[Need, ...] = ()
    quantity: int = 1
    act: bool = False
    ancillary: bool = False

    @property
    def waits(self) -> bool:
        """Tell whether it waits for something, of this run or of AWS: what it will be in the end is not known yet."""
        return any(isinstance(one, Waits | Follows) for one in self.reasons)

    @property
    def on_its_way(self) -> bool:
        """Tell whether AWS is making what it waits for: an apply makes it only if that is there in time."""
        return any(isinstance(one, OnItsWay) for one in self.reasons)

    @property
    def approved_with_others(self) -> bool:
        """Tell whether it follows from the other changes of a plan, so that nobody has to approve it by itself."""
        return (self.note or self.ancillary) and self.action.builds

    @property
    def keeps(self) -> bool:
        """Tell whether it keeps what looks like an orphan."""
        return any(isinstance(one, Kept) for one in self.reasons)

    @property
    def hindrance(self) -> str:
        """Join the reasons of a blocked change, without what unblocks it."""
        return "; ".join(dict.fromkeys(one.problem for one in self.reasons))

    @property
    def unblocked_by(self) -> str:
        """Say what a human does to unblock a blocked change; empty if nobody said."""
        said = self.remedy or (self.error.remedy if self.error else "")
        return said or "; ".join(dict.fromkeys(one.remedy for one in self.reasons if one.remedy))

    @property
    def reason_type(self) -> str:
        """Name the type of its error, or the types of its reasons, each once: `Differs, Follows`."""
        return self.error.kind if self.error else ", ".join(dict.fromkeys(one.kind for one in self.reasons))

    @property
    def reason(self) -> str:
        """Join the reasons in one line."""
        return "; ".join(dict.fromkeys(map(str, self.reasons)))


@dataclass(frozen=True, slots=True)
class Applied:
    """The change was made. `detail` says what was done, without values."""

    change: Change
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """There was nothing to do."""

    change: Change


@dataclass(frozen=True, slots=True)
class Failed:
    """The change was tried and failed; the others went on."""

    change: Change
    error: SecretsPipelineError


@dataclass(frozen=True, slots=True)
class Skipped:
    """The change was not tried: blocked, waiting, or behind one that failed.

    Attributes:
        remedy: what to do, where the reason does not say.
        sentence: the reason without what differs from one resource to the next; empty where nothing does.
        passes: whether what it waits for passes by itself, so that a later run goes on.
    """

    change: Change
    reason: str
    remedy: str = ""
    passes: bool = False
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """How much a stage is about to do, told before its first outcome.

    Attributes:
        changes: that are not of class none: each gets an outcome that is not `Unchanged`; of checks, their number.
    """

    changes: int


@dataclass(frozen=True, slots=True)
class Looked:
    """One more check was judged, or left out."""


Outcome: TypeAlias = Applied | Unchanged | Failed | Skipped


def is_book(change: Change) -> bool:
    """Tell whether a change only keeps the pipeline's own books, which are shown to nobody unless they fail."""
    return change.note and change.error is None


def is_unmade(outcome: Outcome) -> bool:
    """Tell whether something that the stack declares was not made, and nothing is on its way to make it.

    Return False if the run was restricted to other changes, and for changes that delete, start, prove or keep books.
    """
    if not isinstance(outcome, Skipped) or outcome.passes:
        return False
    change = outcome.change
    left = change.action in (ChangeClass.ORPHAN, ChangeClass.PRUNE) or any(
        isinstance(one, LeftOut) for one in change.reasons
    )
    return not (left or change.act or change.note)


class SkippedError(SecretsPipelineError):
    """Raised by a reconciler whose change has to wait; it becomes a `Skipped` outcome."""


class NotYetError(SkippedError):
    """Raised where what the change waits for passes by itself, so that a later run goes on."""
