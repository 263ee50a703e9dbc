"""Show the progress of a run on stderr: one moving line on a terminal, a line a stage elsewhere."""

from __future__ import annotations

import logging
import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.cli.shared.console import messages
from secrets_pipeline.engine.model import Applied, Failed, Looked, Outcome, Skipped, Total, Unchanged

_WORDS = {Applied: ("applied", "green"), Skipped: ("skipped", "magenta"), Failed: ("failed", "red")}
_TELLING_SECONDS = 1.0
"""Before that nobody can tell a rate."""


class Moving:
    """A display that moves while a block runs; a context manager.

    Args:
        display: what moves.
    """

    def __init__(self, display: Progress) -> None:
        self._display = display

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()


class RunProgress(Moving):
    """Shows how far each stage is. A context manager; `told` is what runs call.

    Args:
        stack: whose run it is.
        lines: whether stages in which something was done, and what is waited for, get a line each.
    """

    def __init__(self, stack: str, *, lines: bool = True) -> None:
        self._stack = stack
        self._lines = lines
        self._console = messages()
        self._stage: StageCount | None = None
        # Names are text: no column may read markup in them.
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        super().__init__(self._bar)
        self._task = self._bar.add_task(f"{stack} starting", total=None)
        self._handler = _Waiting(self)

    def __enter__(self) -> Self:
        WAITING.addHandler(self._handler)
        WAITING.setLevel(logging.INFO)
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()
        super().__exit__(kind, error, trace)
        WAITING.removeHandler(self._handler)

    def waiting(self, what: str) -> None:
        """Show what the run waits for."""
        self._bar.update(self._task, description=f"{self._stack} {what}")
        if self._lines and not self._console.is_terminal:
            self._console.print(Text(f"{self._stack} … {what}", style="dim"), soft_wrap=True)

    def told(self, stage: str, told: Total | Looked | Outcome) -> None:
        """Show how much a stage has to do, or one outcome, or check; unchanged resources are not counted."""
        if isinstance(told, Total):
            self._end_stage()
            self._stage = StageCount(stage, told.changes, time.monotonic())
        elif self._stage is not None:
            self._stage.count(told)
        if self._stage is not None:
            self._bar.update(self._task, description=f"{self._stack} {self._stage.moving(time.monotonic())}")

    def _end_stage(self) -> None:
        ended, self._stage = self._stage, None
        if self._lines and ended is not None and ended.done and not self._console.is_terminal:
            self._console.print(ended.line(self._stack, time.monotonic()), soft_wrap=True)


def far(done: int, total: int, seconds: float) -> str:
    """Write `120 of 150, 14/s, 2 s left`; rate and rest once there is something to tell them by.

    Args:
        done: of the total.
        total: how many there are.
        seconds: since the first began.
    """
    counted = f"{done:,} of {total:,}"
    if not 0 < done < total or seconds < _TELLING_SECONDS:
        return counted
    rate = done / seconds
    pace = f"{rate:.0f}/s" if rate >= 1 else f"{60 * rate:.2g}/min"
    return f"{counted}, {pace}, {_span((total - done) / rate)} left"


class StageCount:
    """Counts what becomes of the changes of a stage. Pure: it is told the time.

    Args:
        stage: its name.
        total: changes that get an outcome which is not "unchanged".
        began: in seconds, of a clock that never goes back.
    """

    def __init__(self, stage: str, total: int, began: float) -> None:
        self._stage = stage
        self._total = total
        self._began = began
        self._counts: Counter[type[Looked | Outcome]] = Counter()

    @property
    def done(self) -> int:
        """Return how many changes have an outcome."""
        return self._counts.total()

    def count(self, outcome: Looked | Outcome) -> None:
        """Count one outcome, or check."""
        if not isinstance(outcome, Unchanged):
            self._counts[type(outcome)] += 1

    def moving(self, now: float) -> str:
        """Write `secrets 120 of 150, 14/s, 2 s left`; rate and rest once there is something to tell them by."""
        moving = f"{self._stage} {far(self.done, self._total, now - self._began)}" if self._total else self._stage
        failed = self._counts[Failed]
        return f"{moving}, {failed:,} failed" if failed else moving

    def line(self, stack: str, now: float) -> Text:
        """Write `shop-dev secrets: 148 applied, 2 failed in 11 s`."""
        counted = [(self._counts[kind], *word) for kind, word in _WORDS.items() if self._counts[kind]]
        said = Text(", ").join(Text(f"{count:,} {word}", style) for count, word, style in counted)
        return Text(f"{stack} {self._stage}: ").append_text(said).append(f" in {_span(now - self._began)}")


class _Waiting(logging.Handler):
    """Hands on what is waited for."""

    def __init__(self, shown: RunProgress) -> None:
        super().__init__(logging.INFO)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        self._shown.waiting(record.getMessage())


def _span(seconds: float) -> str:
    """`2 s` or `3 min 20 s`."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
