"""List where the rules of events are, and look at the dead-letter queue of each place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.session import AwsAccount, Sessions, partition_of
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.rotation.events.dead_letters import DeadLetters, dead_letters_in
from secrets_pipeline.rotation.events.names import GLOBAL_REGIONS, ORGANIZATIONS


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A place whose dead-letter queue was looked at.

    Attributes:
        place: account and region, as far as they are known.
        account: how it is reached.
        dead_letters: what lies there, or why nobody could look.
    """

    place: str
    account: AwsAccount
    dead_letters: DeadLetters | SecretsPipelineError


def event_targets(settings: OperatorSettings, specs: Iterable[StackSpec]) -> list[Target]:
    """List the places that can have rules, the queue's first: of stacks, and where global services tell of calls.

    The latter only where `events.watch_access` lets rules be made there.
    """
    events = settings.events
    if events is None:
        return []
    home = settings.event_target(events)
    lived_in = [home, *(spec.target for spec in specs)]
    role = events.organization_role_arn
    regions = GLOBAL_REGIONS.get(partition_of(events.region), {}) if events.watch_access else {}
    told = [one.model_copy(update={"region": region}) for region in sorted(set(regions.values())) for one in lived_in]
    if role is not None and ORGANIZATIONS in regions:
        there = Target(account_id=account_of(role), region=regions[ORGANIZATIONS])
        told.append(there.under(events.organization_role))
    found: dict[tuple[str | None, str], Target] = {}
    for target in (*lived_in, *told):
        found.setdefault((target.account_id, target.region), target)
    return list(found.values())


def look_at_dead_letters(
    events: EventSettings,
    targets: Iterable[Target],
    sessions: Sessions,
    *,
    is_late: Callable[[], bool] = lambda: False,
) -> Iterator[LookedAt]:
    """Look at the dead-letter queue of each place that has one, each once; a place that cannot be reached is said.

    Args:
        events: the operator's settings of the queue.
        targets: the places, of `event_targets`.
        sessions: how AWS is reached.
        is_late: whether there is no time for a further place.
    """
    known = set[str]()
    for target in targets:
        if is_late():
            return
        place = f"{target.account_id or 'own account'} in {target.region}"
        account = sessions.for_target(target)
        try:
            found = dead_letters_in(account, dead_letters_name(events))
        except SecretsPipelineError as error:
            yield LookedAt(place, account, error)
            continue
        if found is not None and found.arn not in known:
            known.add(found.arn)
            yield LookedAt(place, account, found)


def dead_letters_name(events: EventSettings) -> str:
    """Name the dead-letter queue of a queue of events."""
    return f"{events.queue}-dead-letters"


def unwatched(settings: OperatorSettings, specs: Iterable[StackSpec]) -> tuple[str, ...]:
    """Say which changes of who can read start nothing, so that the next verification is the first to see them."""
    events, specs = settings.events, list(specs)
    if events is None:
        return ()
    if not events.watch_access:
        return ("changes of IAM and of the organisation's policies: events.watch_access is false",)
    said = []
    if ORGANIZATIONS not in GLOBAL_REGIONS.get(partition_of(events.region), {}):
        said.append(f"changes of IAM: nobody said which region of the partition of {events.region} tells of them")
    if events.organization_role_arn is None:
        said.append(
            "changes of the organisation's policies, unless they are made in an account of a stack: "
            "events.organization_role_arn names no role of its management account"
        )
    homes = {spec.target.account_id for spec in specs}
    if None not in homes:
        readers = {one for spec in specs for one in spec.reader_accounts}
        said += [
            f"changes of IAM in account {one}, where readers are and no stack is" for one in sorted(readers - homes)
        ]
    return tuple(said)
