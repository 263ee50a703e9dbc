"""Find out what the operator's settings have the pipeline touch, by the role that touches it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.aws.session import partition_of
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.event_places import dead_letters_name, event_targets
from secrets_pipeline.operations.rights.of_stack import Kind, of_states, states_in_s3
from secrets_pipeline.reconcilers.event_queue.desired import FORWARDED


class Identity(NamedTuple):
    """Whoever calls AWS.

    Attributes:
        role_arn: a role that the pipeline assumes; None for its own credentials.
        account_id: its account; `*` where nobody said it.
    """

    role_arn: str | None
    account_id: str


Found = tuple[Identity, Kind]


def own_identities(settings: OperatorSettings, stacks: Iterable[Identity], account_id: str) -> list[Identity]:
    """The pipeline's own credentials, those of each account that they are used in; one at least.

    Args:
        settings: the operator's.
        stacks: as whom stacks are reached.
        account_id: where neither says one.
    """
    found = [one for one in stacks if one.role_arn is None]
    home = settings.event_target(settings.events) if settings.events else None
    if home is not None and home.role_arn is None and home.account_id is not None:
        found.append(Identity(None, home.account_id))
    return list(dict.fromkeys(found)) or [Identity(None, account_id)]


def of_settings(
    settings: OperatorSettings, specs: Sequence[StackSpec], own: Identity, roles: Iterable[str]
) -> Iterator[Found]:
    """What stacks do not say.

    Args:
        settings: the operator's.
        specs: the stacks, one at least.
        own: the pipeline's own credentials, in one account.
        roles: that are assumed for the stacks, and for those that they refer to.
    """
    assumed, partition = list(roles), partition_of(specs[0].target.region)
    # Whose they are, AWS alone tells.
    yield own, ("own_roles", [str(Arn(partition, "iam", "", own.account_id, "role/*"))])
    yield from _stores(settings, own, partition)
    yield from _alerts(settings, own)
    yield from _events(settings, specs, own, partition)
    access = settings.access
    readers = {account for spec in specs for account in spec.reader_accounts}
    looked_at = [one for one in access.accounts if one.account_id in readers]
    for one in looked_at:
        identity = Identity(one.role_arn, one.account_id)
        yield identity, ("audited", ["*"])
        yield identity, ("foreign_keys", _keys_of(one.account_id, specs))
    if access.organization_role_arn:
        yield Identity(access.organization_role_arn, account_of(access.organization_role_arn)), ("organization", ["*"])
        assumed.append(access.organization_role_arn)
    assumed += [one.role_arn for one in looked_at]
    leases = settings.leases
    further = (
        settings.alerts.role_arn,
        *(one.role_arn for one in (settings.alerts.webhook, settings.alerts.heartbeat) if one),
        None if isinstance(leases, str) else leases.role_arn,
        settings.event_target(settings.events).role_arn if settings.events else None,
        settings.events.organization_role_arn if settings.events else None,
    )
    for place in (one for spec in specs for one in states_in_s3(spec) if one.role_arn):
        assumed.append(str(place.role_arn))
        yield from ((_as(place.role_arn, own), kind) for kind in of_states([place]))
    yield own, ("assumed", [*dict.fromkeys([*assumed, *(one for one in further if one)])])


def _keys_of(account_id: str, specs: Iterable[StackSpec]) -> list[str]:
    """Keys of another account that encrypt secrets of the stacks; they are named by ARN."""
    named = (secret.kms_key for spec in specs for secret in spec.secrets)
    found = (one for one in named if isinstance(one, str) and (arn := Arn.match(one)) and arn.account_id == account_id)
    return list(dict.fromkeys(found))


def _as(role_arn: str | None, own: Identity) -> Identity:
    return own if role_arn is None else Identity(role_arn, account_of(role_arn))


def _stores(settings: OperatorSettings, own: Identity, partition: str) -> Iterator[Found]:
    seals, leases = settings.seals, settings.leases
    if seals.bucket:
        bucket = f"arn:{partition}:s3:::{seals.bucket}"
        yield own, ("seal_bucket", [bucket])
        yield own, ("seals", [f"{bucket}/{_folder(seals.prefix)}*"])
    if isinstance(leases, BucketLeases):
        bucket, holder = f"arn:{partition}:s3:::{leases.bucket}", _as(leases.role_arn, own)
        yield holder, ("lease_bucket", [bucket])
        yield holder, ("leases", [f"{bucket}/{_folder(leases.prefix)}*"])


def _folder(prefix: str) -> str:
    return f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def _alerts(settings: OperatorSettings, own: Identity) -> Iterator[Found]:
    alerts = settings.alerts
    if alerts.topic_arn:
        yield _as(alerts.role_arn, own), ("topics", [alerts.topic_arn])
    for url in filter(None, (alerts.webhook, alerts.heartbeat)):
        reader = _as(url.role_arn, own)
        if url.secret_arn:
            yield reader, ("url_secrets", [url.secret_arn])
            yield reader, ("url_secret_keys", [_keys_beside(url.secret_arn)])
        if url.parameter_arn:
            yield reader, ("url_parameters", [url.parameter_arn])
            yield reader, ("url_parameter_keys", [_keys_beside(url.parameter_arn)])


def _keys_beside(named: str) -> str:
    arn = Arn.parse(named)
    return str(Arn(arn.partition, "kms", arn.region, arn.account_id, "key/*"))


def _events(settings: OperatorSettings, specs: Sequence[StackSpec], own: Identity, partition: str) -> Iterator[Found]:
    events = settings.events
    if events is None:
        return
    target = settings.event_target(events)
    home = _as(target.role_arn, own)
    account_id = target.account_id or home.account_id

    def at(service: str, region: str, account: str, *resources: str) -> list[str]:
        return [str(Arn(partition, service, region, account, one)) for one in resources]

    dead_letters = dead_letters_name(events)
    places = event_targets(settings, specs)
    # What own credentials reach in another account is theirs there.
    if home != own or account_id == own.account_id:
        queues = at("sqs", events.region, account_id, events.queue, dead_letters)
        yield home, ("queues", queues)
        yield home, ("home_queue", queues[:1])
        yield home, ("home_dead_letters", queues[1:])
        yield home, ("buses", at("events", events.region, account_id, f"event-bus/{events.queue}"))
        yield home, ("any_bus", ["*"])
        forwarded = f"rule/{events.queue}/{events.queue}-{FORWARDED}"
        yield home, ("rules", at("events", events.region, account_id, forwarded))
        if key := events.kms_key:
            named = [key] if key.startswith("arn:") else at("kms", events.region, account_id, "key/*")
            yield home, ("queue_keys", named)
        if {place.account_id or own.account_id for place in places} - {account_id}:
            yield home, ("any_bus_of_others", ["*"])
    for place in places:
        watcher, account = _as(place.role_arn, own), place.account_id or own.account_id
        if watcher == own and account != own.account_id:
            continue
        yield watcher, ("trails", ["*"])
        yield watcher, ("rules", at("events", place.region, account, f"rule/{events.queue}-*"))
        if (place.region, account) == (events.region, account_id):
            continue
        yield watcher, ("queues", at("sqs", place.region, account, dead_letters))
        role = at("iam", "", account, f"role/{events.role_name}")
        yield watcher, ("event_roles", role)
        if settings.permissions_boundary:
            yield watcher, ("bounded_event_roles", role)
