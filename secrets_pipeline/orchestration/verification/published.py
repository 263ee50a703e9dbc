"""Add to an evaluation which published secrets it holds back, and which versions are current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import dagster as dg

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.current_versions import CurrentVersion, current_versions
from secrets_pipeline.operations.spoken_of import SpokenOf
from secrets_pipeline.orchestration.pages.console import has_console
from secrets_pipeline.orchestration.pages.metadata import data_of, known_fields
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict

HELD: Final = "held"
"""In the data of an evaluation: names of the published secrets that it holds back."""
VERSIONS: Final = "versions"
"""In the data of one check's evaluations: the current version of each published secret."""
CONSOLE: Final = "console"
_NO_TEST: Final = frozenset({Cause.LOGINS_OFF, Cause.ENGINE_NOT_SUPPORTED})
"""Why no login is ever tried: waiting for one would be for ever."""


def said_of_published(
    stacks: Stacks, stack: str, findings: Iterable[Finding], *, judges_values: bool, tells_versions: bool
) -> Mapping[str, Any]:
    """Make the data of an evaluation of one stack; empty if the code location publishes nothing.

    Args:
        stacks: the repository, and what is published of it.
        stack: the stack's name.
        findings: of the check.
        judges_values: whether the check judges values: then a warning holds a secret back, too, and what is said of a
            secret goes for those that are rendered from it.
        tells_versions: whether the evaluation carries the current versions.
    """
    if not stacks.publish or (spec := _spec(stacks, stack)) is None:
        return {}
    spoken = SpokenOf(spec)
    open_ones = (one for one in findings if _holds(one, warns=judges_values))
    held = frozenset[str]().union(*map(spoken.of, open_ones))
    if judges_values:
        held = spoken.with_rendered(held)
    said: dict[str, Any] = {HELD: sorted(filter(stacks.publish.includes, held))}
    return {**said, **_versions(stacks, stack)} if tells_versions else said


def _spec(stacks: Stacks, stack: str) -> StackSpec | None:
    try:
        return stacks.desired.specs.get(stack)
    except SecretsPipelineError:
        # The findings say it.
        return None


def _holds(finding: Finding, *, warns: bool) -> bool:
    if finding.verdict is Verdict.WAITING:
        return warns and finding.reason_type not in _NO_TEST
    return finding.verdict is not Verdict.RIGHT


def _versions(stacks: Stacks, stack: str) -> Mapping[str, Any]:
    try:
        opened = stacks.stack(stack)
        return {
            VERSIONS: [asdict(one) for one in current_versions(opened, stacks.publish.includes)],
            CONSOLE: has_console(opened),
        }
    except SecretsPipelineError:
        # The findings say it.
        return {}


def holds_back(evaluation: dg.AssetCheckEvaluation, secret: str) -> bool:
    """Tell whether an evaluation holds a published secret back; one that does not say of whom, if it is red."""
    held = data_of(evaluation.metadata).get(HELD)
    if isinstance(held, list):
        return secret in held
    return not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR


def versions_in(evaluation: dg.AssetCheckEvaluation) -> Sequence[CurrentVersion]:
    """Read the current versions of published secrets; none of an evaluation that carries none."""
    rows = data_of(evaluation.metadata).get(VERSIONS)
    return [CurrentVersion(**known_fields(CurrentVersion, row)) for row in rows] if isinstance(rows, list) else []


def is_in_console(evaluation: dg.AssetCheckEvaluation) -> bool:
    """Tell whether the AWS console has a page of what an evaluation with versions looked at."""
    return data_of(evaluation.metadata).get(CONSOLE) is True
