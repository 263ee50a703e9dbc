"""Apply stacks in this process, as a Dagster run does, without its events and its seals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.apply import Progress, apply, plan_stage, silent
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords

if TYPE_CHECKING:
    from secrets_pipeline.engine.model import Outcome
    from secrets_pipeline.reconcilers.stack import Stack


def apply_stack(stack: Stack, *, progress: Progress = silent) -> dict[str, tuple[Outcome, ...]]:
    """Every stage of one stack and its marks, under `commit`; generated passwords stay in memory."""
    guard_boundary(stack)
    passwords = generate_passwords(stack)
    done: dict[str, tuple[Outcome, ...]] = {}
    for name in (*STAGES, "commit"):
        reconciler = STAGES[name](stack, passwords=passwords) if name in STAGES else commit(stack)
        changes = plan_stage(name, reconciler, stack.run.options.only)
        done[name] = apply(reconciler, changes, progress=progress)
    return done
