"""Keep the plan of some stacks in a file, to be approved and then applied as it is; it holds no secret value.

A later apply plans again and compares: what was approved is applied, or nothing. So the file can only hold a run back;
it makes nobody write what an apply would not write by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.only import Approved, Planned, blocked_of, is_foreseen, writing
from secrets_pipeline.engine.reason import Because, Follows
from secrets_pipeline.errors import GuardError, Lines, SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.private_file import write_private
from secrets_pipeline.reconcilers.apply_options import ApplyOptions

VERSION: Final = 1
_FORMAT: Final = "secrets-pipeline plan"
_AGAIN: Final = "Make another one with `secrets-pipeline plan -o FILE`."
_MOST_TOLD: Final = 20
_Place: TypeAlias = tuple[str, Resource]


class _Record(BaseModel):
    """Base of all that a plan file holds: frozen, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlannedChange(_Record):
    """One change that an apply is to make.

    Attributes:
        why: its reasons, and what differs piece by piece, as `plan` shows them.
        waits: whether it waits for something, so that what it will be in the end is not known yet.
    """

    stage: str
    action: ChangeClass
    kind: str
    name: str
    component: str = ""
    key: str = ""
    why: tuple[str, ...] = ()
    waits: bool = False

    @classmethod
    def of(cls, stage: str, change: Change) -> Self:
        """Record a change of a stage."""
        one = change.resource
        why = tuple(text for reason in change.reasons for text in (str(reason), *reason.lines))
        return cls(
            stage=stage,
            action=change.action,
            kind=one.kind,
            name=one.name,
            component=one.component,
            key=one.key,
            why=why,
            waits=change.waits,
        )

    @property
    def place(self) -> _Place:
        """Its stage and its resource."""
        return self.stage, Resource(self.kind, self.name, self.component, self.key)

    @property
    def change(self) -> Change:
        """The change that was recorded."""
        said = Follows if self.waits else Because
        return Change(self.place[1], self.action, tuple(map(said, self.why)))

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"

    @property
    def explained(self) -> str:
        """The action and why."""
        return f"{self.action} ({'; '.join(self.why)})" if self.why else str(self.action)


class PlannedStack(_Record):
    """The plan of one stack.

    Attributes:
        desired: digest of what the stack declares; there is no plaintext in it.
        changes: those that an apply is to make; notes of what was done follow from them.
        blocked: those that an apply cannot make, each with why.
    """

    account_id: str
    region: str
    desired: str
    changes: tuple[PlannedChange, ...]
    blocked: tuple[PlannedChange, ...] = ()

    @classmethod
    def of(cls, account_id: str, region: str, desired: str, planned: Planned) -> Self:
        """Record the plan of a stack."""
        changes = tuple(PlannedChange.of(stage, one) for stage, one in writing(planned) if not one.approved_with_others)
        blocked = tuple(PlannedChange.of(stage, one) for stage, one in blocked_of(planned))
        return cls(account_id=account_id, region=region, desired=desired, changes=changes, blocked=blocked)

    @property
    def approved(self) -> Approved:
        """What a run may do that is approved by it."""
        return Approved(
            {one.place: one.change for one in self.changes}, {one.place: one.change for one in self.blocked}
        )


class PlannedOptions(_Record):
    """What the operator asked the plan for, and so the apply; see `ApplyOptions`."""

    adopt: tuple[str, ...] = ()
    prune: bool = False
    deep: bool = False
    targets: tuple[str, ...] = ()

    def options(self) -> ApplyOptions:
        """Return them as a run takes them, but for the targets."""
        return ApplyOptions(adopt=self.adopt, prune=self.prune, deep=self.deep)


class PlanFile(_Record):
    """A plan that somebody may approve.

    Attributes:
        repository: its id; empty where nothing says one.
        commit: at which the stacks were read, with the digest of what differed from it; empty where nobody can tell.
        source: where the stacks came from: `manifests`, `atmos`, or `file`.
        stacks: by name, in the order in which they are applied.
    """

    format: Literal["secrets-pipeline plan"] = _FORMAT
    version: int = VERSION
    repository: str
    commit: str
    source: str
    options: PlannedOptions
    stacks: Mapping[str, PlannedStack]

    @classmethod
    def of(cls, desired: OpenRepository, options: PlannedOptions, stacks: Mapping[str, PlannedStack]) -> Self:
        """Record the plans of some stacks of a repository."""
        return cls(
            repository=desired.repository,
            commit=str(desired.revision),
            source=source_of(desired),
            options=options,
            stacks=stacks,
        )

    def write(self, path: Path) -> None:
        """Write it as JSON, mode 0600.

        Raises:
            SpecError: if the disk refuses.
        """
        try:
            write_private(path, json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise SpecError(
                f"the plan {path} cannot be written: {error.strerror}", remedy="Name a file in a folder of yours."
            ) from None

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Read one.

        Raises:
            SpecError: if there is no such file, or it is no plan, or one of another version.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SpecError(f"the plan {path} cannot be read: {error.strerror}", remedy=_AGAIN) from None
        except ValueError:
            document = None
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise SpecError(f"{path} is not a plan of secrets-pipeline", remedy=_AGAIN)
        if document.get("version") != VERSION:
            found = document.get("version")
            raise SpecError(f"{path} is a plan of version {found!r}, this one reads {VERSION}", remedy=_AGAIN)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            wrong = sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)})
        raise SpecError(f"{path} is not a plan of secrets-pipeline: {', '.join(wrong[:5])}", remedy=_AGAIN)

    def refuse_other_reading(self, desired: OpenRepository) -> None:
        """Refuse another repository, commit, or source of stacks than it was made of.

        Raises:
            GuardError: naming all that is other.
        """
        pairs = {
            "repository": (self.repository, desired.repository),
            "commit": (self.commit, str(desired.revision)),
            "source of the stacks": (self.source, source_of(desired)),
        }
        other = {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}
        _refuse([f"{what}: {was or 'unknown'} → {now or 'unknown'}" for what, (was, now) in other.items()])

    def refuse_moved(self, now: Mapping[str, PlannedStack]) -> None:
        """Refuse if any of its stacks is not as it was planned.

        Args:
            now: the plan of each stack, made with the same options.

        Raises:
            GuardError: naming what moved.
        """
        _refuse([f"stack {stack}: {one}" for stack, was in self.stacks.items() for one in _moved(was, now.get(stack))])


def source_of(desired: OpenRepository) -> str:
    """Name where stacks come from."""
    if desired.origin.file:
        # Wherever it lies: what it says is compared.
        return "file"
    return "atmos" if desired.origin.atmos else "manifests"


def _moved(was: PlannedStack, now: PlannedStack | None) -> Iterator[str]:
    """What differs between two plans of a stack, for a human."""
    if now is None:
        yield "--target names nothing of it any more"
        return
    at, here = (f"account {one.account_id}, {one.region}" for one in (was, now))
    if at != here:
        yield f"{at} → {here}"
        return
    if was.desired != now.desired:
        yield "what it declares has changed"
    before, after = ({one.place: one for one in plan.changes} for plan in (was, now))
    for place, one in after.items():
        if place not in before:
            yield f"new: {one.kind} {one.name}: {one.explained}"
        elif _differs(before[place], one):
            yield f"other: {one.kind} {one.name}: {before[place].explained} → {one.explained}"
    yield from (f"gone: {one}" for place, one in before.items() if place not in after)


def _differs(was: PlannedChange, now: PlannedChange) -> bool:
    """Whether something moved; what was waited for may have come."""
    return not is_foreseen(now.change, was.change) or (not was.waits and was.why != now.why)


def _refuse(moved: Sequence[str]) -> None:
    if not moved:
        return
    told = [*moved[:_MOST_TOLD], *([f"and {len(moved) - _MOST_TOLD} more"] if len(moved) > _MOST_TOLD else [])]
    raise GuardError(
        Lines.of("the plan is not what an apply would do now, so nothing was written:", *told, between="\n  "),
        remedy="Plan again, look at what moved, and approve that.",
    )
