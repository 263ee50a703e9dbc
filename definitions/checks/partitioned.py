"""The one place that touches Dagster's preview of partitioned asset checks."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from definitions.applying import table_of
from definitions.partitions import STACKS
from definitions.resources import Stacks
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers import Finding, StackContext, Verdict

VERIFY_TAG = "secrets-pipeline/verify"
"""Runs that carry it read values and log in; the checks of a provisioning run do so only where something changed."""

Find = Callable[[StackContext, bool], list[Finding]]
"""(stack, deep) → what was found."""


def stack_check(
    *, name: str, asset: dg.AssetsDefinition, stages: tuple[str, ...], description: str, find: Find
) -> dg.AssetChecksDefinition:
    """A non-blocking check of one stack, or of all of them in a run without a partition ("Execute all" in the UI).

    Args:
        name: the check's name.
        asset: what it checks.
        stages: the check looks closely where one of these wrote something in the same run.
        description: for the UI.
        find: compares AWS with the desired state.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)

        @dg.asset_check(asset=asset, name=name, description=description, blocking=False, partitions_def=STACKS)
        def check(context: dg.AssetCheckExecutionContext, stacks: dg.ResourceParam[Stacks]) -> Any:  # noqa: ANN401 - Dagster's type knows no iterator
            deep = VERIFY_TAG in context.run.tags or stacks.has_changed(*stages)
            if context.has_partition_key:
                yield result(_findings(stacks, context.partition_key, find, deep=deep))
            else:
                yield from _summary(dg.AssetCheckKey(asset.key, name), _all_findings(stacks, find, deep=deep))

    return check


def _findings(stacks: Stacks, stack: str, find: Find, *, deep: bool) -> list[tuple[str, Finding]]:
    try:
        return [(stack, finding) for finding in find(stacks.context(stack), deep)]
    except SecretsPipelineError as error:
        return [(stack, Finding(stack or "the repository", Verdict.WRONG, error.diagnostics()))]


def _all_findings(stacks: Stacks, find: Find, *, deep: bool) -> list[tuple[str, Finding]]:
    every = sorted({*stacks.desired.specs, *stacks.desired.errors})
    return [pair for stack in every for pair in _findings(stacks, stack, find, deep=deep)]


def _summary(
    key: dg.AssetCheckKey, findings: list[tuple[str, Finding]]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    # From an AssetCheckResult, Dagster looks up the materialisation of the run's partition: without one, it raises.
    found = result(findings)
    yield dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=found.passed,
        severity=found.severity,
        description=found.description,
        metadata=found.metadata,
    )
    yield dg.Output(None)


def result(findings: list[tuple[str, Finding]]) -> dg.AssetCheckResult:
    """Anything wrong fails as ERROR, anything that waits as WARN."""
    verdicts = {finding.verdict for _, finding in findings}
    table = [
        {"stack": stack, "name": finding.name, "verdict": finding.verdict.value, "detail": finding.detail}
        for stack, finding in findings
    ]
    open_ones = [f"{row['name']}: {row['detail']}" for row in table if row["verdict"] != Verdict.RIGHT.value]
    good = f"{len(table)} as it should be" if table else "nothing is declared here"
    return dg.AssetCheckResult(
        passed=verdicts <= {Verdict.RIGHT},
        severity=dg.AssetCheckSeverity.ERROR if Verdict.WRONG in verdicts else dg.AssetCheckSeverity.WARN,
        description="; ".join(open_ones) or good,
        metadata={"table": table_of(table)},
    )
