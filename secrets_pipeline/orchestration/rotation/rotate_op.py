"""Define the job `rotate_secrets` (RotateSecret); what follows from the new values is the job `follow_rotation`'s."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from secrets_pipeline.engine.model import Failed
from secrets_pipeline.engine.report import rows
from secrets_pipeline.orchestration.shared.partitions import STACKS
from secrets_pipeline.orchestration.shared.run_requests import secrets_of
from secrets_pipeline.orchestration.shared.stage_runner import OUTCOMES, Applying, table_of
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.rotation.steps import RotationStep, Watch

ROTATED = dg.AssetKey("secret_rotation")
"""The asset that the observation of a rotation belongs to."""


class Rotate(dg.Config):
    """What to rotate.

    Attributes:
        secrets: names, whole; empty for those in the run's tag `secrets-pipeline/secrets`.
        seconds: how long to follow a rotation function.
    """

    secrets: list[str] = []  # noqa: RUF012 - Dagster copies the default
    seconds: float = 300.0


def names_of(run: dg.DagsterRun) -> tuple[str, ...]:
    """Return the secrets that a run of `rotate_secrets` is to rotate: by its config, else by its tag."""
    given: Any = run.run_config
    config = given.get("ops", {}).get("rotate", {}).get("config", {})
    return tuple(config.get("secrets") or secrets_of(run))


@dg.op(description="Rotate secrets of one stack now, each to its end; one that fails does not hide the others.")
def rotate(
    context: dg.OpExecutionContext,
    config: Rotate,
    applying: dg.ResourceParam[Applying],
    rotation_watch: dg.ResourceParam[Watch],
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    """Rotate, log one observation with the outcome of each secret, and fail if one of them failed."""
    names = config.secrets or list(secrets_of(context.run))
    if not names:
        raise dg.Failure("no secret is named: set ops.rotate.config.secrets in the launchpad")

    def watch(secret: str, step: RotationStep) -> None:
        context.log.info("%s: %s is done", secret, step.value)
        rotation_watch(secret, step)

    stack = applying.stack(context.partition_key)
    outcomes = applying.reconcile(
        "secret_rotation", RotateReconciler(stack, names, watch=watch, seconds=config.seconds)
    )
    table = rows(outcomes)
    # Yielded, as what is logged is lost with a failure.
    yield dg.AssetObservation(
        asset_key=ROTATED,
        partition=context.partition_key,
        metadata={OUTCOMES: dg.MetadataValue.json(table), "rotated": table_of(table)},
    )
    failed = [one for one in outcomes if isinstance(one, Failed)]
    if failed:
        lines = [f"{one.change.resource.name}: {one.error.diagnostics()}" for one in failed]
        raise dg.Failure("\n".join([f"{len(failed)} not rotated", *lines]), allow_retries=False)
    yield dg.Output(None)


@dg.job(partitions_def=STACKS, description="Rotate secrets of one stack now; name them in the op's config.")
def rotate_secrets() -> None:
    """Rotate now."""
    rotate()
