"""Make Dagster's definitions of checks: one `dg.multi_asset_check` an asset, partitioned by stack.

Partitioned checks are a preview of Dagster's that no other module touches.
"""

import warnings
from collections.abc import Iterator, Sequence

import dagster as dg

from secrets_pipeline.engine.model import Looked
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks, StageProgress, quiet
from secrets_pipeline.orchestration.verification.blind import raise_if_blind
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.stack_check import StackCheck

CHECKS_TOLD = "checks"
"""What progress calls the checks of a verification."""


def check_definitions(
    names: Names, checks: Sequence[StackCheck], progress: StageProgress = quiet
) -> list[dg.AssetChecksDefinition]:
    """Define the checks, in their order; those of one asset are one step of a run."""
    by_stage: dict[str, list[StackCheck]] = {}
    for one in checks:
        by_stage.setdefault(one.stage, []).append(one)
    return [_checks_of(names, stage, some, progress) for stage, some in by_stage.items()]


def _checks_of(
    names: Names, stage: str, checks: Sequence[StackCheck], progress: StageProgress
) -> dg.AssetChecksDefinition:
    asset = names.asset(stage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                one.name, asset=asset, description=one.description, blocking=False, partitions_def=names.partitions
            )
            for one in checks
        ]

        @dg.multi_asset_check(name=names.of(f"checks_of_{stage}"), specs=specs, can_subset=True)
        def evaluate(
            context: dg.AssetCheckExecutionContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
        ) -> Iterator[dg.AssetCheckEvaluation]:
            chosen = {key.name for key in context.selected_asset_check_keys}
            # "Execute all" in the UI launches a run without a partition.
            stack = context.partition_key if context.has_partition_key else None
            look = Looker(
                context, secrets_pipeline_stacks, names, stack, looked=lambda: progress(CHECKS_TOLD, Looked())
            )
            found = []
            for evaluation in look.evaluations([one for one in checks if one.name in chosen]):
                found.append(evaluation)
                yield evaluation
            raise_if_blind(context.instance, context.run, found)

    return evaluate
