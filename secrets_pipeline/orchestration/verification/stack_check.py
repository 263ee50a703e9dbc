"""Make partitioned asset checks (`dg.asset_check`), a preview of Dagster's that no other module touches."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.partitions import STACKS
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.stage_runner import table_of
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.stack import Stack

VERIFY_TAG = "secrets-pipeline/verify"
"""Runs that carry it read values and log in; the checks of a provisioning run do so only where something changed."""
PROBE_TAG = "secrets-pipeline/probe"
"""Runs that carry it assume the readers' roles and ask AWS itself."""

Find = Callable[[Stack, bool], list[Finding]]
"""(stack, deep) → what was found."""


More = Callable[[Stack, bool], dict[str, dg.MetadataValue[Any]]]
"""(stack, deep) → metadata beside the table."""


def nothing_more(_stack: Stack, _deep: bool) -> dict[str, dg.MetadataValue[Any]]:
    """Return no metadata beside the table."""
    return {}


def stack_check(
    *,
    name: str,
    asset: dg.AssetsDefinition,
    stages: tuple[str, ...],
    description: str,
    find: Find,
    more: More = nothing_more,
    tag: str = VERIFY_TAG,
    else_skipped: str = "",
) -> dg.AssetChecksDefinition:
    """Make a non-blocking check of one stack, or of all of them in a run without a partition ("Execute all" in the UI).

    Args:
        name: the check's name.
        asset: what it checks.
        stages: the check looks closely where one of these wrote something in the same run.
        description: for the UI.
        find: compares AWS with the desired state.
        more: makes further metadata.
        tag: the check looks closely in runs that carry it.
        else_skipped: why there is no result where it need not look closely; empty where a glance has one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)

        @dg.asset_check(asset=asset, name=name, description=description, blocking=False, partitions_def=STACKS)
        def check(context: dg.AssetCheckExecutionContext, stacks: dg.ResourceParam[Stacks]) -> Any:  # noqa: ANN401 - Dagster's type knows no iterator
            deep = tag in _tags(context.run) or stacks.has_changed(*stages)
            if else_skipped and not deep:
                # Any result would say that somebody looked.
                context.log.info(else_skipped)
                yield dg.Output(None)
            elif context.has_partition_key:
                findings = _findings(stacks, context.partition_key, find, deep=deep)
                yield result(findings, _metadata(stacks, context.partition_key, more, deep=deep))
            else:
                yield from _summary(dg.AssetCheckKey(asset.key, name), _all_findings(stacks, find, deep=deep))

    return check


def _tags(run: dg.DagsterRun) -> set[str]:
    """The tags of a run; one that was launched for checks alone ("Execute" in the UI) verifies."""
    alone = bool(run.asset_check_selection) and not run.asset_selection
    return {*run.tags, *((VERIFY_TAG,) if alone else ())}


def _findings(stacks: Stacks, stack: str, find: Find, *, deep: bool) -> list[tuple[str, Finding]]:
    try:
        return [(stack, finding) for finding in find(stacks.stack(stack), deep)]
    except SecretsPipelineError as error:
        return [(stack, Finding(stack or "the repository", Verdict.WRONG, error.diagnostics()))]


def _metadata(stacks: Stacks, stack: str, more: More, *, deep: bool) -> dict[str, dg.MetadataValue[Any]]:
    try:
        return more(stacks.stack(stack), deep)
    except SecretsPipelineError:
        # The findings say it.
        return {}


def _all_findings(stacks: Stacks, find: Find, *, deep: bool) -> list[tuple[str, Finding]]:
    every = sorted({*stacks.desired.specs, *stacks.desired.errors})
    return [pair for stack in every for pair in _findings(stacks, stack, find, deep=deep)]


def _summary(
    key: dg.AssetCheckKey, findings: list[tuple[str, Finding]]
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    # From an AssetCheckResult, Dagster looks up the materialisation of the run's partition: without one, it raises.
    found = result(findings, of_several=True)
    yield dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=found.passed,
        severity=found.severity,
        description=found.description,
        metadata=found.metadata,
    )
    yield dg.Output(None)


def result(
    findings: list[tuple[str, Finding]],
    more: Mapping[str, dg.MetadataValue[Any]] | None = None,
    *,
    of_several: bool = False,
) -> dg.AssetCheckResult:
    """Judge findings: what is wrong fails as ERROR, what waits as WARN; `of_several` names the stack of each."""
    verdicts = {finding.verdict for _, finding in findings}
    rows = _rows(findings, of_several=of_several)
    open_ones = [
        f"{stack}, {one.name}: {one.detail}" if of_several else f"{one.name}: {one.detail}"
        for stack, one in findings
        if one.verdict is not Verdict.RIGHT
    ]
    good = f"{len(rows)} as it should be" if rows else "nothing is declared here"
    return dg.AssetCheckResult(
        passed=verdicts <= {Verdict.RIGHT},
        severity=dg.AssetCheckSeverity.ERROR if Verdict.WRONG in verdicts else dg.AssetCheckSeverity.WARN,
        description="; ".join(open_ones) or good,
        metadata={"table": table_of(rows), **(more or {})},
    )


def _rows(findings: list[tuple[str, Finding]], *, of_several: bool) -> list[dict[str, str]]:
    """A row a finding, with its own columns first; where one of them is `verdict`, what was found is `finding`."""
    columns = list(dict.fromkeys(column for _, finding in findings for column in finding.columns))
    return [
        {
            **({"stack": stack} if of_several else {}),
            **{column: one.columns.get(column, "") for column in columns},
            "name": one.name,
            "finding" if "verdict" in columns else "verdict": one.verdict.value,
            "detail": one.detail,
        }
        for stack, one in findings
    ]
