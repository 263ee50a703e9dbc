"""Runs fork where no other thread is."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from tests.faults.child import Run, run
from tests.faults.ground import Ground
from tests.faults.solo import Solo

STACK = "infra-shared"


def beside_a_thread(ground: Ground) -> Run:
    """A run while another thread waits."""
    over = Event()
    other = Thread(target=over.wait)
    other.start()
    try:
        return run(ground, apply=False)
    finally:
        over.set()
        other.join()


def test_a_run_is_refused_where_another_thread_is_and_the_test_is_told(solo: Solo) -> None:
    with pytest.raises(RuntimeError, match=r"test_solo\.py(.|\n)*a process of several threads must not fork"):
        solo(beside_a_thread, STACK)
    # The process serves on.
    assert solo(run, STACK, apply=False).green
