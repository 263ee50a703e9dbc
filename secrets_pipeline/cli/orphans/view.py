"""Show what stacks left in AWS, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from secrets_pipeline.cli.plan.view import StackPlan, plan_json, plan_table
from secrets_pipeline.cli.shared.console import emit, say, show, title
from secrets_pipeline.engine.only import changes_of
from secrets_pipeline.operations.decommission.found import Found
from secrets_pipeline.operations.decommission.places import Places
from secrets_pipeline.operations.planning.prices import dollars_a_month

Shown = Sequence[tuple[StackPlan, str]]
"""Plans, and what became of their stacks."""


def show_left(plans: Shown, *, every: bool) -> None:
    """Print a table a stack, and what its secrets and keys cost.

    Args:
        plans: of the stacks.
        every: a row for each thing.
    """
    for plan, why in plans:
        said = f" {why}" if why else " is taken down"
        title(f"{plan.stack} ({plan.account_id}, {plan.region}){said}: {plan.counted}")
        show(plan_table(plan, unchanged=False, every=every))
        emit("")
    if cost := sum(monthly_dollars(plan) for plan, _ in plans):
        say(f"Secrets and keys among these cost about ${cost:.2f} a month, and requests.", style="dim")


def monthly_dollars(plan: StackPlan) -> float:
    """Estimate what the secrets and keys of a plan cost a month, in US dollars."""
    return sum(map(dollars_a_month, changes_of(plan.stages)))


def left_json(plans: Shown, errors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what stacks left as JSON."""
    stacks = [
        {"stack": plan.stack, "why": why, "dollars_a_month": monthly_dollars(plan)} | plan_json(plan, unchanged=False)
        for plan, why in plans
    ]
    return {"stacks": stacks, "errors": errors}


def looked_json(places: Places, found: Sequence[Found]) -> dict[str, Any]:
    """Return what was looked at, and what was not, as JSON."""
    others = [
        {"repository": name, "account_id": one.place.account.account_id, "region": one.place.account.region, "marks": n}
        for one in found
        for name, n in sorted(one.others.items())
    ]
    seen = [{"account_id": one.account.account_id, "region": one.account.region} for one in places.seen]
    return {"looked_at": seen, "not_looked_at": unseen(places, found), "of_other_repositories": others}


def tell_looked(places: Places, found: Sequence[Found]) -> None:
    """Say what was looked at, what was not, and what belongs to other repositories."""
    where = ", ".join(map(str, places.seen)) or "nothing"
    say(f"Looked at: {where}. With --region, other regions are.", style="dim")
    for text in unseen(places, found):
        say(f"not looked at: {text}", style="yellow")
    for one in found:
        for name, number in sorted(one.others.items()):
            say(f"{one.place}: {number} marks name repository {name}, which are not this one's to judge", style="dim")


def unseen(places: Places, found: Sequence[Found]) -> list[str]:
    """List what was not looked at, and why; a sentence each."""
    return [*places.unseen, *(text for one in found for text in one.unseen)]
