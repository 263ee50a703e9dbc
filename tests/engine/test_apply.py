import threading
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.engine.apply import apply, plan_stage, planned
from secrets_pipeline.engine.model import (
    Applied,
    Change,
    ChangeClass,
    Failed,
    Outcome,
    Resource,
    Skipped,
    SkippedError,
    Unchanged,
)
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.engine.report import count, rows
from secrets_pipeline.errors import SecretsPipelineError
from tests.waiting import SECONDS


class Recording:
    """A reconciler whose changes do what a function says."""

    def __init__(self, act: Callable[[str], str]) -> None:
        self.act = act
        self.applied: list[str] = []
        self._lock = threading.Lock()

    def plan(self) -> Sequence[Change]:
        return ()

    def apply(self, change: Change) -> str:
        detail = self.act(change.resource.name)
        with self._lock:
            self.applied.append(change.resource.name)
        return detail


def change(name: str, *needs: str, after: Sequence[str] = (), action: ChangeClass = ChangeClass.CREATE) -> Change:
    return Change(Resource("secret", name), action, (Because("because"),), depends_on=needs, after=tuple(after))


def test_a_change_is_applied_after_those_that_it_depends_on() -> None:
    recording = Recording(str)
    outcomes = apply(recording, [change("c", "b"), change("b", "a"), change("a")])
    assert recording.applied == ["a", "b", "c"]
    assert [o.change.resource.name for o in outcomes] == ["c", "b", "a"]


def test_one_failure_leaves_the_others_applied_and_skips_what_needs_it() -> None:
    def act(name: str) -> str:
        if name == "bad":
            raise SecretsPipelineError("refused", remedy="ask")
        return name

    outcomes = apply(Recording(act), [change("bad"), change("behind", "bad"), change("good")])
    kinds = {o.change.resource.name: type(o) for o in outcomes}
    assert kinds == {"bad": Failed, "behind": Skipped, "good": Applied}
    assert isinstance(outcomes[1], Skipped)
    assert outcomes[1].reason == "needs secret bad, which failed"


def test_a_reconciler_may_say_that_a_change_has_to_wait_and_what_needs_it_waits_too() -> None:
    def act(name: str) -> str:
        if name == "x":
            raise SkippedError("the instance is creating", remedy="Apply again.")
        return name

    plan = [change("x"), change("behind", "x"), change("far behind", "behind"), change("other")]
    waits, behind, far, other = apply(Recording(act), plan)
    assert waits == Skipped(plan[0], "the instance is creating", "Apply again.")
    assert behind == Skipped(plan[1], "needs secret x, which was skipped")
    assert far == Skipped(plan[2], "needs secret behind, which was skipped")
    assert other == Applied(plan[3], "other")


@pytest.mark.parametrize("error", [SecretsPipelineError("refused"), SkippedError("not yet")], ids=["failed", "skipped"])
def test_a_change_that_only_comes_after_another_is_tried_whatever_became_of_that(error: SecretsPipelineError) -> None:
    def act(name: str) -> str:
        if name == "first":
            raise error
        return name

    _, outcome = apply(Recording(act), [change("first"), change("then", after=["first"])])
    assert isinstance(outcome, Applied)


def test_what_a_change_comes_after_outside_the_plan_is_not_waited_for() -> None:
    (outcome,) = apply(Recording(str), [change("x", "elsewhere", after=["elsewhere too"])])
    assert isinstance(outcome, Applied)


def test_blocked_and_unchanged_are_never_tried() -> None:
    recording = Recording(str)
    outcomes = apply(recording, [change("b", action=ChangeClass.BLOCKED), change("n", action=ChangeClass.NONE)])
    assert recording.applied == []
    assert [type(o) for o in outcomes] == [Skipped, Unchanged]


def test_an_unexpected_exception_shows_its_type_and_place_but_not_its_text() -> None:
    def act(_name: str) -> str:
        raise ValueError("hunter2-canary")

    (outcome,) = apply(Recording(act), [change("x")])
    assert isinstance(outcome, Failed)
    text = outcome.error.diagnostics()
    assert "ValueError" in text
    assert "test_apply.py" in text
    assert "hunter2" not in text
    assert outcome.error.__cause__ is None
    assert outcome.error.__context__ is None


def test_as_many_changes_are_applied_at_once_as_there_are_workers() -> None:
    workers = 33  # more than a pool of threads has by itself on any machine
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Barrier(workers, timeout=SECONDS)

    def act(_name: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait()
        with lock:
            running -= 1
        return ""

    apply(Recording(act), [change(str(n)) for n in range(3 * workers)], workers=workers)
    assert most == workers


def test_changes_that_need_each_other_are_skipped_and_not_waited_for() -> None:
    outcomes = apply(Recording(str), [change("a", after=["b"]), change("b", "a"), change("c")])
    assert [type(o) for o in outcomes] == [Skipped, Skipped, Applied]


def test_progress_sees_every_outcome_once() -> None:
    seen: list[Outcome] = []
    outcomes = apply(Recording(str), [change(str(n)) for n in range(20)], progress=seen.append)
    assert sorted(o.change.resource.name for o in seen) == sorted(o.change.resource.name for o in outcomes)


def test_rows_and_counts_tell_of_every_outcome() -> None:
    def act(name: str) -> str:
        if name == "bad":
            raise SecretsPipelineError("refused")
        return "done"

    outcomes = apply(Recording(act), [change("bad"), change("good"), change("same", action=ChangeClass.NONE)])
    assert str(count(outcomes)) == "1 applied, 1 unchanged, 0 skipped, 1 failed"
    assert [row["outcome"] for row in rows(outcomes)] == ["failed", "applied", "unchanged"]
    assert rows(outcomes)[0]["detail"] == "refused"


def test_a_row_says_why_where_what_was_done_says_nothing() -> None:
    assert [row["detail"] for row in rows(apply(Recording(lambda _name: ""), [change("x")]))] == ["because"]


def test_a_change_is_shown_by_kind_and_name_and_is_no_drift_unless_that_is_said() -> None:
    assert str(change("x").resource) == "secret x"
    assert not change("x").drift


@given(st.data())
def test_any_acyclic_plan_is_applied_completely_and_in_order(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12))
    changes = []
    for n in range(size):
        before = data.draw(st.sets(st.integers(0, n - 1).map(str))) if n else set()
        needs = {one for one in sorted(before) if data.draw(st.booleans())}
        changes.append(change(str(n), *needs, after=sorted(before - needs)))
    shuffled = data.draw(st.permutations(changes))
    recording = Recording(str)
    outcomes = apply(recording, shuffled, workers=data.draw(st.integers(1, 4)))
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    for one in changes:
        for need in (*one.depends_on, *one.after):
            assert recording.applied.index(need) < recording.applied.index(one.resource.name)


def test_a_resource_that_cannot_be_planned_fails_by_itself() -> None:
    def refused() -> Change:
        raise SecretsPipelineError("access denied", remedy="ask")

    broken = planned(Resource("secret", "broken"), refused)
    good = planned(Resource("secret", "good"), lambda: change("good"))
    assert (broken.action, broken.reason) == (ChangeClass.BLOCKED, "access denied")
    outcomes = apply(Recording(str), [broken, good, change("behind", "broken")])
    assert [type(o) for o in outcomes] == [Failed, Applied, Skipped]


def test_a_bug_while_a_resource_is_planned_hides_no_other_and_quotes_nothing() -> None:
    def broken() -> Change:
        raise KeyError("hunter2")

    found = planned(Resource("secret", "broken"), broken)
    assert found.action is ChangeClass.BLOCKED
    assert found.reason.startswith("unexpected KeyError at ")
    assert found.error is not None
    assert "hunter2" not in found.error.diagnostics()
    assert [type(one) for one in apply(Recording(str), [found, change("good")])] == [Failed, Applied]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SecretsPipelineError("access denied", remedy="ask"), "access denied"),
        (KeyError("hunter2"), "unexpected KeyErr"),
    ],
)
def test_a_stage_that_cannot_be_planned_fails_in_its_own_name_and_quotes_nothing(error: Exception, said: str) -> None:
    class Broken(Recording):
        def plan(self) -> Sequence[Change]:
            raise error

    broken = Broken(str)
    (found,) = plan_stage("rds_endpoints", broken)
    assert (found.action, str(found.resource)) == (ChangeClass.BLOCKED, "stage rds_endpoints")
    assert found.reason.startswith(said)
    assert "hunter2" not in found.reason
    assert [type(one) for one in apply(broken, [found])] == [Failed]


def test_after_an_interrupt_nothing_more_is_started() -> None:
    recording = Recording(str)

    def interrupt(_outcome: Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(recording, [change(str(n)) for n in range(100)], workers=4, progress=interrupt)
    assert len(recording.applied) <= 4
