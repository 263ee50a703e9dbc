"""Define the sensor that notices a database that came up, was restored or moved, and has its stack follow it."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.orchestration.provisioning.assets import FOLLOWED
from secrets_pipeline.orchestration.shared.backoff import attempt_at
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, STACKS
from secrets_pipeline.orchestration.shared.resources import AwsSessions, Stacks
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.orchestration.shared.run_commit import at_commit
from secrets_pipeline.orchestration.shared.run_requests import run_request
from secrets_pipeline.reconcilers.database.followed import serving
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory

_SECONDS = 30.0
"""From the start of a tick, which Dagster ends after 60 seconds."""
_RDS_ENDPOINTS = dg.AssetKey("rds_endpoints")
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.sensor(
    name="rds_endpoint_sensor",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    job_name="follow_endpoint",
    description="Asks RDS once an account and region, and requests a run for a stack whose database became available, "
    "was restored, or has another endpoint than the last run followed.",
)
def rds_endpoint_sensor(
    context: dg.SensorEvaluationContext, stacks: dg.ResourceParam[Stacks], aws: dg.ResourceParam[AwsSessions]
) -> dg.SensorResult:
    """Compare each database that serves with what the stack's last run followed."""
    return watch(context, stacks, aws, clock=time.time)


def watch(
    context: dg.SensorEvaluationContext, stacks: Stacks, aws: AwsSessions, *, clock: Callable[[], float]
) -> dg.SensorResult:
    """Evaluate one tick of the sensor.

    Args:
        context: of the sensor; its cursor holds since when a difference was seen.
        stacks: the repository.
        aws: how AWS is reached.
        clock: seconds since 1970.
    """
    partitions = set(context.instance.get_dynamic_partitions(str(STACKS.name)))
    desired = stacks.read()
    specs = [spec for name, spec in desired.specs.items() if name in partitions and spec.databases]
    inventories: dict[Target, DatabaseInventory | AwsError] = {}
    before = _differences(context.cursor)
    after: dict[str, _Difference] = {}
    requests = []
    deadline = time.monotonic() + _SECONDS
    for spec in in_turn(specs, int(clock() // 60)):
        if time.monotonic() > deadline:
            after |= {spec.stack: before[spec.stack]} if spec.stack in before else {}
            continue
        try:
            difference = _difference(context.instance, spec, aws, inventories)
        except SecretsPipelineError as error:
            context.log.warning("databases of %s were not looked at: %s", spec.stack, error.diagnostics())
            if spec.stack in before:
                after[spec.stack] = before[spec.stack]
            continue
        if not difference:
            continue
        known = before.get(spec.stack)
        seen = known if known is not None and known.what == difference else _Difference(difference, int(clock()))
        after[spec.stack] = seen
        # A run that is on its way, for an event or by hand, may be about to follow.
        if not _is_busy(context.instance, spec.stack):
            key = f"endpoint:{seen.what}:{seen.since}"
            requests.append(
                run_request("follow_endpoint", spec.stack, key=key, attempt=attempt_at(clock() - seen.since))
            )
    return dg.SensorResult(
        run_requests=at_commit(desired, requests),
        cursor=json.dumps({name: [one.what, one.since] for name, one in after.items()}),
    )


@dataclass(frozen=True, slots=True)
class _Difference:
    """A difference between RDS and what was followed.

    Attributes:
        what: digest of the databases as they are.
        since: when it was first seen, in seconds since 1970.
    """

    what: str
    since: int


def _differences(cursor: str | None) -> dict[str, _Difference]:
    try:
        return {name: _Difference(str(what), int(since)) for name, (what, since) in json.loads(cursor or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _difference(
    instance: dg.DagsterInstance,
    spec: StackSpec,
    aws: AwsSessions,
    inventories: dict[Target, DatabaseInventory | AwsError],
) -> str:
    """Digest of the databases that serve otherwise than was followed; empty for none, or where nothing was applied."""
    followed = _followed(instance, spec.stack)
    if followed is None:
        return ""
    now = _serving(spec, aws, inventories)
    other = {name: said for name, said in now.items() if followed.get(name) != said}
    return hashlib.sha256(json.dumps(other, sort_keys=True).encode()).hexdigest()[:16] if other else ""


def _serving(
    spec: StackSpec, aws: AwsSessions, inventories: dict[Target, DatabaseInventory | AwsError]
) -> Mapping[str, str]:
    """The databases that serve; an account that did not answer is not asked again in this tick.

    Raises:
        SecretsPipelineError: it cannot be asked.
    """
    known = inventories.get(spec.target)
    if isinstance(known, AwsError):
        raise known
    try:
        if known is None:
            account = aws.sessions.for_target(spec.target)
            check_account(account, spec.target, stack=spec.stack)
            known = inventories[spec.target] = DatabaseInventory(account)
        return serving(spec, known)
    except AwsError as error:
        inventories[spec.target] = error
        raise


def _followed(instance: dg.DagsterInstance, stack: str) -> Mapping[str, str] | None:
    """What the last run followed; None for a stack that was never applied, which is not for a sensor to do."""
    wanted = dg.AssetRecordsFilter(asset_key=_RDS_ENDPOINTS, asset_partitions=[stack])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        metadata = record.asset_materialization.metadata if record.asset_materialization else {}
        value = metadata[FOLLOWED].value if FOLLOWED in metadata else {}
        return {str(name): str(said) for name, said in value.items()} if isinstance(value, dict) else {}
    return None


def _is_busy(instance: dg.DagsterInstance, stack: str) -> bool:
    unfinished = dg.RunsFilter(tags={PARTITION_TAG: stack}, statuses=_UNFINISHED)
    return bool(instance.get_runs(unfinished, limit=1))
