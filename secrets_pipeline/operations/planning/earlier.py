"""Collect what the stacks of a plan do that are applied before the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.engine.blocking import learn_change
from secrets_pipeline.engine.only import Planned, changes_of
from secrets_pipeline.engine.reason import Standing
from secrets_pipeline.reconcilers.kms_key.service_keys import is_service_key
from secrets_pipeline.reconcilers.needed import of_stack

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass
class Earlier:
    """What is done before a stack is applied.

    Attributes:
        changing: by other stack, the secrets of it whose value changes.
        known: how the resources of these stacks will stand, by `Need.on`.
        made: account, region and alias of each service key of the pipeline that is made.
    """

    changing: dict[str, frozenset[SecretRef]] = field(default_factory=dict)
    known: dict[str, Standing] = field(default_factory=dict)
    made: set[tuple[str, str, str]] = field(default_factory=set)

    def learn(self, stack: Stack, planned: Planned) -> None:
        """Add the plan of one more stack."""
        name, account = stack.spec.stack, stack.account
        self.changing[name] = rewritten(planned)
        known: dict[str, Standing] = {}
        for change in changes_of(planned):
            learn_change(known, change)
            if is_service_key(change):
                self.made.add((account.account_id, account.region, change.resource.name))
            if change.ancillary:
                # Others refer to a published parameter by its name alone.
                learn_change(self.known, change)
        self.known |= {of_stack(on, name): standing for on, standing in known.items()}


def rewritten(planned: Planned) -> frozenset[SecretRef]:
    """Find the secrets of a plan whose value changes."""
    changes = (one.resource for one in changes_of(planned) if one.rewrites and one.resource.key)
    return frozenset(SecretRef(component=one.component, key=one.key) for one in changes)
