from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import CollectedErrors, ExpressionError
from secrets_pipeline.references.order import break_cycles, topological_order


def test_what_is_needed_comes_first_and_equals_keep_their_order() -> None:
    needs = {"url": ["password"], "password": [], "key": [], "config": ["key"]}
    assert topological_order(list(needs), lambda item: needs[item]) == ["password", "url", "key", "config"]


def test_what_is_not_among_the_items_is_ignored() -> None:
    assert topological_order(["a"], lambda _: ["elsewhere"]) == ["a"]


def test_a_cycle_is_named_in_full() -> None:
    needs = {"z": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}
    with pytest.raises(ExpressionError, match="circular reference: a → b → c → a"):
        topological_order(list(needs), lambda item: needs[item])


def test_an_item_that_needs_itself_is_a_cycle() -> None:
    with pytest.raises(ExpressionError, match="secret a → secret a"):
        topological_order(["a"], lambda item: [item], lambda item: f"secret {item}")


def test_two_cycles_are_reported_at_once() -> None:
    needs = {"a": ["b"], "b": ["a"], "c": ["c"]}
    with pytest.raises(CollectedErrors) as caught:
        topological_order(list(needs), lambda item: needs[item])
    assert "a → b → a" in str(caught.value)
    assert "c → c" in str(caught.value)


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=30))
def test_every_acyclic_graph_is_ordered(graph: list[list[int]]) -> None:
    needs = {index: [d for d in wanted if d < index] for index, wanted in enumerate(graph)}
    declared = sorted(needs, reverse=True)
    ordered = topological_order(declared, lambda item: needs[item])
    place = {item: index for index, item in enumerate(ordered)}
    assert sorted(ordered) == sorted(needs)
    assert all(place[d] < place[item] for item in needs for d in needs[item])


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), min_size=1, max_size=12))
def test_every_reported_chain_is_a_real_cycle(graph: list[list[int]]) -> None:
    needs = {index: [d % len(graph) for d in wanted] for index, wanted in enumerate(graph)}
    with pytest.raises((ExpressionError, CollectedErrors)) as caught:
        topological_order(list(needs), lambda item: needs[item])
    errors = caught.value.errors if isinstance(caught.value, CollectedErrors) else (caught.value,)
    for error in errors:
        chain = [int(step) for step in error.message.removeprefix("circular reference: ").split(" → ")]
        assert chain[0] == chain[-1]
        assert all(after in needs[before] for before, after in pairwise(chain))


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
