"""Show on stderr how far rotations are: the four steps of each of a few secrets, how many are done of many."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from secrets_pipeline.cli.shared.console import messages
from secrets_pipeline.cli.shared.progress import Moving, far
from secrets_pipeline.rotation.steps import RotationStep

_STEPS = tuple(RotationStep)
_FEW = 5
"""Secrets that have a line each on a terminal, and elsewhere a line a step."""
_ALL = "secrets"


class RotationProgress(Moving):
    """Shows each step as it is done. A context manager; `step` is what a rotation calls, from whatever thread.

    Args:
        names: of the secrets.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._console = messages()
        self._done: dict[str, list[RotationStep]] = {name: [] for name in names}
        self._few = len(self._done) <= _FEW
        self._began = time.monotonic()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[steps]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=not self._few,
            disable=not self._console.is_terminal,
        )
        super().__init__(self._bar)
        shown = {name: _drawn([]) for name in self._done} if self._few else {_ALL: far(0, len(self._done), 0)}
        self._tasks = {name: self._bar.add_task(name, total=len(_STEPS), steps=steps) for name, steps in shown.items()}

    def step(self, name: str, step: RotationStep) -> None:
        """Show that a step is done."""
        done = self._done.setdefault(name, [])
        done.append(step)
        if not self._few:
            rotated = sum(set(_STEPS) <= set(steps) for steps in self._done.values())
            counted = far(rotated, len(self._done), time.monotonic() - self._began)
            self._bar.update(self._tasks[_ALL], steps=counted)
            return
        if name in self._tasks:
            self._bar.update(self._tasks[name], advance=1, steps=_drawn(done))
        if not self._console.is_terminal:
            self._console.print(f"{name}: {step.value} ✓", markup=False, highlight=False, soft_wrap=True)


def _drawn(done: list[RotationStep]) -> str:
    return "  ".join(f"{step.value} {'✓' if step in done else '·'}" for step in _STEPS)
