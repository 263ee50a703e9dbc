"""Apply the changes of a plan in dependency order, with bounded threads, and return one outcome a change."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

from secrets_pipeline.engine.blocking import VALUE_OF, Known, hindrance, learn_outcome, names_of, needs_of
from secrets_pipeline.engine.model import (
    Applied,
    Change,
    ChangeClass,
    Failed,
    NotYetError,
    Outcome,
    Resource,
    Skipped,
    SkippedError,
    Unchanged,
)
from secrets_pipeline.engine.only import Only, restricted
from secrets_pipeline.engine.reason import Because, Need, OnItsWay, Standing
from secrets_pipeline.errors import AwsError, SecretsPipelineError

Progress: TypeAlias = Callable[[Outcome], None]
"""Called once for every outcome, from the thread that called `apply`."""

DEFAULT_WORKERS = 16

OneChange = TypeVar("OneChange", Change, Change | None)


class Reconciler(Protocol):
    """Plans and applies the changes of one kind of AWS resource."""

    def plan(self) -> Sequence[Change]:
        """Observe AWS and compare: one change a desired resource; reads only."""
        ...

    def apply(self, change: Change) -> str:
        """Make one change true.

        Returns:
            What was done, for a human, without values.

        Raises:
            SkippedError: if it has to wait for something.
            SecretsPipelineError: if it failed.
        """
        ...


def planned(resource: Resource, plan: Callable[[], OneChange]) -> OneChange | Change:
    """Return what `plan` says, or, if it raised, a blocked change: one resource never hides the others.

    Applying such a change fails with the error that `plan` raised.

    Args:
        resource: what is being planned.
        plan: observes and compares it.
    """
    try:
        return plan()
    except Exception as error:  # noqa: BLE001 - one resource's bug must not hide the plan of the others
        return _unplanned(resource, error)


def plan_stage(stage: str, reconciler: Reconciler, only: Sequence[Only] = ()) -> Sequence[Change]:
    """Return what a reconciler plans, or, if it raised, one blocked change named `stage`: the other stages go on.

    That is for what it reads of all its resources at once; of each, `planned` is told.

    Args:
        stage: its name, for a human.
        reconciler: of the stage.
        only: what the run is restricted to; every other change is blocked.
    """
    return restricted(stage, _planned_stage(stage, reconciler), only)


def _planned_stage(stage: str, reconciler: Reconciler) -> Sequence[Change]:
    try:
        return reconciler.plan()
    except Exception as error:  # noqa: BLE001 - one stage's bug must not hide the others
        return [_unplanned(Resource("stage", stage), error)]


def silent(_outcome: Outcome) -> None:
    """Ignore an outcome: progress for those who do not watch."""


def apply(
    reconciler: Reconciler, changes: Sequence[Change], *, workers: int = DEFAULT_WORKERS, progress: Progress = silent
) -> tuple[Outcome, ...]:
    """Apply `changes`, each after those that it depends on.

    A change behind one that failed or was skipped is skipped itself; all others go on.

    Args:
        reconciler: whose plan it is.
        changes: one a resource name, without dependency cycles; what they depend on outside the plan is ignored.
        workers: threads at most.
        progress: receives each outcome as it comes.

    Returns:
        The outcomes, in the order of `changes`.
    """
    outcomes: dict[str, Outcome] = {}
    known: dict[str, Standing] = {}
    names = names_of(changes)
    queue = _Queue(changes)
    running: dict[Future[Outcome], str] = {}

    def settle(name: str, outcome: Outcome) -> None:
        outcomes[name] = outcome
        learn_outcome(known, outcome)
        queue.settled(name)
        progress(outcome)

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="apply") as pool:
        while queue.ready or running:
            # No more than can run: what is not submitted yet is never started after an interrupt.
            while queue.ready and len(running) < workers:
                change = queue.ready.popleft()
                verdict = _without_trying(change, needs_of(change, names), known)
                if verdict is not None:
                    settle(change.resource.name, verdict)
                else:
                    running[pool.submit(_attempt, reconciler, change)] = change.resource.name
            if running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    settle(running.pop(future), future.result())
    for change in queue.unreachable():
        settle(change.resource.name, Skipped(change, "depends on itself"))
    return tuple(outcomes[change.resource.name] for change in changes)


class _Queue:
    """Which changes may be tried now; linear in changes and dependencies, whatever their number.

    Attributes:
        ready: changes whose dependencies are settled, in the order in which they became so.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self._waiting = {change.resource.name: change for change in changes}
        self._needs: dict[str, int] = {}
        self._behind: dict[str, list[str]] = {}
        self.ready: deque[Change] = deque()
        for name, change in self._waiting.items():
            needs = {need for need in (*change.depends_on, *change.after) if need in self._waiting}
            self._needs[name] = len(needs)
            for need in needs:
                self._behind.setdefault(need, []).append(name)
        for name in [name for name, count in self._needs.items() if not count]:
            self.ready.append(self._waiting.pop(name))

    def settled(self, name: str) -> None:
        """Note that a change has its outcome."""
        for behind in self._behind.pop(name, ()):
            self._needs[behind] -= 1
            if not self._needs[behind] and behind in self._waiting:
                self.ready.append(self._waiting.pop(behind))

    def unreachable(self) -> Sequence[Change]:
        """Return what waits for itself, once nothing is ready or running any more."""
        return tuple(self._waiting.values())


def _without_trying(change: Change, needs: Iterable[Need], known: Known) -> Outcome | None:
    if change.error is not None:
        return Failed(change, change.error)
    if change.action is ChangeClass.NONE:
        return Unchanged(change)
    if not change.action.writes:
        return Skipped(change, change.reason, change.remedy, sentence=change.hindrance)
    why = hindrance((need for need in needs if not _may_have_come(need, known)), known)
    return None if why is None else Skipped(change, why.problem, why.remedy, passes=isinstance(why, OnItsWay))


def _may_have_come(need: Need, known: Known) -> bool:
    """Whether to look again: AWS may have made it meanwhile, or this run the secret whose value is needed."""
    if known.keys() & set(need.on):
        return False
    touched = known.keys() & {on.removeprefix(VALUE_OF) for on in need.on}
    return need.standing is Standing.ON_ITS_WAY or (need.standing is Standing.MISSING and bool(touched))


def _attempt(reconciler: Reconciler, change: Change) -> Outcome:
    try:
        return Applied(change, reconciler.apply(change))
    except SkippedError as skipped:
        of_any = skipped.sentence if skipped.sentence != skipped.message else ""
        return Skipped(change, skipped.message, skipped.remedy, isinstance(skipped, NotYetError), of_any)
    except AwsError as error:
        return (
            Skipped(change, f"{error.message}; the next run goes on", error.remedy, passes=True)
            if error.busy
            else Failed(change, error)
        )
    except SecretsPipelineError as error:
        return Failed(change, error)
    except Exception as error:  # noqa: BLE001 - one resource's bug must not hide the outcomes of the others
        return Failed(change, _unexpected(error))


def _unplanned(resource: Resource, error: Exception) -> Change:
    told = error if isinstance(error, SecretsPipelineError) else _unexpected(error)
    return Change(resource, ChangeClass.BLOCKED, (Because(told.message),), error=told)


def _unexpected(error: Exception) -> SecretsPipelineError:
    # The text of a foreign exception may quote a value: name only its type and where it was raised.
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return SecretsPipelineError(
        f"unexpected {type(error).__name__}{place}",
        remedy="This is a bug of secrets-pipeline: report it with this line; no value is part of it.",
    )
