"""ARNs to consumers, which are started anew where a value changed, and the report that ends every run."""

import dagster as dg

from secrets_pipeline.engine.report import rows
from secrets_pipeline.operations.stages import commit
from secrets_pipeline.orchestration.provisioning.assets import (
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
from secrets_pipeline.orchestration.provisioning.options import OPTIONS
from secrets_pipeline.orchestration.provisioning.rollouts import ROLLOUTS, as_metadata
from secrets_pipeline.orchestration.provisioning.stage_outcomes import failure, outcomes_of_stack
from secrets_pipeline.orchestration.shared.stage_runner import materialized, table_of
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler


@dg.asset(
    **OPTIONS,
    deps=[secret_policies, secret_rotation, secret_replicas, consumer_policies],
    kinds={"aws", "lambda", "ecs"},
)
def consumer_arns(context: Context, applying: Apply) -> Result:
    """ARNs published in SSM, and delivered to Lambda, ECS and API Gateway where a component says so."""
    stack, outcomes = applying.stage(context, "consumer_arns")
    found = (stack.observed.secrets.get(secret.name) for secret in stack.spec.secrets)
    return materialized(outcomes, {"arns": table_of([{"name": s.name, "arn": s.arn} for s in found if s])})


# The values as well: a run of some assets alone keeps the order of those that name each other.
@dg.asset(**OPTIONS, deps=[secrets, connection_secrets, consumer_arns], kinds={"aws", "ecs", "lambda"})
def consumer_refresh(context: Context, applying: Apply) -> Result:
    """Services, functions, stages and instances that run with an older value of a secret are started anew."""
    stack = applying.stack(context.partition_key)
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
    marked = applying.reconcile("stack_report", commit(applying.stack(context.partition_key)))
    earlier, own = outcomes_of_stack(context, [asset.key for asset in APPLIED])
    own += rows(marked)
    if failed := [row for row in own if row["outcome"] == "failed"]:
        raise dg.Failure(failure(context, failed), metadata={"table": table_of(earlier + own)})
    return materialized(marked, {"stack": table_of(earlier + own)})
