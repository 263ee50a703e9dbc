"""Values that are read once: by one thread, until they are forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event

import pytest

from secrets_pipeline.reconcilers.observed.cached import Cached

_WAIT = 5.0


def test_a_value_is_read_once_for_each_key() -> None:
    cached: Cached[str, str] = Cached()
    read: list[str] = []

    def upper(key: str) -> str:
        read.append(key)
        return key.upper()

    assert [cached.get(key, partial(upper, key)) for key in "abab"] == list("ABAB")
    assert read == ["a", "b"]


def test_nothing_at_all_is_kept_too() -> None:
    cached: Cached[str, None] = Cached()
    read: list[str] = []
    for _ in range(2):
        cached.get("a", lambda: read.append("a"))
    assert read == ["a"]


def test_what_was_forgotten_or_is_refreshed_is_read_again() -> None:
    cached: Cached[str, int] = Cached()
    assert cached.get("a", lambda: 1) == 1
    cached.forget("a")
    assert cached.get("a", lambda: 2) == 2
    assert cached.refresh("a", lambda: 3) == 3
    assert cached.get("a", lambda: 4) == 3


def test_what_this_run_wrote_is_not_read() -> None:
    cached: Cached[str, int] = Cached()
    cached.get("a", lambda: 1)
    cached.learn("a", 2)
    assert cached.get("a", lambda: 3) == 2


def test_what_could_not_be_read_is_tried_again() -> None:
    cached: Cached[str, int] = Cached()
    with pytest.raises(ZeroDivisionError):
        cached.get("a", lambda: 1 // 0)
    assert cached.get("a", lambda: 1) == 1


def test_threads_that_ask_for_the_same_wait_for_one_read() -> None:
    cached: Cached[str, int] = Cached()
    together = Barrier(4)
    read: list[str] = []

    def ask() -> int:
        together.wait(_WAIT)
        return cached.get("a", count)

    def count() -> int:
        read.append("a")
        return len(read)

    with ThreadPoolExecutor(4) as pool:
        answers = [one.result(_WAIT) for one in [pool.submit(ask) for _ in range(4)]]
    assert (answers, read) == ([1] * 4, ["a"])


def test_a_slow_read_holds_up_nobody_who_asks_for_something_else() -> None:
    cached: Cached[str, bool] = Cached()
    others_done = Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cached.get, "slow", lambda: others_done.wait(_WAIT))
        assert not cached.get("other", lambda: False)
        others_done.set()
        assert slow.result(_WAIT)


def test_what_is_forgotten_while_it_is_read_does_not_come_back() -> None:
    cached: Cached[str, str] = Cached()
    reading, written = Event(), Event()

    def old() -> str:
        reading.set()
        assert written.wait(_WAIT)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(cached.get, "a", old)
        assert reading.wait(_WAIT)
        cached.forget("a")
        assert cached.get("a", lambda: "new") == "new"
        written.set()
        assert early.result(_WAIT) == "old"
    assert cached.get("a", lambda: "newest") == "new"
