"""The simulation can fail: each rule of the product, broken on purpose, is caught."""

from __future__ import annotations

import pytest

from . import simulation
from .broken_rules import BROKEN

CAUGHT = {
    "commit_mark_first": range(8),
    "no_take": range(182, 186),
    "no_last_look": range(4432, 4436),
    "random_tokens": range(44, 48),
    "no_compare_and_swap": range(84, 92),
    "no_version_named": range(8),
    "list_is_trusted": range(112, 120),
    "password_set_in_spite_of_rotation": range(8),
    "marks_are_not_verified": range(4),
    "a_value_is_told": range(4),
}
"""Seeds to look through; `benchmarks/simulation.py --broken all --seeds 5000` finds them."""


def test_every_broken_rule_is_looked_for() -> None:
    assert set(BROKEN) == set(CAUGHT)


@pytest.mark.parametrize("name", CAUGHT)
def test_a_broken_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        BROKEN[name](patch)
        caught = next((seed for seed in CAUGHT[name] if simulation.run(seed).violations), None)
    assert caught is not None
    assert simulation.run(caught).violations == ()
