"""Collect what the stacks of a plan do that are applied before the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.engine.blocking import Known, learn_change
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.only import Planned, changes_of
from secrets_pipeline.engine.reason import Standing
from secrets_pipeline.reconcilers.kms_key.service_keys import is_service_key
from secrets_pipeline.reconcilers.needed import of_stack

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


_QUEUE = "rotation_event_queue"
"""The stage of the queue of events, which stacks share."""


@dataclass
class Earlier:
    """Changes of the stacks that are applied before the current one.

    Attributes:
        changing: by other stack, the secrets of it whose value changes.
        published: by account and region, how the parameters that these stacks publish will stand, by `Need.on`.
        made: shared resources that an earlier stack makes or changes, as account, region, and kind with name.
    """

    changing: dict[str, frozenset[SecretRef]] = field(default_factory=dict)
    published: dict[tuple[str, str], dict[str, Standing]] = field(default_factory=dict)
    made: set[tuple[str, str, str]] = field(default_factory=set)
    _of_stacks: dict[str, Standing] = field(default_factory=dict)

    def learn(self, stack: Stack, planned: Planned) -> None:
        """Add the plan of one more stack."""
        name = stack.spec.stack
        self.changing[name] = rewritten(planned)
        known: dict[str, Standing] = {}
        for stage, changes in planned.items():
            for change in changes:
                learn_change(known, change)
                if change.ancillary:
                    # Others refer to a published parameter by its name alone.
                    learn_change(self.published.setdefault(_home(stack), {}), change)
                if change.action.writes and (shared := _shared(stack, stage, change)) is not None:
                    self.made.add(shared)
        self._of_stacks |= {of_stack(on, name): standing for on, standing in known.items()}

    def known_to(self, stack: Stack) -> Known:
        """Return how the resources of these stacks will stand, by `Need.on` of another stack."""
        return {**self._of_stacks, **self.published.get(_home(stack), {})}

    def without_made(self, stack: Stack, planned: Planned) -> dict[str, tuple[Change, ...]]:
        """Return a plan in which nothing is made or changed that an earlier stack does."""
        return {stage: tuple(self._rest(stack, stage, changes)) for stage, changes in planned.items()}

    def _rest(self, stack: Stack, stage: str, changes: Sequence[Change]) -> Iterator[Change]:
        for change in changes:
            if _shared(stack, stage, change) not in self.made:
                yield change
            elif not is_service_key(change):
                yield replace(change, action=ChangeClass.NONE, reasons=(), drift=False)


def _home(stack: Stack) -> tuple[str, str]:
    return stack.account.account_id, stack.account.region


def _shared(stack: Stack, stage: str, change: Change) -> tuple[str, str, str] | None:
    """Name what several stacks share; None for a stack's own. Names of the queue's parts hold account and region."""
    if is_service_key(change):
        return *_home(stack), str(change.resource)
    return ("", "", str(change.resource)) if stage == _QUEUE else None


def rewritten(planned: Planned) -> frozenset[SecretRef]:
    """Find the secrets of a plan whose value changes."""
    changes = (one.resource for one in changes_of(planned) if one.rewrites and one.resource.key)
    return frozenset(SecretRef(component=one.component, key=one.key) for one in changes)
