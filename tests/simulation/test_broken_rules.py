"""The simulation can fail: each rule of the product, broken on purpose, is caught."""

from __future__ import annotations

import pytest

from . import simulation
from .broken_rules import BROKEN

CAUGHT = {name: range(0) for name in BROKEN}
"""Seeds to look through; `benchmarks/simulation.py --broken all` searches the first 1,000."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        BROKEN[name](patch)
        caught = next((seed for seed in CAUGHT[name] if simulation.run(seed).violations), None)
    assert caught is not None
    assert simulation.run(caught).violations == ()
