"""Define the job `rotate_secrets` (RotateSecret); what follows from the new values is the job `on_rotation`'s."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import dagster as dg
from pydantic import Field

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Failed, Skipped
from secrets_pipeline.engine.report import rows
from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.metadata import DATA, outcomes_data, outcomes_page
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.partitions import stack_of
from secrets_pipeline.orchestration.shared.priorities import PROVISION, priority
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG, secrets_of
from secrets_pipeline.orchestration.verification.not_asked import failure_data, of_rows
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.rotation.steps import RotationStep, Watch, unwatched

ROTATE_JOB: Final = "rotate_secrets"
ROTATED: Final = "secret_rotation"
"""The asset that the observation of a rotation belongs to."""


class Rotate(dg.Config):
    """What to rotate."""

    secrets: list[str] = Field(
        default=[],
        description="Whole names of the secrets, for example `myapp/dev/api/token`. The launchpad begins with those of "
        f"the stack that rotate: leave what is meant. Where none is named, those in the run's tag `{SECRETS_TAG}`.",
    )
    seconds: float = Field(default=300.0, description="How many seconds to follow a rotation function.")


def names_of(run: dg.DagsterRun) -> tuple[str, ...]:
    """Return the secrets that a run of `rotate_secrets` is to rotate: by its config, else by its tag.

    A name that the run takes from a variable of its process, `{env: …}`, is known there alone.
    """
    given: Any = run.run_config
    config = given.get("ops", {}).get("rotate", {}).get("config", {})
    return tuple(one for one in config.get("secrets") or secrets_of(run) if isinstance(one, str))


def _rotate_each(
    context: dg.OpExecutionContext, config: Rotate, applying: Applying, names: Names, rotation_watch: Watch
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    """Rotate, log one observation with the outcome of each secret, and fail unless every secret was rotated."""
    chosen = stack_of(context)
    secrets = config.secrets or list(secrets_of(context.run))
    if not secrets:
        raise dg.Failure(
            "no secret is named: name them in ops.rotate.config.secrets in the launchpad, or in the tag "
            f"{SECRETS_TAG}, comma separated",
            allow_retries=False,
        )

    def watch(secret: str, step: RotationStep) -> None:
        context.log.info("%s: %s is done", secret, step.value)
        rotation_watch(secret, step)

    stack = applying.stack(chosen)
    outcomes = applying.reconcile(
        "secret_rotation", RotateReconciler(stack, secrets, watch=watch, seconds=config.seconds)
    )
    # Yielded, as what is logged is lost with a failure.
    yield dg.AssetObservation(
        asset_key=names.asset(ROTATED),
        partition=chosen,
        metadata={**outcomes_page(rows(outcomes)), DATA: outcomes_data(outcomes)},
    )
    applying.confirm()
    lines = [f"{one.change.resource.name}: {_why_not(one)}" for one in outcomes if isinstance(one, Failed | Skipped)]
    if lines:
        failed = [row for row in rows(outcomes) if row["outcome"] in ("failed", "skipped")]
        metadata = failure_data(of_rows(failed, applying.stacks.asked_as(chosen)))
        raise dg.Failure("\n".join([f"{len(lines)} not rotated", *lines]), metadata=metadata, allow_retries=False)
    yield dg.Output(None)


def _why_not(outcome: Failed | Skipped) -> str:
    if isinstance(outcome, Failed):
        return outcome.error.diagnostics()
    return f"{outcome.reason}\n  {outcome.remedy}" if outcome.remedy else outcome.reason


def rotating(spec: StackSpec) -> Mapping[str, Any]:
    """Make what the launchpad begins with: the secrets that rotate, or else those that are generated."""
    turning = [secret.name for secret in spec.secrets if secret.rotation is not None]
    generated = [secret.name for secret in spec.secrets if secret.value.kind == "generated"]
    return {"ops": {"rotate": {"config": {"secrets": turning or generated}}}}


def rotate_job(names: Names, config: PartitionTags, watch: Watch = unwatched) -> dg.JobDefinition:
    """Define the job.

    Args:
        names: of the code location.
        config: of its partitions, see `rotating`.
        watch: who watches the steps of rotations, in the process that executes the run.
    """

    @dg.op(description="Rotate secrets of one stack now, each to its end; one that fails does not hide the others.")
    def rotate(
        context: dg.OpExecutionContext, config: Rotate, secrets_pipeline_applying: dg.ResourceParam[Applying]
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        yield from _rotate_each(context, config, secrets_pipeline_applying, names, watch)

    @dg.job(
        name=names.of(ROTATE_JOB),
        partitions_def=names.partitions,
        config=config,
        executor_def=dg.in_process_executor,
        tags=dict(priority(PROVISION)),
        description="Rotate secrets of one stack now: choose its partition, and leave the names that are meant.",
    )
    def rotate_secrets() -> None:
        rotate()

    return rotate_secrets
