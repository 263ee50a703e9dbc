"""Decide which changes are blocked, for a plan and for an apply. Pure.

A change is blocked if anything that it needs is blocked or missing. It waits if AWS is making what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Outcome, Skipped
from secrets_pipeline.engine.reason import Because, Missing, Need, OnItsWay, Reason, Standing

Known: TypeAlias = Mapping[str, Standing]
"""How this run leaves resources, by `Need.on`. A resource that is not in here stands as AWS shows it."""

VALUE_OF = "value of "
"""In front of a secret in `Need.on`: the change needs its value as well."""

_BRINGS_ITS_VALUE = (ChangeClass.RESTORE, ChangeClass.ADOPT)
_BEST_FIRST = (
    Standing.PRESENT,
    Standing.MADE,
    Standing.ON_ITS_WAY,
    Standing.MISSING,
    Standing.BLOCKED,
    Standing.SKIPPED,
    Standing.FAILED,
)


def hindrance(needs: Iterable[Need], known: Known) -> Reason | None:
    """Return why a change cannot be made now, or None if everything that it needs is there, or is made by this run.

    Args:
        needs: everything that the change needs.
        known: what this run makes of these resources.

    Returns:
        `OnItsWay` if AWS is making what the change needs, so that a later run goes on by itself. Another reason if
        something is missing, blocked or failed, even if something else is on its way.
    """
    judged = [(need, *_standing(need, known)) for need in needs]
    need, on, standing = max(judged, key=lambda one: _BEST_FIRST.index(one[2]), default=(None, "", Standing.PRESENT))
    if need is None or standing in (Standing.PRESENT, Standing.MADE):
        return None
    thing = on.removeprefix(VALUE_OF)
    if standing is Standing.ON_ITS_WAY:
        return OnItsWay(need.problem or f"{thing} is on its way")
    if standing is Standing.MISSING:
        return Missing(need.problem or f"needs {thing}, which does not exist")
    return Because(f"needs {thing}, which {standing}", f"unblock {thing}" if standing is Standing.BLOCKED else "")


def _standing(need: Need, known: Known) -> tuple[str, Standing]:
    """Of the resources of a need, the one that is nearest to being there: one of them is enough."""
    standings = [(on, known.get(on, need.standing)) for on in need.on] or [("", need.standing)]
    return min(standings, key=lambda one: _BEST_FIRST.index(one[1]))


def learn_change(known: dict[str, Standing], change: Change) -> None:
    """Record the state in which an apply of the change would leave its resource."""
    if change.action is ChangeClass.BLOCKED:
        _learn(known, change, Standing.BLOCKED)
    elif change.action.writes and not change.note:
        _learn(known, change, Standing.ON_ITS_WAY if change.on_its_way else Standing.MADE)


def learn_outcome(known: dict[str, Standing], outcome: Outcome) -> None:
    """Add how an outcome left its resource."""
    match outcome:
        case Applied(change=change):
            _learn(known, change, Standing.MADE)
        case Failed(change=change):
            _learn(known, change, Standing.FAILED)
        case Skipped(change=change, passes=passes):
            _learn(known, change, Standing.ON_ITS_WAY if passes else Standing.SKIPPED)


def _learn(known: dict[str, Standing], change: Change, standing: Standing) -> None:
    known[str(change.resource)] = standing
    if standing is not Standing.MADE or change.rewrites or change.action in _BRINGS_ITS_VALUE:
        known[f"{VALUE_OF}{change.resource}"] = standing


def blocked(stages: Mapping[str, Sequence[Change]], earlier: Known) -> dict[str, tuple[Change, ...]]:
    """Return the plan, BLOCKED where an apply would skip a change, with a reason OnItsWay where it waits for AWS.

    Args:
        stages: the changes of each stage, in the order in which they are applied.
        earlier: what stacks make that are applied before this one.
    """
    found = {stage: tuple(changes) for stage, changes in stages.items()}
    while True:
        known, judged = dict(earlier), dict[str, tuple[Change, ...]]()
        for stage, changes in found.items():
            # A stage finds what it makes itself, and what the stages before it have made.
            for change in changes:
                learn_change(known, change)
            names = names_of(changes)
            judged[stage] = tuple(_judged(change, names, known) for change in changes)
        if all(new is old for stage in found for new, old in zip(judged[stage], found[stage], strict=True)):
            return judged
        found = judged


def _judged(change: Change, names: Mapping[str, str], known: Known) -> Change:
    if not change.action.writes or change.note:
        return change
    why = hindrance(needs_of(change, names), known)
    if why is None or (isinstance(why, OnItsWay) and change.on_its_way):
        return change
    if isinstance(why, OnItsWay):
        return replace(change, reasons=(*change.reasons, why))
    return replace(change, action=ChangeClass.BLOCKED, reasons=(why,), rewrites=False)


def names_of(changes: Iterable[Change]) -> dict[str, str]:
    """Map the names of a stage's resources, which `Change.depends_on` holds, to what `Need.on` calls them."""
    return {change.resource.name: str(change.resource) for change in changes}


def needs_of(change: Change, names: Mapping[str, str]) -> tuple[Need, ...]:
    """Return what a change needs: its own needs, and the changes of its stage that it depends on.

    Args:
        change: planned.
        names: see `names_of`.
    """
    return (*(Need((names[name],)) for name in change.depends_on if name in names), *change.needs)
