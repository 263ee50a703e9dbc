"""One run of the product in a process of its own, which may be killed."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from botocore.retries.bucket import TokenBucket
from botocore.retries.standard import ExponentialBackoff

from secrets_pipeline import emulator
from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.engine.report import row as row_of
from secrets_pipeline.engine.report import rows
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers import run as product
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.bundle import GeneratedPasswords
from tests import applying
from tests.applying import apply_stack
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from tests.faults.ground import Ground

_LONGEST_SLEEP = 0.25


@dataclass(frozen=True)
class Run:
    """What became of a run.

    Attributes:
        signal: that killed it, None if it ended by itself.
        outcomes: how many of each kind: applied, unchanged, skipped, failed.
        told: what it said of failures and skips, one text each.
        error: the error that ended it, in the product's words; empty if it went through.
        unexpected: type of an exception that is none of the product's, which would be a bug.
        left: what a plan made right afterwards, in a fresh world, would still change; None if none was made.
        output: every byte it wrote.
        generated: the values that it generated, stored or not.
    """

    signal: int | None
    outcomes: Counter[str]
    told: tuple[str, ...]
    error: str
    unexpected: str
    left: tuple[str, ...] | None
    output: bytes
    generated: tuple[str, ...] = field(repr=False)

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.signal == signal.SIGKILL

    @property
    def green(self) -> bool:
        """Whether it says that everything is done."""
        return self.signal is None and not (self.error or self.unexpected or self.told)


def _note(values_to: IO[bytes]) -> None:
    """Have every generated value noted, so that what a run wrote can be searched for those that were never stored."""

    def noted(stack: Stack) -> GeneratedPasswords:
        passwords = generate_passwords(stack)
        for ref in passwords.refs:
            if (password := passwords.get(ref)) is not None:
                values_to.write(password.get_secret_value().encode() + b"\n")
        return passwords

    applying.generate_passwords = noted  # type: ignore[attr-defined] # in this process alone


class Child:
    """A run under way.

    Args:
        ground: where.
        fault: armed by the child itself, on its own calls to come; it is killed by its own number.
        apply: apply the stack.
        plan: plan it, in a world of its own, after an apply that ended by itself.
        before: called in the child before anything else, for example to wait.

    Raises:
        RuntimeError: this process has several threads; `Solo` has one.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        fault: emulator.InjectedFault | None = None,
        apply: bool = True,
        plan: bool = False,
        before: Callable[[], object] = int,
    ) -> None:
        _require_one_thread()
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `wait`
        self._result: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the same
        self._generated: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - the same
        self.pid = os.fork()
        if not self.pid:
            _note(self._generated)
            _child(self._output, self._result, lambda: _work(ground, fault, apply=apply, plan=plan, before=before))

    def wait(self) -> Run:
        """Wait until it has ended.

        Raises:
            TimeoutError: it hangs; it is killed.
            RuntimeError: the harness itself failed in it.
        """
        status = self._ended()
        text, raw, values = (_whole(file) for file in (self._output, self._result, self._generated))
        generated = tuple(values.decode().splitlines())
        if os.WIFSIGNALED(status):
            return Run(os.WTERMSIG(status), Counter(), (), "", "", None, text, generated)
        if status:
            raise RuntimeError(text.decode(errors="replace"))
        told: dict[str, Any] = json.loads(raw)
        left = None if told["left"] is None else tuple(told["left"])
        counted = Counter(told["outcomes"])
        return Run(None, counted, tuple(told["told"]), told["error"], told["unexpected"], left, text, generated)

    def _ended(self) -> int:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
            time.sleep(0.005)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise TimeoutError(f"a run of {SECONDS} s was killed")


def _require_one_thread() -> None:
    # The kernel's count: xdist's thread is none of the module `threading`.
    threads = Path("/proc/self/task")
    if threads.is_dir() and len(list(threads.iterdir())) > 1:
        raise RuntimeError("a process of several threads must not fork")


def _whole(file: IO[bytes]) -> bytes:
    with file:
        file.seek(0)
        return file.read()


def run(ground: Ground, *, fault: emulator.InjectedFault | None = None, apply: bool = True, plan: bool = False) -> Run:
    """Apply the stack once, or only plan it, in a child, and wait."""
    return Child(ground, fault=fault, apply=apply, plan=plan).wait()


def _child(output: IO[bytes], result: IO[bytes], work: Callable[[], Any]) -> NoReturn:
    """The child's whole life. It never returns into the parent's code."""
    try:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        # By line: a kill loses what is still in a buffer.
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, force=True)
        result.write(json.dumps(work()).encode())
        result.flush()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - whatever it is, this process ends here
        traceback.print_exc()
        os._exit(1)


def _work(
    ground: Ground, fault: emulator.InjectedFault | None, *, apply: bool, plan: bool, before: Callable[[], object]
) -> dict[str, Any]:
    before()
    # How often and when to try again stays botocore's; only the waiting in between is left out.
    ExponentialBackoff.delay_amount = _no_delay  # type: ignore[assignment,method-assign] # here alone
    TokenBucket.acquire = _at_once  # type: ignore[assignment,method-assign] # here alone
    if fault is not None:
        emulator.arm(ground.aws, replace(fault, pid=os.getpid()) if fault.action.kills else fault)
    outcomes: list[Outcome] = []
    error = unexpected = ""
    desired = open_repository(ground.base_path)
    try:
        if apply:
            for stage in apply_stack(_stack(ground, desired, writing=True), progress=_tell).values():
                outcomes += stage
    except SecretsPipelineError as caught:
        error = caught.diagnostics()
        print(error, file=sys.stderr)  # noqa: T201 - what a command line would print
    except Exception as caught:  # noqa: BLE001 - a bug, to be reported by the parent
        unexpected = type(caught).__name__
        traceback.print_exc()
    told = rows(outcomes)
    return {
        "outcomes": Counter(row["outcome"] for row in told),
        "told": [_line(row) for row in told if row["outcome"] in {"failed", "skipped"}],
        "error": error,
        "unexpected": unexpected,
        "left": _left(ground, desired) if plan and not (error or unexpected) else None,
    }


def _no_delay(_self: ExponentialBackoff, context: object) -> float:
    return 0.0


def _at_once(_self: TokenBucket, **_: object) -> bool:
    return True


def _stack(ground: Ground, desired: OpenRepository, *, writing: bool) -> Stack:
    """The stack in a fresh run with short sleeps."""
    run = product.Run(desired.settings, sleep=lambda seconds: time.sleep(min(seconds, _LONGEST_SLEEP)))
    return desired.assemble(ground.sessions, writing=writing, run=run).stack(ground.stack)


def _left(ground: Ground, desired: OpenRepository) -> list[str]:
    # Only the shallow plan reads the notes of what was delivered, only the deep one what notes and marks speak of.
    plans = [plan_stack(_stack(ground, desired, writing=False), deep=deep) for deep in (True, False)]
    return [
        f"{change.action.value} {change.resource}: {change.reason}"
        for plan in plans
        for changes in plan.values()
        for change in changes
        if change.action.value != "none"
    ]


def _tell(outcome: Outcome) -> None:
    print(_line(row_of(outcome)))  # noqa: T201 - what a command line would print


def _line(row: dict[str, str]) -> str:
    return " ".join(row[name] for name in ("outcome", "action", "kind", "name", "detail"))
