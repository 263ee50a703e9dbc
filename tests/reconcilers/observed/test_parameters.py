"""What a stack publishes: the note that says whose it is comes first, and once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.outputs_document.published import publish

if TYPE_CHECKING:
    from tests.bench import Bench

WRITERS = 8


def test_the_note_is_written_once_though_threads_publish_at_once(bench: Bench) -> None:
    stack = bench.context(bench.spec(), repository="platform")
    parameters = stack.observed.parameters
    bench.reset_calls()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda number: publish(stack, f"{parameters.folder}/{number}", "{}"), range(WRITERS)))
    assert bench.calls("ssm")["PutParameter"] == WRITERS + 1
    assert parameters.published()[parameters.note] == parameters.holder() == stack.ownership.repository.id
