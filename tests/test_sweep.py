from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import sweep


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7), st.integers(0, 10_000))
def test_as_many_days_as_there_are_turns_meet_every_item_once(items: list[int], of: int, day: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "WHOLE", False)
        met = []
        for seed in range(day, day + of):
            patch.setattr(sweep, "SEED", seed)
            met += sweep.turn(items, of)
        assert sorted(met) == sorted(items)


def test_a_whole_sweep_takes_all_of_it_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "WHOLE", True)
    assert sweep.turn("abcdefg", 3) == list("abcdefg")
    assert sweep.size(1, 3) == 3


@pytest.mark.parametrize("of", [0, 8])
def test_a_week_has_to_suffice(of: int) -> None:
    with pytest.raises(ValueError, match="1 to 7 turns"):
        sweep.turn([1, 2, 3], of)
