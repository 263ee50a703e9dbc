"""What a run on other emulators judges: a gap is declared and seen, or the run fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.backends.chain import CORE, WHOLE
from benchmarks.backends.gaps import GAPS
from benchmarks.backends.ground import Said, changes, checks, outcomes
from benchmarks.backends.judgement import Gap, Shortfall, judged
from benchmarks.backends.repository import core, whole
from benchmarks.backends.servers import BACKENDS
from secrets_pipeline.operations.open_repository import open_repository

GAP = Gap("X1", "rotate", "value", "waiting", "NoValue", "its RotateSecret copies the value")
SEEN = Shortfall("value", "it has the same value", "waiting", "NoValue")


def test_what_works_and_is_not_declared_is_ok() -> None:
    (one,) = judged({"rotate": []}, [])
    assert (str(one), one.is_as_declared, list(one.details())) == ("ok", True, [])


def test_a_declared_gap_that_is_seen_is_named_with_its_reason() -> None:
    (one,) = judged({"rotate": [SEEN, replace(SEEN, said="the pages have other words for it today")]}, [GAP])
    assert (str(one), one.is_as_declared, one.gaps) == ("gap X1", True, (GAP,))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ([], "rotate: declared gap X1 is closed: value: waiting, NoValue"),
        ([SEEN, replace(SEEN, kind="wrong")], "rotate: undeclared: value: wrong, NoValue: it has the same value"),
        ([SEEN, replace(SEEN, reason_type="")], "rotate: undeclared: value: waiting, no type: it has the same value"),
        ([SEEN, replace(SEEN, what="")], "rotate: undeclared: it: waiting, NoValue: it has the same value"),
    ],
)
def test_a_gap_that_is_closed_and_a_shortfall_that_no_gap_explains_are_not_as_declared(
    seen: list[Shortfall], said: str
) -> None:
    (one,) = judged({"rotate": seen}, [GAP])
    assert str(one) == "NOT AS DECLARED"
    assert said in list(one.details())


def test_a_gap_explains_its_own_capability_alone() -> None:
    adopting, rotating = judged({"adopt": [SEEN], "rotate": []}, [GAP])
    assert (adopting.is_as_declared, rotating.is_as_declared) == (False, False)


def test_a_declared_gap_excuses_no_other_row_of_its_stage_check_or_plan() -> None:
    row = {"stage": "s", "kind": "secret", "name": "a", "action": "update"}
    types = ("Differs", "NotOurs")
    outcome_rows = [{**row, "outcome": "failed", "detail": "same text", "reason_type": one} for one in types]
    change = {**row, "reasons": ["same text", "same text"], "reason_types": list(types)}
    groups = [{"verdict": "wrong", "sentence": "same text", "reason_type": one} for one in types]
    check = {"stack": "dev", "check": "s", "passed": False, "severity": "ERROR", "detail": "same text", "open": groups}
    said = Said(1, {"stacks": {"dev": {"outcomes": outcome_rows, "changes": [change]}}}, "")
    for seen, kind, before in (
        (outcomes(said, right=("applied",)), "secret update", "failed "),
        (changes(said), "secret update", ""),
        (checks([check]), "wrong", ""),
    ):
        gap = replace(GAP, what="s", kind=kind, reason_type=f"{before}Differs")
        (one,) = judged({"rotate": seen}, [gap])
        assert one.gaps == (gap,)
        assert [undeclared.reason_type for undeclared in one.undeclared] == [f"{before}NotOurs"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_declared_gap_is_of_a_capability_that_is_tried(backend: str) -> None:
    assert {gap.capability for gap in GAPS[backend]} <= {*WHOLE, *CORE}
    assert all(gap.reason for gap in GAPS[backend])
    reasons = {gap.id: gap.reason for gap in GAPS[backend]}
    assert all(reasons[gap.id] == gap.reason for gap in GAPS[backend])


@pytest.mark.parametrize("copy", [whole, core])
def test_the_copies_of_the_examples_can_be_read(
    copy: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = copy(tmp_path / "atmos")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(repository / "operator.yaml"))
    desired = open_repository(repository)
    assert (desired.errors, set(desired.specs)) == ({}, {"infra-shared", "myapp-dev", "myapp-prod"})
    keys = [key for spec in desired.specs.values() for key in spec.keys]
    assert bool(keys) is (copy is whole)
