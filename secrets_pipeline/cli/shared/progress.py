"""Show the progress of an apply on stderr: a moving line on a terminal, one line an outcome elsewhere."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.cli.shared.console import messages
from secrets_pipeline.engine.model import Applied, Failed, Outcome, Skipped, Unchanged

_SIGNS = {Applied: ("✓", "green"), Failed: ("✗", "red"), Skipped: ("-", "magenta"), Unchanged: ("=", "dim")}


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


class ApplyProgress(Moving):
    """Shows each outcome as it comes. A context manager; `outcome` is what runs call.

    Args:
        stack: whose apply it is.
        lines: whether outcomes that are not "unchanged" get a line each.
    """

    def __init__(self, stack: str, *, lines: bool = True) -> None:
        self._stack = stack
        self._lines = lines
        self._console = messages()
        self._done = 0
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
        super().__exit__(kind, error, trace)
        WAITING.removeHandler(self._handler)

    def waiting(self, what: str) -> None:
        """Show what the run waits for."""
        self._bar.update(self._task, description=f"{self._stack} {what}")
        if self._lines:
            self._console.print(Text(f"{self._stack} … {what}", style="dim"), soft_wrap=True)

    def outcome(self, stage: str, outcome: Outcome) -> None:
        """Show one outcome; unchanged resources only count."""
        self._done += 1
        self._bar.update(self._task, description=f"{self._stack} {stage} ({self._done} done)")
        if self._lines and not isinstance(outcome, Unchanged):
            self._console.print(line(self._stack, stage, outcome), soft_wrap=True)


class _Waiting(logging.Handler):
    """Hands on what is waited for."""

    def __init__(self, shown: ApplyProgress) -> None:
        super().__init__(logging.INFO)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        self._shown.waiting(record.getMessage())


def line(stack: str, stage: str, outcome: Outcome) -> Text:
    """Write `stack stage ✓ kind name: detail`."""
    sign, style = _SIGNS[type(outcome)]
    text = Text(f"{stack} {stage} ")
    text.append(sign, style=style)
    text.append(f" {outcome.change.resource}")
    detail = _detail(outcome)
    return text.append(f": {detail}") if detail else text


def _detail(outcome: Outcome) -> str:
    match outcome:
        case Applied(detail=detail):
            return detail or outcome.change.reason
        case Failed(error=error):
            return error.message
        case Skipped(reason=reason):
            return reason
        case Unchanged():
            return outcome.change.reason
