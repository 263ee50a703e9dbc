"""KMS keys, secrets, databases, connections, policies, rotation, replicas and readers: one asset a stage."""

import dagster as dg

from secrets_pipeline.orchestration.provisioning.configuration import generated_passwords, stack_config
from secrets_pipeline.orchestration.provisioning.options import OPTIONS
from secrets_pipeline.orchestration.shared.stage_runner import Applying, materialized, table_of
from secrets_pipeline.reconcilers.database.followed import followed
from secrets_pipeline.reconcilers.secret_value.generate import lacking_values
from secrets_pipeline.values.bundle import GeneratedPasswords

Apply = dg.ResourceParam[Applying]
Context = dg.AssetExecutionContext
Result = dg.MaterializeResult[None]

FOLLOWED = "followed"
"""Metadata of `rds_endpoints`: identifier → identity of the databases that the run has done with."""


@dg.asset(**OPTIONS, deps=[stack_config, generated_passwords], kinds={"aws", "kms"})
def kms_keys(context: Context, applying: Apply) -> Result:
    """KMS keys with alias, rotation and policy."""
    _, outcomes = applying.stage(context, "kms_keys")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[kms_keys], kinds={"aws", "secretsmanager"})
def secrets(context: Context, applying: Apply, generated_passwords: GeneratedPasswords) -> Result:
    """Secrets with name, key, tags and first value; the seal is deleted when every value is stored."""
    stack, outcomes = applying.stage(context, "secrets", generated_passwords)
    if not lacking_values(stack):
        applying.stacks.seals.delete(stack.spec.stack)
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[secrets], kinds={"aws", "postgres"})
def rds_instances(context: Context, applying: Apply) -> Result:
    """RDS instances, created where the stack says so, with the generated password as master password."""
    _, outcomes = applying.stage(context, "rds_instances")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[rds_instances], kinds={"aws", "postgres"})
def rds_endpoints(context: Context, applying: Apply) -> Result:
    """Endpoints of the databases, each proven by a login with the secret's password."""
    stack, outcomes = applying.stage(context, "rds_endpoints")
    found = (stack.observed.databases.find(database) for database in stack.spec.databases)
    table = [{"instance": s.identifier, "endpoint": s.endpoint or "", "status": s.status} for s in found if s]
    return materialized(
        outcomes, {"endpoints": table_of(table), FOLLOWED: dg.MetadataValue.json(followed(stack, outcomes))}
    )


@dg.asset(**OPTIONS, deps=[secrets, rds_endpoints], kinds={"aws", "secretsmanager"})
def connection_secrets(context: Context, applying: Apply) -> Result:
    """Every value that needs an endpoint: host and port in credentials, and the connection secrets."""
    _, outcomes = applying.stage(context, "connection_secrets")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[connection_secrets], kinds={"aws", "iam"})
def secret_policies(context: Context, applying: Apply) -> Result:
    """Resource policies: what the stack declares and what readers in other accounts need."""
    _, outcomes = applying.stage(context, "secret_policies")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[connection_secrets, secret_policies], kinds={"aws", "lambda"})
def rotation_functions(context: Context, applying: Apply) -> Result:
    """The stack's own rotation function with role, log group and permission, where a secret says managed: true."""
    _, outcomes = applying.stage(context, "rotation_functions")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[connection_secrets, rotation_functions], kinds={"aws", "sqs", "eventbridge"})
def rotation_event_queue(context: Context, applying: Apply) -> Result:
    """The queue that brings AWS's events, and what leads to it from the stack's account, before anything rotates."""
    _, outcomes = applying.stage(context, "rotation_event_queue")
    return materialized(outcomes)


@dg.asset(
    **OPTIONS,
    deps=[connection_secrets, secret_policies, rotation_functions, rotation_event_queue],
    kinds={"aws", "secretsmanager"},
)
def secret_rotation(context: Context, applying: Apply) -> Result:
    """Rotation function and rules; an edit of the rules never rotates."""
    _, outcomes = applying.stage(context, "secret_rotation")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[secret_rotation], kinds={"aws", "secretsmanager"})
def secret_replicas(context: Context, applying: Apply) -> Result:
    """Replicas in other regions, each under a key of its region, with their status."""
    _, outcomes = applying.stage(context, "secret_replicas")
    return materialized(outcomes)


@dg.asset(**OPTIONS, deps=[connection_secrets, secret_replicas], kinds={"aws", "iam"})
def consumer_policies(context: Context, applying: Apply) -> Result:
    """Inline policies that let consumers read, on roles of the stack's account where a component says so."""
    _, outcomes = applying.stage(context, "consumer_policies")
    return materialized(outcomes)
