"""The simulation can fail: each rule of the product, broken on purpose, is caught."""

from __future__ import annotations

import pytest

from tests.simulation.broken_rules import BROKEN
from tests.simulation.reach import NOBODY, Reach
from tests.simulation.simulation import run

CAUGHT = {
    "commit_mark_first": 5,
    "tags_of_others_are_ours": 11,
    "no_version_named": 0,
    "marks_are_not_verified": 3,
    "a_value_is_told": 0,
    "finished_before_it_is_set": 10,
    "rotation_in_progress_is_cancelled": 185,
    "message_is_deleted_at_once": 148,
    "duplicate_is_not_known": 28,
    "any_run_of_the_stack_covers": 17,
    "every_version_is_ours": 20,
    "replicas_are_not_looked_at": 0,
    "added_region_is_forgotten": 0,
}
"""Seeds that notice; `benchmarks/simulation.py --broken all` finds them."""

CAUGHT_ALONE = {
    "no_take": 631,
    "random_tokens": 2,
    "no_compare_and_swap": 72,
    "list_is_trusted": 142,
    "password_set_in_spite_of_rotation": 31,
}
"""The same where applies, humans and AWS's rotations act alone: `--alone`, up to seed 5,000."""

FOLLOWED = Reach(managed=False, events=True, replicas=False, consumers=True)
CAUGHT_BY_CONSUMERS = {"rollout_is_not_followed": 115}
"""The same where consumers and events take part, which few seeds draw together."""

ALL = [
    *((name, seed, None) for name, seed in CAUGHT.items()),
    *((name, seed, FOLLOWED) for name, seed in CAUGHT_BY_CONSUMERS.items()),
    *((name, seed, NOBODY) for name, seed in CAUGHT_ALONE.items()),
]


def test_every_broken_rule_is_looked_for() -> None:
    assert set(BROKEN) == set(CAUGHT) | set(CAUGHT_ALONE) | set(CAUGHT_BY_CONSUMERS)


@pytest.mark.parametrize(("name", "seed", "reach"), ALL)
def test_a_broken_rule_is_caught_by_a_seed_that_is_clean_without(
    name: str, seed: int, reach: Reach | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        BROKEN[name](patch)
        assert run(seed, reach).violations
    assert run(seed, reach).violations == ()
