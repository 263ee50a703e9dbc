"""Say what a check of a stack is, and judge what it finds; Dagster's definitions are made of such data."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import dagster as dg

from secrets_pipeline.access.reach.explain import short
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.decommission.leftovers import Leftovers
from secrets_pipeline.operations.runbook import ENTRIES, cure
from secrets_pipeline.orchestration.pages.lines import MOST_ROWS
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of, table_of
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from secrets_pipeline.orchestration.verification.history import is_unknown
from secrets_pipeline.orchestration.verification.not_asked import NOT_ASKED, NotAsked, as_data, not_asked_of
from secrets_pipeline.orchestration.verification.published import said_of_published
from secrets_pipeline.reconcilers.finding import Finding, FindingGroup, Verdict, of_error, open_groups
from secrets_pipeline.reconcilers.stack import Stack

CURRENT_VALUES: Final = "secrets_have_current_values"
"""The check that every run evaluates: its evaluations carry the versions of published secrets."""
PROBE_TAG = "secrets-pipeline/probe"
"""Runs that carry it assume the readers' roles and ask AWS itself."""

Find: TypeAlias = Callable[[Stack, bool], list[Finding]]
"""(stack, deep) → what was found."""
Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]
More: TypeAlias = Callable[[Stack, bool], Metadata]
"""(stack, deep) → metadata beside the table."""
Located: TypeAlias = tuple[str, Finding]
"""Stack, and what was found of it."""
OPEN = "open"
"""In the data of an evaluation: what is not right, by what is said of it, with the names of all that it is said of."""
FINDINGS = "findings"
"""In the data of an evaluation: a row with all columns for each finding that is not right, `MOST_ROWS` at most."""
NOTHING_TO_JUDGE = "nothing to judge"
"""In the data of an evaluation: true if the stack has nothing that the check judges. It passes, and no count has it."""
RED = "are not as they should be"
_LONGEST_LINE = 160


def nothing_more(_stack: Stack, _deep: bool) -> Metadata:
    """Return no metadata beside the table."""
    return {}


@dataclass(frozen=True, slots=True)
class StackCheck:
    """A check of one stack, which never blocks.

    Attributes:
        name: the check's name.
        stage: name of the asset that it checks.
        stages: the check looks closely where one of these wrote something since it was evaluated last.
        description: for the UI.
        red: what is said of those that are wrong, for example `consumers cannot read`.
        columns: what its table shows between verdict and detail: `name`, `reader` for the principal as humans call it,
            or columns of its findings.
        find: compares AWS with the desired state.
        more: makes further metadata.
        tag: the check looks closely in runs that carry it.
        else_skipped: why there is no result where it need not look closely; empty where a glance has one.
        left_to_verify: whether a close look reads values, or asks AWS much: a run that need not look does so only
            where the last one was red.
        judges_values: whether it tests values: that they exist, are current, and log in.
    """

    name: str
    stage: str
    stages: tuple[str, ...]
    description: str
    find: Find
    more: More = nothing_more
    red: str = RED
    columns: tuple[str, ...] = ("name",)
    tag: str = VERIFY_TAG
    else_skipped: str = ""
    left_to_verify: bool = False
    judges_values: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a check: what is wrong is an error, what waits a warning.

    Attributes:
        passed: whether everything is right.
        severity: of what is not.
        description: what is open, or how much is as it should be.
        metadata: the table, and what the check has beside it.
        not_asked: why nobody could ask AWS, where something is unknown for that.
        unknown: whether some finding is UNKNOWN and none is WRONG, so that the last verdict stands.
    """

    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: Metadata
    not_asked: tuple[NotAsked, ...] = ()
    unknown: bool = False


def checks_of_run(stack: Stack, checks: Sequence[StackCheck]) -> Sequence[StackCheck]:
    """Return the checks that have a say in a run that applies.

    None in one that only deletes what is not declared any more: it makes nothing right.
    """
    pruned = any(isinstance(one, Leftovers) for one in stack.run.options.only)
    return [] if stack.spec.retired or pruned else checks


def judge_stack(stacks: Stacks, stack: str, check: StackCheck, *, deep: bool) -> Judged:
    """Evaluate a check of one stack; a stack that cannot be looked at is a finding, too."""
    found, more = _findings(stacks, stack, check.find, deep=deep), _more(stacks, stack, check.more, deep=deep)
    verdicts = {finding.verdict for _, finding in found}
    said = said_of_published(
        stacks,
        stack,
        [finding for _, finding in found],
        judges_values=check.judges_values,
        tells_versions=check.name == CURRENT_VALUES,
    )
    who = {stack: stacks.asked_as(stack)}
    return judged(check, found, {**_do_next(check, stack, verdicts), **more}, who=who, data=said)


def judge_unasked(check: StackCheck, stack: str, why: NotAsked) -> Judged:
    """Evaluate a check of a stack that nobody could ask AWS about, without asking again."""
    finding = Finding(stack, Verdict.UNKNOWN, why.said, reason_type=why.kind)
    return judged(check, [(stack, finding)], who={stack: why.who})


def _do_next(check: StackCheck, stack: str, verdicts: AbstractSet[Verdict]) -> Metadata:
    """The entry of the check in docs/runbook.md, where something is not right."""
    entry = ENTRIES[check.name]
    if verdicts <= {Verdict.RIGHT, Verdict.UNKNOWN}:
        return {}
    means = entry.means if Verdict.WRONG in verdicts else entry.warns or entry.means
    return {"do next": dg.MetadataValue.md(f"{means}\n\n{cure(check.name, stack)}")}


def judge_all(stacks: Stacks, check: StackCheck, *, deep: bool) -> Judged:
    """Evaluate a check of every stack of the repository, with one result."""
    every = sorted({*stacks.desired.specs, *stacks.desired.errors})
    found = [one for stack in every for one in _findings(stacks, stack, check.find, deep=deep)]
    return judged(check, found, of_several=True, who={stack: stacks.asked_as(stack) for stack, _ in found})


def judged(
    check: StackCheck,
    findings: Sequence[Located],
    more: Metadata | None = None,
    *,
    of_several: bool = False,
    who: Mapping[str, str] = MappingProxyType({}),
    data: Mapping[str, Any] = MappingProxyType({}),
) -> Judged:
    """Judge findings: what is wrong fails as ERROR, what waits or is unknown as WARN.

    Args:
        check: the check.
        findings: what was found.
        more: further metadata.
        of_several: whether they are of several stacks, so that each finding names its stack.
        who: stack → the account that its findings are asked of.
        data: what programs read besides.
    """
    shown = [(stack, _of_stack(stack, one) if of_several else one) for stack, one in _telling(findings)]
    verdicts = {finding.verdict for _, finding in shown}
    groups = open_groups(finding for _, finding in shown)
    # Where a table has names, these have the stack.
    first = ("stack",) if of_several and "name" not in check.columns else ()
    rows = _rows(shown, (*first, *check.columns))
    unasked = [
        (stack, NotAsked(who.get(stack, ""), one.unasked, one.sentence or one.detail))
        for stack, one in shown
        if one.unasked
    ]
    not_asked = tuple(dict.fromkeys(why for _, why in unasked))
    told: dict[str, Any] = {NOT_ASKED: as_data(unasked)} if unasked else {}
    if not findings:
        told[NOTHING_TO_JUDGE] = True
    return Judged(
        passed=verdicts <= {Verdict.RIGHT},
        severity=dg.AssetCheckSeverity.ERROR if Verdict.WRONG in verdicts else dg.AssetCheckSeverity.WARN,
        description=_described([one for _, one in shown], groups, check.red),
        metadata={"findings": table_of(rows), **(more or {}), DATA: _data(groups, shown, {**told, **data})},
        not_asked=not_asked,
        unknown=bool(not_asked) and Verdict.WRONG not in verdicts,
    )


def is_red(evaluation: dg.AssetCheckEvaluation) -> bool:
    """Tell whether something is wrong; what only waits, or could be better, is a warning."""
    return not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR


def had_nothing_to_judge(evaluation: dg.AssetCheckEvaluation) -> bool:
    """Tell whether a check looked for what it judges and the stack has none of it.

    False if AWS could not be asked: there may be something.
    """
    return data_of(evaluation.metadata).get(NOTHING_TO_JUDGE) is True and not is_unknown(evaluation)


def _of_stack(stack: str, one: Finding) -> Finding:
    return replace(one, name=f"{stack}, {one.name}", about=f"{stack}, {one.about}" if one.about else "")


def _described(findings: Sequence[Finding], groups: Sequence[FindingGroup], red: str) -> str:
    """One line: how many are wrong, or else wait, and the first of them."""
    if not groups:
        return f"{len(findings)} as it should be" if findings else NOTHING_TO_JUDGE
    wrong = sum(one.verdict is Verdict.WRONG for one in findings)
    unknown = sum(one.verdict is Verdict.UNKNOWN for one in findings)
    waiting = sum(one.verdict is not Verdict.RIGHT for one in findings)
    counted = f"{waiting} of {len(findings)} wait or could be better"
    if wrong or unknown:
        counted = f"{wrong} of {len(findings)} {red}" if wrong else f"{unknown} of {len(findings)} could not be asked"
    line = f"{counted}; first: {' '.join(str(groups[0]).split())}"
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def _data(
    groups: Sequence[FindingGroup], findings: Sequence[Located], further: Mapping[str, Any]
) -> dg.MetadataValue[Any]:
    said = [
        {
            "verdict": one.verdict.value,
            "reason_type": one.reason_type,
            "sentence": one.sentence,
            "subjects": list(one.subjects),
        }
        for one in groups
    ]
    rows = [
        {**one.columns, "stack": stack, "name": one.name, "finding": one.verdict.value, "detail": one.detail}
        for stack, one in findings
        if one.verdict is not Verdict.RIGHT
    ]
    return dg.MetadataValue.json({OPEN: said, FINDINGS: rows[:MOST_ROWS], **further})


def open_of(evaluation: dg.AssetCheckEvaluation) -> tuple[FindingGroup, ...]:
    """Read what an evaluation says is not right; nothing of one that an older version made."""
    said = data_of(evaluation.metadata).get(OPEN)
    rows: Sequence[Mapping[str, Any]] = said if isinstance(said, list) else []
    found = tuple(
        FindingGroup(
            Verdict(row["verdict"]),
            str(row["sentence"]),
            tuple(map(str, row["subjects"])),
            str(row.get("reason_type", "")),
        )
        for row in rows
    )
    if any(one.verdict is Verdict.UNKNOWN for one in found):
        return found
    # What is open is that of the verdict that stands.
    unasked = not_asked_of(evaluation.metadata)
    return (*found, *(FindingGroup(Verdict.UNKNOWN, one.said, (one.who,), one.kind) for one in unasked))


def _findings(stacks: Stacks, stack: str, find: Find, *, deep: bool) -> list[Located]:
    try:
        return [(stack, finding) for finding in find(stacks.stack(stack), deep)]
    except SecretsPipelineError as error:
        return [(stack, of_error(stack or "the repository", error, detail=error.diagnostics()))]


def _more(stacks: Stacks, stack: str, more: More, *, deep: bool) -> Metadata:
    try:
        return more(stacks.stack(stack), deep)
    except SecretsPipelineError:
        # The findings say it.
        return {}


def _telling(findings: Sequence[Located]) -> list[Located]:
    """What is wrong first."""
    return sorted(findings, key=lambda one: list(Verdict).index(one[1].verdict), reverse=True)


def _rows(findings: Sequence[Located], columns: Sequence[str]) -> list[dict[str, str]]:
    """A row a finding: its verdict, the columns of its check, and the detail."""
    return [
        {
            "verdict": one.verdict.value,
            **{column: stack if column == "stack" else _cell(one, column) for column in columns},
            "detail": one.detail,
        }
        for stack, one in findings
    ]


def _cell(one: Finding, column: str) -> str:
    if column == "name":
        return one.name
    if column == "reader":
        # One that is said of a whole secret, or of several principals, has none.
        return short(one.columns["principal"]) if "principal" in one.columns else ""
    return one.columns.get(column, "")
