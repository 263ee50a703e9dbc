"""Whose turn it is in a tick that may not come to everybody."""

from __future__ import annotations

from secrets_pipeline.orchestration.shared.round_robin import in_turn


def test_everybody_comes_once_and_each_is_first_in_some_tick() -> None:
    stacks = ["a", "b", "c"]
    orders = [in_turn(stacks, tick) for tick in range(7)]
    assert all(sorted(order) == stacks for order in orders)
    assert [order[0] for order in orders] == ["a", "b", "c", "a", "b", "c", "a"]
    assert in_turn([], 5) == []
