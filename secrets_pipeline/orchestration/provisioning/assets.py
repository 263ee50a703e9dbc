"""Make one asset a stage from the table of stages, with what its page shows beside the changes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.engine.apply import Reconciler
from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.engine.report import rows
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.lines import lines_of
from secrets_pipeline.orchestration.pages.metadata import Metadata, data_of, folded_list, materialized
from secrets_pipeline.orchestration.pages.rotation_ages import rotation_page
from secrets_pipeline.orchestration.provisioning.options import (
    GENERATED,
    STACK_CONFIG,
    STACK_REPORT,
    AssetOptions,
    options,
)
from secrets_pipeline.orchestration.provisioning.rollouts import ROLLOUTS, as_data
from secrets_pipeline.orchestration.provisioning.stage_outcomes import failure, undone
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.verification.not_asked import failure_data, of_rows
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.database.followed import followed
from secrets_pipeline.reconcilers.secret_value.generate import lacking_values
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.bundle import GeneratedPasswords

Apply = dg.ResourceParam[Applying]
Context = dg.AssetExecutionContext
Result = dg.MaterializeResult[None]

FOLLOWED = "followed"
"""In the data of `rds_endpoints`: identifier → identity of the databases that the run has done with."""
REPLACED = "replaced"
"""In the data of `connection_secrets`: version that was ours → the one that the run wrote over it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a stage's page has besides its changes.

    Attributes:
        shown: for people.
        data: for programs.
    """

    shown: Metadata = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


Tell: TypeAlias = Callable[[Stack, Reconciler, Sequence[Outcome]], Told]


def texts(metadata: Metadata, name: str) -> Mapping[str, str]:
    """Read data of an event that maps text to text; empty where there is none."""
    value = data_of(metadata).get(name)
    return {str(key): str(said) for key, said in value.items()} if isinstance(value, dict) else {}


def _endpoints(stack: Stack, _reconciler: Reconciler, outcomes: Sequence[Outcome]) -> Told:
    found = (stack.observed.databases.find(database) for database in stack.spec.databases)
    lines = [f"{s.identifier} is {s.status}, at {s.endpoint or 'no endpoint yet'}" for s in found if s]
    return Told({"where": lines_of("databases", lines)}, {FOLLOWED: followed(stack, outcomes)})


def _replaced(stack: Stack, _reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Told:
    return Told(data={REPLACED: dict(stack.observed.secrets.replaced)})


def _rotation(stack: Stack, _reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Told:
    return Told(rotation_page(stack))


def _arns(stack: Stack, _reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Told:
    found = (stack.observed.secrets.get(secret.name) for secret in stack.spec.secrets)
    return Told({"ARNs": folded_list([s.arn for s in found if s])})


def _rollouts(_stack: Stack, reconciler: Reconciler, _outcomes: Sequence[Outcome]) -> Told:
    in_flight = reconciler.in_flight if isinstance(reconciler, RefreshReconciler) else ()
    return Told(data={ROLLOUTS: as_data(in_flight)})


_TELL: Mapping[str, Tell] = {
    "rds_endpoints": _endpoints,
    "connection_secrets": _replaced,
    "secret_rotation": _rotation,
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
    deps = [names.asset(one) for one in stage.upstream or (STACK_CONFIG,)]
    return {**options(names, name), "description": stage.does, "deps": deps, "kinds": {"aws", *stage.services}}


def _asset(names: Names, name: str) -> dg.AssetsDefinition:
    @dg.asset(**_options(names, name))
    def apply(context: Context, secrets_pipeline_applying: Apply) -> Iterator[Result]:
        stack = secrets_pipeline_applying.stack(context.partition_key)
        reconciler = STAGES[name](stack)
        outcomes = secrets_pipeline_applying.reconcile(name, reconciler)
        told = _told(context, name, stack, reconciler, outcomes)
        yield materialized(stack, name, outcomes, shown=told.shown, data=told.data)
        secrets_pipeline_applying.confirm()
        who = secrets_pipeline_applying.stacks.asked_as(context.partition_key)
        _fail_alone(context, names, outcomes, who)

    return apply


def _fail_alone(context: Context, names: Names, outcomes: Sequence[Outcome], who: str) -> None:
    """Fail the step if something failed or was not made, and the run has no report that does it in the end.

    Raises:
        dg.Failure: with a line a cause.
    """
    bad = undone(rows(outcomes))
    failed = [row for row in bad if row["outcome"] == "failed"]
    if bad and names.asset(STACK_REPORT) not in context.job_def.asset_layer.selected_asset_keys:
        metadata = failure_data(of_rows(failed, who)) if failed else {}
        raise dg.Failure(failure(context, bad), metadata=metadata, allow_retries=False)


def _told(context: Context, name: str, stack: Stack, reconciler: Reconciler, outcomes: Sequence[Outcome]) -> Told:
    try:
        return _TELL[name](stack, reconciler, outcomes) if name in _TELL else Told()
    except SecretsPipelineError as error:
        # The outcomes say what could not be read; what is told beside them must not end the run before its report.
        context.log.warning("%s tells nothing more: %s", name, error.diagnostics())
        return Told()


def _secrets(names: Names) -> dg.AssetsDefinition:
    @dg.asset(**_options(names, "secrets"), ins={GENERATED: dg.AssetIn(key=names.asset(GENERATED))})
    def secrets(
        context: Context, secrets_pipeline_applying: Apply, generated_passwords: GeneratedPasswords
    ) -> Iterator[Result]:
        stack = secrets_pipeline_applying.stack(context.partition_key)
        reconciler = STAGES["secrets"](stack, passwords=generated_passwords)
        outcomes = secrets_pipeline_applying.reconcile("secrets", reconciler)
        _drop_seal(context, secrets_pipeline_applying, stack)
        yield materialized(stack, "secrets", outcomes)
        secrets_pipeline_applying.confirm()
        who = secrets_pipeline_applying.stacks.asked_as(context.partition_key)
        _fail_alone(context, names, outcomes, who)

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
