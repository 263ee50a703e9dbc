"""A function at the end of what it takes its time for, as threads see it that look at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from secrets_pipeline.emulator.control.delays import UPDATING
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.services.lambda_.function import Function, Phase

ROUNDS, THREADS = 300, 4


@pytest.fixture(autouse=True)
def slow() -> Iterator[None]:
    """Updates take a hundred seconds, and threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    PACE.put({"seconds": {UPDATING.name: 100}})
    yield
    sys.setswitchinterval(interval)
    CLOCK.real()
    PACE.delete()


def test_all_who_look_at_once_when_an_update_ends_see_one_revision_and_no_update() -> None:
    spec = {"FunctionName": "f", "Code": {}, "Role": "arn:aws:iam::111122223333:role/f", "Handler": "a.b"}
    function = Function("111122223333", spec, "eu-west-2")  # type: ignore[abstract] # so is moto's own LambdaFunction
    together = Barrier(THREADS)

    def look(_thread: int) -> tuple[str, Phase | None]:
        together.wait()
        return function.revision_id, function.busy

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            function.begin(Phase(UPDATING))
            assert function.busy is not None
            CLOCK.move_to(CLOCK.now() + 101)
            [(_, busy)] = set(pool.map(look, range(THREADS)))
            assert busy is None
