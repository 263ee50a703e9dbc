"""A check that could not ask AWS replaces nothing that was known: red stays red, and nobody counts it as a look."""

from __future__ import annotations

import uuid

import dagster as dg
import pytest

from secrets_pipeline.errors import Unasked
from secrets_pipeline.orchestration.alerts.verdicts import Verdict as Told
from secrets_pipeline.orchestration.verification.history import (
    CLOSELY,
    LOOKED,
    Evaluated,
    is_unknown,
    last_evaluation,
)
from secrets_pipeline.orchestration.verification.not_asked import NotAsked, not_asked_of
from secrets_pipeline.orchestration.verification.stack_check import (
    Judged,
    StackCheck,
    had_nothing_to_judge,
    judge_unasked,
    judged,
    open_of,
)
from secrets_pipeline.orchestration.verification.standing import standing
from secrets_pipeline.reconcilers.finding import Finding, Verdict

STACK = "a-dev"
CHECK = StackCheck("consumers_can_read", "access_matrix", (), "", lambda _stack, _deep: [], red="are denied")
KEY = dg.AssetCheckKey(dg.AssetKey("access_matrix"), CHECK.name)
WHY = NotAsked("account 111122223333", Unasked.NO_ANSWER, "ListSecrets failed: ConnectTimeoutError")
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
FOUND = {
    Verdict.RIGHT: Finding("orders", Verdict.RIGHT, "may"),
    Verdict.WAITING: Finding("orders", Verdict.WAITING, "waits"),
    Verdict.WRONG: Finding("orders", Verdict.WRONG, "is denied"),
    Verdict.UNKNOWN: Finding("reports", Verdict.UNKNOWN, WHY.said, reason_type=WHY.kind),
}


class History:
    """What was said of the check, the latest last."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    @property
    def last(self) -> Evaluated | None:
        return last_evaluation(self.instance, KEY, STACK)

    def say(self, found: Judged, *, looked: float | None = None) -> dg.AssetCheckEvaluation:
        run = dg.DagsterRun("verify", run_id=str(uuid.uuid4()), status=dg.DagsterRunStatus.SUCCESS)
        self.instance.add_run(run)
        more = (
            {} if looked is None else {LOOKED: dg.MetadataValue.timestamp(looked), CLOSELY: dg.MetadataValue.bool(True)}
        )
        said = dg.AssetCheckEvaluation(
            KEY.asset_key,
            KEY.name,
            found.passed,
            severity=found.severity,
            description=found.description,
            metadata={**found.metadata, **more},
            partition=STACK,
        )
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
        self.instance.report_dagster_event(dg.DagsterEvent(kind, "verify", event_specific_data=said), run.run_id)
        return said


def of(*verdicts: Verdict) -> Judged:
    return judged(CHECK, [(STACK, FOUND[one]) for one in verdicts], who={STACK: WHY.who})


@pytest.mark.parametrize(
    ("verdict", "severity", "word"),
    [(Verdict.RIGHT, WARN, "green"), (Verdict.WAITING, WARN, "a warning"), (Verdict.WRONG, ERROR, "red")],
)
def test_the_last_verdict_stands_with_its_age_however_often_nobody_could_ask(
    instance: dg.DagsterInstance, verdict: Verdict, severity: dg.AssetCheckSeverity, word: str
) -> None:
    history = History(instance)
    real = history.say(of(verdict), looked=1_796_104_800.0)
    for _ in range(3):
        said = history.say(standing(judge_unasked(CHECK, STACK, WHY), history.last, STACK))
        assert is_unknown(said)
        assert (said.passed, said.severity) == (False, severity)
        assert str(said.description) == (
            f"Not known, as AWS does not answer: {WHY.said}. "
            f"Last verdict: {word} as of 2026-12-01 06:00 UTC: {real.description}"
        )
        assert not_asked_of(said.metadata) == (WHY,)
        last = history.last
        assert last is not None
        assert (last.at, last.evaluation) == (1_796_104_800.0, real)


def test_what_was_never_looked_at_stays_so(instance: dg.DagsterInstance) -> None:
    history = History(instance)
    said = history.say(standing(judge_unasked(CHECK, STACK, WHY), history.last, STACK))
    assert (said.passed, said.severity, history.last) == (False, WARN, None)
    assert str(said.description).endswith("Nobody has looked before.")
    assert [one.verdict for one in open_of(said)] == [Verdict.UNKNOWN]
    # Of all stacks at once there is no verdict on record, whoever looked at each.
    of_all = standing(judge_unasked(CHECK, STACK, WHY), None, None)
    assert of_all.description == f"Not known, as AWS does not answer: {WHY.said}."


def test_only_a_look_that_found_nothing_had_nothing_to_judge(instance: dg.DagsterInstance) -> None:
    history = History(instance)
    nothing = history.say(of(), looked=1.0)
    assert (nothing.passed, nothing.description, had_nothing_to_judge(nothing)) == (True, "nothing to judge", True)
    # There may be something by now: whoever could not ask does not know.
    unknown = history.say(standing(judge_unasked(CHECK, STACK, WHY), history.last, STACK))
    assert is_unknown(unknown)
    assert not had_nothing_to_judge(unknown)
    for verdict in (Verdict.RIGHT, Verdict.WAITING, Verdict.WRONG):
        assert not had_nothing_to_judge(history.say(of(verdict), looked=2.0))


@pytest.mark.parametrize(
    ("found", "unknown", "severity"),
    [
        ((Verdict.UNKNOWN, Verdict.RIGHT), True, WARN),
        ((Verdict.UNKNOWN, Verdict.WAITING), True, WARN),
        # An answer is an answer, whatever could not be asked beside it.
        ((Verdict.UNKNOWN, Verdict.WRONG), False, ERROR),
        ((Verdict.WAITING,), False, WARN),
    ],
)
def test_what_is_wrong_is_red_whatever_could_not_be_asked_beside_it(
    found: tuple[Verdict, ...], unknown: bool, severity: dg.AssetCheckSeverity
) -> None:
    made = of(*found)
    assert (made.unknown, made.severity) == (unknown, severity)
    assert bool(made.not_asked) is (Verdict.UNKNOWN in found)


def test_the_verdict_of_what_stands_is_what_was_open_and_what_could_not_be_asked(instance: dg.DagsterInstance) -> None:
    history = History(instance)
    history.say(of(Verdict.WRONG), looked=1.0)
    said = history.say(standing(judge_unasked(CHECK, STACK, WHY), history.last, STACK))
    assert [(one.verdict, one.sentence) for one in open_of(said)] == [
        (Verdict.WRONG, "is denied"),
        (Verdict.UNKNOWN, WHY.said),
    ]
    assert Told.of(said, STACK, 1.0, "run").red
