"""Put together what forwards events to the bus at home: from other accounts and regions, and of global services.

IAM and Organizations tell of their calls in one region of a partition, whatever region a stack lives in; policies of an
organisation change in its management account.
Source: https://repost.aws/knowledge-center/eventbridge-rule-triggers-iam-single-region
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.reconcilers.event_queue.desired import Document, Layout, Place
from secrets_pipeline.reconcilers.event_queue.part import EventPart, PermittedPart
from secrets_pipeline.reconcilers.event_queue.queue import QueuePart
from secrets_pipeline.reconcilers.event_queue.route import RolePart, RulePart
from secrets_pipeline.rotation.events.names import ORGANIZATIONS

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_RETENTION_SECONDS = "1209600"
_VISIBILITY_SECONDS = "60"

Forwarding = tuple[list[EventPart], list[object]]
"""Parts, and what they should be, for a digest."""


def forwarding(account: AwsAccount, plan: Layout, rules: Mapping[str, Document], repository: str) -> Forwarding:
    """Lay out dead-letter queue, role and rules of one place.

    Args:
        account: the place's.
        plan: the layout, with this place as `here`.
        rules: by ARN.
        repository: see `QueuePart`.
    """
    here, target = plan.here, plan.target()
    place = f" of {here.account_id} in {here.region}"
    dead_letters = dead_letters_part(account, plan, here, None, repository, place=place)
    made = [RulePart(account, arn, pattern, target, plan.tags, place=place) for arn, pattern in rules.items()]
    return [dead_letters, RolePart(account, plan), *made], [
        dead_letters.wanted,
        plan.trust,
        plan.permissions,
        *([plan.boundary] if plan.boundary else []),
        target,
        rules,
        *tags_of(plan),
    ]


def tags_of(plan: Layout) -> list[object]:
    """List the operator's tags for a digest; none where there are none."""
    return [plan.tags] if plan.tags else []


def global_route(stack: Stack, plan: Layout) -> Forwarding:
    """Lay out what brings events of global services from the home account and the organisation's management account.

    What the accounts of other stacks need is part of their own routes.
    """
    settings, sessions = stack.run.settings, stack.observed.sessions
    parts: list[EventPart] = []
    wanted: list[object] = []
    if settings.events is None:
        return parts, wanted
    home, role = settings.event_target(settings.events), settings.events.organization_role_arn
    asked: list[tuple[Target, Layout, Mapping[str, Document]]] = []
    if watches_home(stack, plan):
        for place in plan.global_places(plan.home.account_id, plan.home.partition):
            target = home.model_copy(update={"region": place.region})
            asked.append((target, replace(plan, here=place), plan.global_rules(place)))
    if role is not None and account_of(role) != plan.home.account_id:
        for place in plan.global_places(account_of(role), plan.home.partition):
            of_it = {arn: one for arn, one in plan.global_rules(place).items() if one["source"] == [ORGANIZATIONS]}
            asked.append(
                (Target(region=place.region).under(settings.events.organization_role), replace(plan, here=place), of_it)
            )
    for target, there, rules in asked:
        # Where the queue is, they are rules of the home itself.
        if rules and not there.at_home:
            repository = stack.ownership.repository.id
            more, further = forwarding(sessions.visited(target), there, rules, repository)
            parts, wanted = [*parts, *map(PermittedPart, more)], [*wanted, *further]
    return distinct(parts), wanted


def watches_home(stack: Stack, plan: Layout) -> bool:
    """Tell whether calls to global services in the queue's account matter, for its stacks or for its organisation."""
    events, home = stack.run.settings.events, plan.home.account_id
    role = events.organization_role_arn if events else None
    manages = role is not None and account_of(role) == home
    return manages or any(account in (None, home) for account, _ in stack.ownership.repository.index.places())


def distinct(parts: Sequence[EventPart]) -> list[EventPart]:
    """List each part once: an account has one role, whatever forwards by it."""
    return list({part.resource: part for part in reversed(parts)}.values())[::-1]


def dead_letters_part(
    account: AwsAccount, plan: Layout, where: Place, key: str | None, repository: str, *, place: str = ""
) -> QueuePart:
    """Lay out the dead-letter queue of a place, which every rule may use that the place can have."""
    attributes = queue_attributes(plan.queue_policy(where, plan.dead_letters, plan.senders(where)))
    return QueuePart(account, plan.dead_letters, attributes, key, repository, tags=plan.tags, place=place)


def queue_attributes(policy: Document) -> dict[str, str]:
    """Make the attributes that every queue of events has."""
    return {
        "MessageRetentionPeriod": _RETENTION_SECONDS,
        "VisibilityTimeout": _VISIBILITY_SECONDS,
        "Policy": json.dumps(policy),
    }
