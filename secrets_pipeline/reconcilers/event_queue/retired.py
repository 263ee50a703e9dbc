"""Delete the rules of an account and region in which no stack of the repository lives any more.

The queue, its dead-letter queues, the bus, the role and rules for global services may bring the events of other stacks,
and queues may hold messages: they stay, and docs/decommissioning.md says how they are deleted.
Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.reconcilers.event_queue.reconciler import layout_of
from secrets_pipeline.reconcilers.event_queue.route import RulePart, delete_rule
from secrets_pipeline.reconcilers.left import left

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


class RetiredRouteReconciler:
    """Plans and deletes the rules of a retired stack's account and region; none while another stack lives there."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._arns: dict[Resource, str] = {}

    def plan(self) -> Sequence[Change]:
        """Plan one change a rule that carries our tag."""
        settings, account = self._stack.run.settings, self._stack.account
        if settings.events is None or self._is_needed():
            return []
        layout = layout_of(self._stack, self._stack.observed.sessions.visited(settings.event_target(settings.events)))
        target = layout.target()
        changes = []
        for arn, pattern in layout.local_rules(layout.here).items():
            part = RulePart(account, arn, pattern, target, layout.tags)
            self._arns[part.resource] = arn
            change = planned(part.resource, partial(self._plan, part))
            changes += [change] if change else []
        return changes

    def apply(self, change: Change) -> str:
        """Call RemoveTargets and DeleteRule for one rule; see `engine.Reconciler`."""
        return delete_rule(self._stack.account, self._arns[change.resource])

    def _plan(self, part: RulePart) -> Change | None:
        seen = part.look()
        if not seen.exists or not seen.ours:
            return None
        said = "brings events of an account and region in which no stack lives any more"
        reason = Because(said, "the queue, bus and role that it leads to stay")
        return Change(part.resource, *left(self._stack, reason), act=True)

    def _is_needed(self) -> bool:
        here = self._stack.account
        lived_in = self._stack.ownership.repository.index.places(retired=False)
        return not lived_in.isdisjoint({(None, here.region), (here.account_id, here.region)})
