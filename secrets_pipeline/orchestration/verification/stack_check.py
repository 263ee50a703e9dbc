"""Say what a check of a stack is, and judge what it finds; Dagster's definitions are made of such data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from secrets_pipeline.orchestration.shared.stage_runner import table_of
from secrets_pipeline.reconcilers.finding import Finding, FindingGroup, Verdict, open_groups
from secrets_pipeline.reconcilers.stack import Stack

PROBE_TAG = "secrets-pipeline/probe"
"""Runs that carry it assume the readers' roles and ask AWS itself."""

Find: TypeAlias = Callable[[Stack, bool], list[Finding]]
"""(stack, deep) → what was found."""
Wanted: TypeAlias = Callable[[Sequence[StackSpec], OperatorSettings], bool]
Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]
More: TypeAlias = Callable[[Stack, bool], Metadata]
"""(stack, deep) → metadata beside the table."""
Located: TypeAlias = tuple[str, Finding]
"""Stack, and what was found of it."""
OPEN = "open"
"""Metadata of an evaluation: what is not right, by what is said of it, with the names of all that it is said of."""
_MOST_SENTENCES = 20


def nothing_more(_stack: Stack, _deep: bool) -> Metadata:
    """Return no metadata beside the table."""
    return {}


def always(_specs: Sequence[StackSpec], _settings: OperatorSettings) -> bool:
    """Want a check whatever stacks and operator's settings say."""
    return True


@dataclass(frozen=True, slots=True)
class StackCheck:
    """A check of one stack, which never blocks.

    Attributes:
        name: the check's name.
        stage: name of the asset that it checks.
        stages: the check looks closely where one of these wrote something since it was evaluated last.
        description: for the UI.
        find: compares AWS with the desired state.
        more: makes further metadata.
        tag: the check looks closely in runs that carry it.
        else_skipped: why there is no result where it need not look closely; empty where a glance has one.
        left_to_verify: whether a close look reads values, or asks AWS much: a run that need not look does so only
            where the last one was red.
        wanted: whether stacks or the operator ask for it; where not, it has no result.
        asked_by: the setting that asks for it.
    """

    name: str
    stage: str
    stages: tuple[str, ...]
    description: str
    find: Find
    more: More = nothing_more
    tag: str = VERIFY_TAG
    else_skipped: str = ""
    left_to_verify: bool = False
    wanted: Wanted = always
    asked_by: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a check: what is wrong is an error, what waits a warning.

    Attributes:
        passed: whether everything is right.
        severity: of what is not.
        description: what is open, or how much is as it should be.
        metadata: the table, and what the check has beside it.
    """

    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: Metadata


def judge_stack(stacks: Stacks, stack: str, check: StackCheck, *, deep: bool) -> Judged:
    """Evaluate a check of one stack; a stack that cannot be looked at is a finding, too."""
    return judged(_findings(stacks, stack, check.find, deep=deep), _more(stacks, stack, check.more, deep=deep))


def not_asked_for(check: StackCheck) -> Judged:
    """Judge a check that nobody asks for any more: nothing of it stays open."""
    said = f"not asked for: {check.asked_by} is not set"
    return Judged(passed=True, severity=dg.AssetCheckSeverity.WARN, description=said, metadata={OPEN: _as_metadata(())})


def judge_all(stacks: Stacks, check: StackCheck, *, deep: bool) -> Judged:
    """Evaluate a check of every stack of the repository, with one result."""
    every = sorted({*stacks.desired.specs, *stacks.desired.errors})
    found = [one for stack in every for one in _findings(stacks, stack, check.find, deep=deep)]
    return judged(found, of_several=True)


def judged(findings: Sequence[Located], more: Metadata | None = None, *, of_several: bool = False) -> Judged:
    """Judge findings: what is wrong fails as ERROR, what waits as WARN; `of_several` names the stack of each."""
    verdicts = {finding.verdict for _, finding in findings}
    # What is wrong stands first, and a long table keeps that.
    telling = sorted(findings, key=lambda one: list(Verdict).index(one[1].verdict), reverse=True)
    rows = _rows(telling, of_several=of_several)
    groups = open_groups(_of_stack(stack, one) if of_several else one for stack, one in findings)
    good = f"{len(rows)} as it should be" if rows else "nothing is declared here"
    return Judged(
        passed=verdicts <= {Verdict.RIGHT},
        severity=dg.AssetCheckSeverity.ERROR if Verdict.WRONG in verdicts else dg.AssetCheckSeverity.WARN,
        description=_described(groups) or good,
        metadata={"table": table_of(rows, lambda _: 0), OPEN: _as_metadata(groups), **(more or {})},
    )


def _of_stack(stack: str, one: Finding) -> Finding:
    return replace(one, name=f"{stack}, {one.name}", about=f"{stack}, {one.about}" if one.about else "")


def _described(groups: Sequence[FindingGroup]) -> str:
    more = [f"… and {len(groups) - _MOST_SENTENCES} more"] if len(groups) > _MOST_SENTENCES else []
    return "; ".join([*map(str, groups[:_MOST_SENTENCES]), *more])


def _as_metadata(groups: Sequence[FindingGroup]) -> dg.MetadataValue[Any]:
    rows = [{"verdict": one.verdict.value, "sentence": one.sentence, "subjects": list(one.subjects)} for one in groups]
    return dg.MetadataValue.json(rows)


def open_of(evaluation: dg.AssetCheckEvaluation) -> tuple[FindingGroup, ...]:
    """Read what an evaluation says is not right; nothing of one that an older version made."""
    said = evaluation.metadata[OPEN].value if OPEN in evaluation.metadata else []
    rows: Sequence[Mapping[str, Any]] = said if isinstance(said, list) else []
    return tuple(
        FindingGroup(Verdict(row["verdict"]), str(row["sentence"]), tuple(map(str, row["subjects"]))) for row in rows
    )


def _findings(stacks: Stacks, stack: str, find: Find, *, deep: bool) -> list[Located]:
    try:
        return [(stack, finding) for finding in find(stacks.stack(stack), deep)]
    except SecretsPipelineError as error:
        return [(stack, Finding(stack or "the repository", Verdict.WRONG, error.diagnostics()))]


def _more(stacks: Stacks, stack: str, more: More, *, deep: bool) -> Metadata:
    try:
        return more(stacks.stack(stack), deep)
    except SecretsPipelineError:
        # The findings say it.
        return {}


def _rows(findings: Sequence[Located], *, of_several: bool) -> list[dict[str, str]]:
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
