"""Show on stderr each secret's four steps of a rotation: a moving line on a terminal, a line a step elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from secrets_pipeline.cli.shared.console import messages
from secrets_pipeline.cli.shared.progress import Moving
from secrets_pipeline.rotation.steps import RotationStep

_STEPS = tuple(RotationStep)


class RotationProgress(Moving):
    """Shows each step as it is done. A context manager; `step` is what a rotation calls, from whatever thread.

    Args:
        names: of the secrets.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._console = messages()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[steps]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        super().__init__(self._bar)
        self._done: dict[str, list[RotationStep]] = {name: [] for name in names}
        self._tasks = {name: self._bar.add_task(name, total=len(_STEPS), steps=_drawn([])) for name in self._done}

    def step(self, name: str, step: RotationStep) -> None:
        """Show that a step is done."""
        done = self._done.setdefault(name, [])
        done.append(step)
        if name in self._tasks:
            self._bar.update(self._tasks[name], advance=1, steps=_drawn(done))
        if not self._console.is_terminal:
            self._console.print(f"{name}: {step.value} ✓", markup=False, highlight=False, soft_wrap=True)


def _drawn(done: list[RotationStep]) -> str:
    return "  ".join(f"{step.value} {'✓' if step in done else '·'}" for step in _STEPS)
