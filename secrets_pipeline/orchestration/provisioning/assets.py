"""Make one asset a stage from the table of stages, with what its materialisation tells beside the outcomes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration.provisioning.configuration import GENERATED, STACK_CONFIG
from secrets_pipeline.orchestration.provisioning.options import AssetOptions, options
from secrets_pipeline.orchestration.provisioning.rollouts import ROLLOUTS, as_metadata
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.stage_runner import Applying, materialized, table_of
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.database.followed import followed
from secrets_pipeline.reconcilers.secret_value.generate import lacking_values
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.bundle import GeneratedPasswords

Apply = dg.ResourceParam[Applying]
Context = dg.AssetExecutionContext
Result = dg.MaterializeResult[None]
Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]
Tell: TypeAlias = Callable[[Stack, Reconciler, Sequence[Outcome]], Metadata]

FOLLOWED = "followed"
"""Metadata of `rds_endpoints`: identifier → identity of the databases that the run has done with."""
REPLACED = "replaced"
"""Metadata of `connection_secrets`: version that was ours → the one that the run wrote over it."""


def texts(metadata: Metadata, name: str) -> Mapping[str, str]:
    """Read metadata that maps text to text; empty where there is none."""
    value = metadata[name].value if name in metadata else {}
    return {str(key): str(said) for key, said in value.items()} if isinstance(value, dict) else {}


def _endpoints(stack: Stack, _reconciler: Reconciler, outcomes: Sequence[Outcome]) -> Metadata:
    found = (stack.observed.databases.find(database) for database in stack.spec.databases)
    table = [{"instance": s.identifier, "endpoint": s.endpoint or "", "status": s.status} for s in found if s]
    return {"endpoints": table_of(table), FOLLOWED: dg.MetadataValue.json(followed(stack, outcomes))}


def _replaced(stack: Stack, _reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Metadata:
    return {REPLACED: dg.MetadataValue.json(dict(stack.observed.secrets.replaced))}


def _arns(stack: Stack, _reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Metadata:
    found = (stack.observed.secrets.get(secret.name) for secret in stack.spec.secrets)
    return {"arns": table_of([{"name": s.name, "arn": s.arn} for s in found if s])}


def _rollouts(_stack: Stack, reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Metadata:
    return {ROLLOUTS: as_metadata(reconciler.in_flight if isinstance(reconciler, RefreshReconciler) else ())}


_TELL: Mapping[str, Tell] = {
    "rds_endpoints": _endpoints,
    "connection_secrets": _replaced,
    "consumer_arns": _arns,
    "consumer_refresh": _rollouts,
}


class _StageOptions(AssetOptions):
    """Keyword arguments of `dg.asset`."""

    description: str
    deps: Sequence[dg.AssetKey]
    kinds: set[str]


def _options(names: Names, name: str) -> _StageOptions:
    stage = STAGES[name]
    deps = [names.asset(one) for one in stage.after or (STACK_CONFIG, GENERATED)]
    return {**options(names, name), "description": stage.does, "deps": deps, "kinds": {"aws", *stage.services}}


def _asset(names: Names, name: str) -> dg.AssetsDefinition:
    @dg.asset(**_options(names, name))
    def apply(context: Context, applying: Apply) -> Result:
        stack = applying.stack(context.partition_key)
        reconciler = STAGES[name](stack)
        outcomes = applying.reconcile(name, reconciler)
        return materialized(stack, outcomes, _told(context, name, stack, reconciler, outcomes))

    return apply


def _told(
    context: Context, name: str, stack: Stack, reconciler: Reconciler, outcomes: Sequence[Outcome]
) -> Metadata | None:
    try:
        return _TELL[name](stack, reconciler, outcomes) if name in _TELL else None
    except SecretsPipelineError as error:
        # The outcomes say what could not be read; what is told beside them must not end the run before its report.
        context.log.warning("%s tells nothing more: %s", name, error.diagnostics())
        return None


def _secrets(names: Names) -> dg.AssetsDefinition:
    @dg.asset(**_options(names, "secrets"), ins={GENERATED: dg.AssetIn(key=names.asset(GENERATED))})
    def secrets(context: Context, applying: Apply, generated_passwords: GeneratedPasswords) -> Result:
        stack = applying.stack(context.partition_key)
        outcomes = applying.reconcile("secrets", STAGES["secrets"](stack, passwords=generated_passwords))
        _drop_seal(context, applying, stack)
        return materialized(stack, outcomes)

    return secrets


def _drop_seal(context: Context, applying: Applying, stack: Stack) -> None:
    """Delete the seal whose passwords are all in their secrets; where nobody can tell, it stays for the next run."""
    try:
        if lacking_values(stack):
            return
    except AwsError:
        return
    try:
        applying.stacks.seals(stack).delete(stack.spec.stack)
    except SecretsPipelineError as error:
        context.log.warning("the seal of %s stays for the next run: %s", stack.spec.stack, error.diagnostics())


def stage_assets(names: Names) -> Sequence[dg.AssetsDefinition]:
    """Define one asset a stage, in the order in which they are applied."""
    return [_secrets(names) if name == "secrets" else _asset(names, name) for name in STAGES]
