"""Apply a plan: in dependency order, with bounded threads, one outcome a change."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

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
from secrets_pipeline.errors import SecretsPipelineError

Progress: TypeAlias = Callable[[Outcome], None]
"""Called once for every outcome, from the thread that called `apply`."""

DEFAULT_WORKERS = 8

Planned = TypeVar("Planned", Change, Change | None)


class Reconciler(Protocol):
    """One per kind of AWS resource."""

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


def planned(resource: Resource, plan: Callable[[], Planned]) -> Planned | Change:
    """What `plan` says, or a blocked change that fails when it is applied: one resource never hides the others.

    Args:
        resource: what is being planned.
        plan: observes and compares it.
    """
    try:
        return plan()
    except SecretsPipelineError as error:
        return Change(resource, ChangeClass.BLOCKED, (error.message,), error=error)


def silent(_outcome: Outcome) -> None:
    """Progress for those who do not watch."""


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
    waiting = {change.resource.name: change for change in changes}
    running: dict[Future[Outcome], str] = {}

    def settle(name: str, outcome: Outcome) -> None:
        outcomes[name] = outcome
        progress(outcome)

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="apply") as pool:
        while waiting or running:
            ready = [
                change
                for change in waiting.values()
                if not any(need in waiting or need in running.values() for need in change.depends_on)
            ]
            # No more than can run: what is not submitted yet is never started after an interrupt.
            for change in ready[: workers - len(running)]:
                del waiting[change.resource.name]
                verdict = _without_trying(change, outcomes)
                if verdict is not None:
                    settle(change.resource.name, verdict)
                else:
                    running[pool.submit(_attempt, reconciler, change)] = change.resource.name
            if running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    settle(running.pop(future), future.result())
            elif not ready and waiting:
                for name, change in waiting.items():
                    settle(name, Skipped(change, "depends on itself"))
                waiting.clear()
    return tuple(outcomes[change.resource.name] for change in changes)


def _without_trying(change: Change, outcomes: dict[str, Outcome]) -> Outcome | None:
    if change.error is not None:
        return Failed(change, change.error)
    if change.action is ChangeClass.NONE:
        return Unchanged(change)
    if not change.action.writes:
        return Skipped(change, change.reason)
    for need in change.depends_on:
        match outcomes.get(need):
            case Failed():
                return Skipped(change, f"needs {need}, which failed")
            case Skipped():
                return Skipped(change, f"needs {need}, which was skipped")
            case _:
                continue
    return None


def _attempt(reconciler: Reconciler, change: Change) -> Outcome:
    try:
        return Applied(change, reconciler.apply(change))
    except SkippedError as skipped:
        return Skipped(change, skipped.message)
    except SecretsPipelineError as error:
        return Failed(change, error)
    except Exception as error:  # noqa: BLE001 - one resource's bug must not hide the outcomes of the others
        return Failed(change, _unexpected(error))


def _unexpected(error: Exception) -> SecretsPipelineError:
    # The text of a foreign exception may quote a value: name only its type and where it was raised.
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return SecretsPipelineError(
        f"unexpected {type(error).__name__}{place}",
        remedy="This is a bug of secrets-pipeline: report it with this line; no value is part of it.",
    )
