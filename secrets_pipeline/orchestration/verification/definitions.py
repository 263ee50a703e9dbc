"""Make Dagster's definitions of checks: one `dg.multi_asset_check` an asset, partitioned by stack.

Partitioned checks are a preview of Dagster's that no other module touches.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.verification.history import written_since_evaluation
from secrets_pipeline.orchestration.verification.stack_check import (
    VERIFY_TAG,
    Judged,
    StackCheck,
    judge_all,
    judge_stack,
)


def check_definitions(names: Names, checks: Sequence[StackCheck]) -> list[dg.AssetChecksDefinition]:
    """Define the checks, in their order; those of one asset are one step of a run."""
    by_stage: dict[str, list[StackCheck]] = {}
    for one in checks:
        by_stage.setdefault(one.stage, []).append(one)
    return [_checks_of(names, stage, some) for stage, some in by_stage.items()]


def _checks_of(names: Names, stage: str, checks: Sequence[StackCheck]) -> dg.AssetChecksDefinition:
    asset = names.asset(stage)
    by_key = {dg.AssetCheckKey(asset, one.name): one for one in checks}
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
            context: dg.AssetCheckExecutionContext, stacks: dg.ResourceParam[Stacks]
        ) -> Iterator[dg.AssetCheckEvaluation]:
            chosen = {key: one for key, one in by_key.items() if key in context.selected_asset_check_keys}
            yield from _evaluations(context, stacks, names, chosen)

    return evaluate


def _evaluations(
    context: dg.AssetCheckExecutionContext,
    stacks: Stacks,
    names: Names,
    chosen: Mapping[dg.AssetCheckKey, StackCheck],
) -> Iterator[dg.AssetCheckEvaluation]:
    """Evaluate each check; one that breaks hides no other, and fails the step behind them."""
    stack = context.partition_key if context.has_partition_key else None
    deep = _looked_at_closely(context, names, chosen, stack)
    broken: Exception | None = None
    for key, check in chosen.items():
        if check.else_skipped and key not in deep:
            # Any result would say that somebody looked.
            context.log.info("%s: %s", check.name, check.else_skipped)
            continue
        closely = key in deep
        try:
            if stack is None:
                found = judge_all(stacks, check, deep=closely)
            else:
                found = judge_stack(stacks, stack, check, deep=closely)
        except Exception as error:  # noqa: BLE001 - raised below
            broken = broken or error
            continue
        yield evaluation(key, found, stack)
    if broken is not None:
        raise broken


def evaluation(key: dg.AssetCheckKey, found: Judged, stack: str | None) -> dg.AssetCheckEvaluation:
    """Make the event that says what came of a check.

    Args:
        key: of the check.
        found: what came of it.
        stack: the partition; None for all stacks at once.
    """
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=found.passed,
        severity=found.severity,
        description=found.description,
        metadata=found.metadata,
        blocking=False,
        partition=stack,
    )


def _looked_at_closely(
    context: dg.AssetCheckExecutionContext,
    names: Names,
    chosen: Mapping[dg.AssetCheckKey, StackCheck],
    stack: str | None,
) -> set[dg.AssetCheckKey]:
    tags = _tags(context.run)
    asked = {key for key, one in chosen.items() if one.tag in tags}
    if stack is None:
        return asked
    open_ones = {key: [names.asset(stage) for stage in one.stages] for key, one in chosen.items() if key not in asked}
    return asked | written_since_evaluation(context.instance, stack, open_ones)


def _tags(run: dg.DagsterRun) -> set[str]:
    """The tags of a run; one that was launched for checks alone ("Execute" in the UI) verifies."""
    alone = bool(run.asset_check_selection) and not run.asset_selection
    return {*run.tags, *((VERIFY_TAG,) if alone else ())}
