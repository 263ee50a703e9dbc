from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.references.order import break_cycles


def test_what_is_needed_comes_first_and_equals_keep_their_order() -> None:
    needs = {"url": ["password"], "password": [], "key": [], "config": ["key"]}
    assert break_cycles(list(needs), lambda item: needs[item]) == (["password", "url", "key", "config"], [])


def test_what_is_not_among_the_items_is_ignored() -> None:
    assert break_cycles(["a"], lambda _: ["elsewhere"]) == (["a"], [])


def test_a_cycle_begins_with_what_was_declared_first_in_it() -> None:
    needs = {"z": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}
    assert break_cycles(list(needs), lambda item: needs[item])[1] == [["a", "b", "c"]]


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=30))
def test_every_acyclic_graph_is_ordered(graph: list[list[int]]) -> None:
    needs = {index: [d for d in wanted if d < index] for index, wanted in enumerate(graph)}
    declared = sorted(needs, reverse=True)
    ordered, chains = break_cycles(declared, lambda item: needs[item])
    place = {item: index for index, item in enumerate(ordered)}
    assert not chains
    assert sorted(ordered) == sorted(needs)
    assert all(place[d] < place[item] for item in needs for d in needs[item])


def test_what_is_in_a_cycle_is_told_and_the_others_are_ordered() -> None:
    needs = {"url": ["a"], "a": ["b"], "b": ["a"], "key": ["seed"], "seed": [], "own": ["own"]}
    ordered, chains = break_cycles(list(needs), lambda item: needs[item])
    assert chains == [["a", "b"], ["own"]]
    assert sorted(ordered) == sorted(needs)
    assert ordered.index("seed") < ordered.index("key")
    assert ordered.index("a") < ordered.index("url")


@given(st.lists(st.lists(st.integers(0, 12), max_size=3), min_size=1, max_size=12))
def test_every_graph_is_ordered_once_its_cycles_are_told(graph: list[list[int]]) -> None:
    needs = {index: [d % len(graph) for d in wanted] for index, wanted in enumerate(graph)}
    ordered, chains = break_cycles(list(needs), lambda item: needs[item])
    circular = {item for chain in chains for item in chain}
    place = {item: index for index, item in enumerate(ordered)}
    assert sorted(ordered) == sorted(needs)
    for chain in chains:
        assert all(after in needs[before] for before, after in pairwise([*chain, chain[0]]))
    for item in set(needs) - circular:
        assert all(place[d] < place[item] for d in needs[item])
