"""ARNs to consumers, which are started anew where a value changed, and the report that ends every run."""

from collections.abc import Mapping

import dagster as dg

from definitions.applying import OUTCOMES, materialized, table_of
from definitions.assets.options import OPTIONS
from definitions.assets.provisioning import (
    Apply,
    Context,
    Result,
    connection_secrets,
    consumer_policies,
    kms_keys,
    rds_endpoints,
    rds_instances,
    rotation_event_queue,
    rotation_functions,
    secret_policies,
    secret_replicas,
    secret_rotation,
    secrets,
)
from definitions.rollouts import ROLLOUTS, as_metadata
from secrets_pipeline.engine import rows
from secrets_pipeline.reconcilers import RefreshReconciler, commit


@dg.asset(
    **OPTIONS,
    deps=[secret_policies, secret_rotation, secret_replicas, consumer_policies],
    kinds={"aws", "lambda", "ecs"},
)
def consumer_arns(context: Context, applying: Apply) -> Result:
    """ARNs published in SSM, and delivered to Lambda, ECS and API Gateway where a component says so."""
    stack, outcomes = applying.stage(context, "consumer_arns")
    found = (stack.inventory.secret(secret.name) for secret in stack.spec.secrets)
    return materialized(outcomes, {"arns": table_of([{"name": s.name, "arn": s.arn} for s in found if s])})


# The values as well: a run of some assets alone keeps the order of those that name each other.
@dg.asset(**OPTIONS, deps=[secrets, connection_secrets, consumer_arns], kinds={"aws", "ecs", "lambda"})
def consumer_refresh(context: Context, applying: Apply) -> Result:
    """Services, functions, stages and instances that run with an older value of a secret are started anew."""
    stack = applying.context(context.partition_key)
    reconciler = RefreshReconciler(stack)
    outcomes = applying.reconcile("consumer_refresh", reconciler)
    return materialized(outcomes, {ROLLOUTS: as_metadata(reconciler.in_flight)})


APPLIED = (
    kms_keys,
    secrets,
    rds_instances,
    rds_endpoints,
    connection_secrets,
    secret_policies,
    rotation_functions,
    rotation_event_queue,
    secret_rotation,
    secret_replicas,
    consumer_policies,
    consumer_arns,
    consumer_refresh,
)


@dg.asset(**OPTIONS, deps=APPLIED, kinds={"markdown"})
def stack_report(context: Context, applying: Apply) -> Result:
    """Marks what is finished, then fails the run if anything failed, with the table of outcomes."""
    marked = applying.reconcile("stack_report", commit(applying.context(context.partition_key)))
    earlier, own = outcomes_of_stack(context)
    own += rows(marked)
    failed = [row for row in own if row["outcome"] == "failed"]
    if failed:
        lines = [f"{row['kind']} {row['name']}: {row['detail']}" for row in failed]
        lines += [RE_EXECUTE.format(context.run.root_run_id)] if context.run.root_run_id else []
        raise dg.Failure("\n".join([f"{len(failed)} failed", *lines]), metadata={"table": table_of(earlier + own)})
    return materialized(marked, {"stack": table_of(earlier + own)})


Rows = list[dict[str, str]]
NOT_DONE = "was not done since the run that is re-executed began"
RE_EXECUTE = "Re-execute all steps of run {} when the cause is mended: no other way does every stage again."


def outcomes_of_stack(context: Context) -> tuple[Rows, Rows]:
    """The outcome rows of the latest materialisation of each asset of the stack.

    Returns:
        Those of earlier runs, whose failures are not this run's, and those of this run. A re-execution answers for all
        that the run which it repeats was asked for, whoever did it: the steps that it leaves out may hold failures.
    """
    asked = _asked_for(context)
    earlier: Rows = []
    own: Rows = []
    for asset in APPLIED:
        wanted = dg.AssetRecordsFilter(asset_key=asset.key, asset_partitions=[context.partition_key])
        since = asked.get(asset.key)
        record = next(iter(context.instance.fetch_materializations(wanted, limit=1).records), None)
        if since is not None and (record is None or record.timestamp < since):
            stage = {"kind": "stage", "name": asset.key.to_user_string(), "component": "", "action": ""}
            own.append({**stage, "outcome": "failed", "detail": NOT_DONE})
            continue
        metadata = record.asset_materialization.metadata if record and record.asset_materialization else {}
        value = metadata[OUTCOMES].value if OUTCOMES in metadata else []
        if record and isinstance(value, list):
            ours = record.run_id == context.run.run_id or since is not None
            (own if ours else earlier).extend(dict(row) for row in value)
    return earlier, own


def _asked_for(context: Context) -> Mapping[dg.AssetKey, float]:
    """The assets that the first of the re-executed runs was asked for, and when; none where nothing is re-executed."""
    root = context.run.root_run_id
    if root is None:
        return {}
    planned = context.instance.get_records_for_run(root, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    return {one.asset_key: one.timestamp for one in planned.records if one.asset_key}
