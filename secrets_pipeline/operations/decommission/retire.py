"""Tell which stacks left something behind, and make the desired state in which nothing of them is declared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.kinds import TERRAFORM, own_settings
from secrets_pipeline.desired.reading.target import names_production
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.account_stacks import homes_of
from secrets_pipeline.operations.decommission.found import Found
from secrets_pipeline.operations.decommission.places import Place
from secrets_pipeline.operations.open_repository import OpenRepository


class Why(StrEnum):
    """What became of a stack whose marks were found."""

    DECLARED = "is declared; some of what it made is not any more"
    LEFT = "is not in the repository any more"
    NOTHING = "is in the repository, and declares nothing any more: its components are disabled, or gone"
    MOVED = "lives elsewhere now; its function and inline policies are kept, as their roles are the account's"
    UNREADABLE = "has errors, so nobody knows what it declares"


@dataclass(frozen=True, slots=True)
class Marked:
    """A stack whose marks were found in an account and region.

    Attributes:
        stack: its name.
        place: where.
        why: what became of it.
    """

    stack: str
    place: Place
    why: Why


def marked_stacks(desired: OpenRepository, found: Iterable[Found], sessions: Sessions) -> list[Marked]:
    """Tell what became of each stack whose marks were found, sorted by name and place."""
    homes, read = homes_of(desired.specs.values(), sessions).known, frozenset(desired.source.stack_names())
    return sorted(
        (
            Marked(stack, one.place, _why(desired, stack, one.place, homes, read))
            for one in found
            for stack in one.stacks
        ),
        key=lambda marked: (marked.stack, marked.place.key),
    )


def _why(desired: OpenRepository, stack: str, place: Place, homes: Mapping[str, str], read: Collection[str]) -> Why:
    spec = desired.specs.get(stack)
    if stack in desired.errors or (spec is None and stack in desired.incomplete):
        return Why.UNREADABLE
    if spec is None:
        return Why.NOTHING if stack in read else Why.LEFT
    at_home = (homes.get(stack), spec.target.region) == place.key
    return Why.DECLARED if at_home else Why.MOVED


def retired_spec(desired: OpenRepository, stack: str, place: Place) -> StackSpec:
    """Make the desired state of a stack that is not declared any more, where its marks were found.

    The operator's rule for its name says as whom that is reached, if it leads there. Nobody can say any more that it is
    not production, so that nothing of it is deleted without a recovery window.
    """
    rule, target = desired.settings.target(stack), place.target
    if rule is not None and rule.account_id in (None, place.account.account_id):
        named = rule.account_id or target.account_id
        target = target.model_copy(update={"account_id": named}).under(rule)
    return StackSpec(stack=stack, target=target, protected=True, retired=True)


def taken_down(spec: StackSpec) -> StackSpec:
    """Make the desired state in which nothing of a declared stack is declared any more."""
    return StackSpec(stack=spec.stack, target=spec.target, protected=spec.protected, retired=True)


def with_retired(desired: OpenRepository, specs: Iterable[StackSpec]) -> OpenRepository:
    """Put stacks of which nothing is declared beside those of a repository, or in their place."""
    return replace(desired, specs={**desired.specs, **{spec.stack: spec for spec in specs}})


def rounds(specs: Sequence[StackSpec]) -> list[list[StackSpec]]:
    """Part stacks so that no name is twice in one part: one may have left something in several places."""
    parted: list[list[StackSpec]] = []
    for spec in specs:
        room = next((one for one in parted if all(other.stack != spec.stack for other in one)), None)
        if room is None:
            parted.append([spec])
        else:
            room.append(spec)
    return parted


def why_no_prune(desired: OpenRepository) -> GuardError | None:
    """Say why nothing may be deleted: what is not read may declare what seems to be left. None if all is known.

    The error names the stacks with errors, the file that stacks are read from, or an import that is not read.
    """
    if desired.origin.file:
        return GuardError(
            "nothing may be pruned by a description of stacks (--from-file): it may leave out some that are declared",
            remedy="Run it in the repository, if need be with --from-atmos: both know every stack.",
        )
    if desired.is_complete:
        return None
    if desired.has_all_stacks:
        return GuardError(
            "nothing may be pruned while an import of atmos.yaml is not read: it may say where more stacks are",
            remedy="Vendor the file into the repository, or use --from-atmos.",
        )
    broken = ", ".join(
        sorted(name or "a manifest of no known stack" for name in {*desired.errors, *desired.incomplete})
    )
    return GuardError(
        f"nothing may be pruned while stacks of the repository have errors: {broken}",
        remedy="Mend them first: one of them may declare what seems to be left. `plan` says what is wrong.",
    )


def refuse_incomplete(desired: OpenRepository) -> None:
    """Refuse to delete anything while not all is known that is declared.

    Raises:
        GuardError: see `why_no_prune`.
    """
    if (error := why_no_prune(desired)) is not None:
        raise error


def refuse_referred(desired: OpenRepository, stack: str) -> None:
    """Refuse to take a stack down from which another one takes outputs or values.

    Raises:
        GuardError: naming those stacks.
    """
    specs = desired.specs
    users = sorted(
        name
        for name, spec in specs.items()
        if name != stack
        for one in spec.crossings
        if one.boundary in (Boundary.OUTPUT, Boundary.VALUE) and one.name.partition(":")[0] == stack
    )
    if users:
        raise GuardError(
            f"stack {stack} is needed: {', '.join(dict.fromkeys(users))} refers to it",
            remedy="Take these references out first, and apply.",
        )


def protection_of(desired: OpenRepository, spec: StackSpec) -> str | None:
    """Say why a stack counts as production, for messages; None where it does not.

    Of a stack that left nothing but its name is known.
    """
    declared = desired.specs.get(spec.stack)
    if declared is not None:
        return "it is production, or says protected: true" if declared.protected else None
    if names_production(spec.stack):
        return "its name says production, and nothing else of it is known"
    return _said_before(desired, spec.stack)


def _said_before(desired: OpenRepository, stack: str) -> str | None:
    """What the components say of a stack that is in the repository and declares nothing."""
    if stack not in desired.source.stack_names():
        return None
    for component in desired.source.stack(stack).components.get(TERRAFORM, {}).values():
        if own_settings(component).get("protected") is True:
            return f"settings.secrets_pipeline.protected of component {component.name} is true"
        variables = component.resolved.get("vars") or {}
        for key in ("environment", "stage"):
            value = variables.get(key) if isinstance(variables, dict) else None
            if isinstance(value, str) and names_production(value):
                return f"{key} of component {component.name} is {value}"
    return None
