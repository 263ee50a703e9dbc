"""Apply examples/ to an empty account of an embedded AWS that takes its time, on a clock that only waiting moves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.engine.model import Failed, Outcome, Skipped
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.run import Run
from tests.applying import apply_stack
from tests.embedded import lead_to
from tests.moved_time import MovedTime

EXAMPLES = Path(__file__).parents[1] / "examples"
_AGO = 3600.0
"""What Terraform made has been there for so long, so that it is visible everywhere."""


@dataclass(frozen=True)
class SlowAccount:
    """An empty account but for what Terraform would have made, and the repository whose runs go by its clock.

    Attributes:
        aws: the embedded AWS.
        time: its clock.
        desired: the repository.
    """

    aws: emulator.LocalAws
    time: MovedTime
    desired: OpenRepository


@contextmanager
def slow_account(aws: emulator.LocalAws, pace: emulator.Pace) -> Iterator[SlowAccount]:
    """Empty an embedded AWS, lead this process to it, and let it take its time until the block ends."""
    emulator.settle(aws)
    emulator.reset_conditions(aws)
    emulator.empty(aws)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as at_last:
        at_last.callback(emulator.reset_conditions, aws)
        at_last.callback(emulator.settle, aws)
        settings = {"SECRETS_PIPELINE_CONFIG": str(EXAMPLES / "operator.yaml"), "ATMOS_BASE_PATH": str(EXAMPLES)}
        lead_to(aws, patch, **settings)
        desired = open_repository(EXAMPLES)
        emulator.stand_in(aws, stand_ins(desired.specs))
        moved = MovedTime(aws)
        moved.sleep(_AGO)
        emulator.set_pace(aws, pace)
        emulator.reset_calls(aws)
        make_run = partial(Run, clock=moved.clock, sleep=moved.sleep, now=moved.now)
        yield SlowAccount(aws, moved, replace(desired, make_run=make_run))


@dataclass(frozen=True)
class Applied:
    """What became of one apply of every stack.

    Attributes:
        open: stack, stage, name and why, of whatever failed or was left to a later run.
        virtual: seconds of AWS's clock.
        real: seconds.
        calls: AWS's, counted at the server.
    """

    open: tuple[str, ...]
    virtual: float
    real: float
    calls: int


def apply_once(account: SlowAccount, *, wait: float) -> Applied:
    """Apply every stack once, without Dagster."""
    began, started = account.time.clock(), time.monotonic()
    found: list[str] = []
    for stack in account.desired.specs:
        options = ApplyOptions(wait_seconds=wait)
        made = account.desired.assemble(options=options, writing=True).stack(stack)
        found += [f"{stack} {one}" for one in _open(apply_stack(made))]
    calls = sum(one.count for one in emulator.calls(account.aws))
    return Applied(tuple(found), account.time.clock() - began, time.monotonic() - started, calls)


def _open(done: Mapping[str, tuple[Outcome, ...]]) -> Iterator[str]:
    for stage, outcomes in done.items():
        for one in outcomes:
            if isinstance(one, Failed):
                yield f"{stage} {one.change.resource.name}: {one.error.diagnostics()}"
            elif isinstance(one, Skipped):
                yield f"{stage} {one.change.resource.name} skipped: {one.reason}"
