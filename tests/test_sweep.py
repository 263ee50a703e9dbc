from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sweep


@given(st.sets(st.integers(), max_size=30), st.integers(0, 10_000))
def test_a_week_meets_every_item_and_each_day_a_seventh_but_at_least_one(items: set[int], day: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "WHOLE", False)
        met = set()
        for seed in range(day, day + sweep.DAYS):
            patch.setattr(sweep, "SEED", seed)
            turn = sweep.turn(list(items))
            assert len(turn) in {max(1, len(items) // sweep.DAYS), math.ceil(len(items) / sweep.DAYS)}
            met.update(turn)
        assert met == items


def test_a_week_meets_every_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "WHOLE", False)
    met: list[int] = []
    for seed in range(sweep.DAYS):
        monkeypatch.setattr(sweep, "SEED", seed)
        met += itertools.takewhile(lambda boundary: boundary < 20, sweep.boundaries())
    assert sorted(met) == list(range(20))


def test_a_whole_sweep_takes_all_of_it_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "WHOLE", True)
    assert sweep.turn("abcdefg") == list("abcdefg")
    assert sweep.size(1, 3) == 3
