from __future__ import annotations

import copy
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import AppendList
from secrets_pipeline.stacks.merge import ListStrategy, Section, associates, merge_all, merge_maps
from tests.strategies.values import list_strategies, maps, maps_of_one_shape, small_maps

sections = maps | small_maps


@given(sections, sections, list_strategies)
def test_merging_changes_neither_input(earlier: Section, later: Section, lists: ListStrategy) -> None:
    before = copy.deepcopy((earlier, later))
    merge_maps(earlier, later, lists)
    assert (earlier, later) == before


@given(st.lists(sections, min_size=2, max_size=4), list_strategies)
def test_a_later_merge_changes_no_earlier_result(layers: list[Section], lists: ListStrategy) -> None:
    results = [merge_all(layers[:length], lists) for length in range(1, len(layers) + 1)]
    results += [merge_maps(one, other, lists) for one in layers for other in layers]
    before = copy.deepcopy((layers, results))
    for result in tuple(results):
        for layer in layers:
            merge_maps(merge_maps(layer, result, lists), layer, lists)
    assert (layers, results) == before


@given(sections, list_strategies)
def test_an_empty_mapping_is_the_identity_on_both_sides(section: Section, lists: ListStrategy) -> None:
    assert merge_maps(section, {}, lists) == section == merge_maps({}, section, lists)


@given(maps)
def test_merging_a_section_with_itself_gives_it_when_lists_are_replaced(section: Section) -> None:
    assert merge_maps(section, section) == section


@given(maps)
def test_merging_a_section_with_itself_gives_it_when_lists_merge_by_index(section: Section) -> None:
    assert merge_maps(section, section, ListStrategy.MERGE) == section


@given(maps, maps)
def test_merging_a_second_time_changes_nothing_when_lists_are_replaced(earlier: Section, later: Section) -> None:
    once = merge_maps(earlier, later)
    assert merge_maps(once, later) == once


def test_merging_a_second_time_appends_again() -> None:
    once = merge_maps({"a": [1]}, {"a": [2]}, ListStrategy.APPEND)
    assert merge_maps(once, {"a": [2]}, ListStrategy.APPEND) == {"a": [1, 2, 2]}


@given(sections, sections, list_strategies)
def test_every_key_of_both_sides_survives(earlier: Section, later: Section, lists: ListStrategy) -> None:
    assert set(merge_maps(earlier, later, lists)) == {*earlier, *later}


@given(sections, sections, list_strategies)
def test_the_later_side_wins_wherever_nothing_can_be_merged(
    earlier: Section, later: Section, lists: ListStrategy
) -> None:
    merged = merge_maps(earlier, later, lists)
    for key, value in later.items():
        before = earlier.get(key)
        if not (isinstance(value, dict | list) and isinstance(before, type(value) | list)):
            assert merged[key] == value
        elif isinstance(value, dict) and isinstance(before, dict):
            assert merged[key] == merge_maps(before, value, lists)


@given(sections, sections, list_strategies, st.randoms(use_true_random=False))
def test_the_order_of_keys_makes_no_difference(
    earlier: Section,
    later: Section,
    lists: ListStrategy,
    random: Random,
) -> None:
    shuffled = merge_maps(reordered(earlier, random), reordered(later, random), lists)
    assert shuffled == merge_maps(earlier, later, lists)


def reordered(value: Value, random: Random) -> Value:
    """A copy with the keys of all mappings in another order."""
    if isinstance(value, dict):
        items = [(key, reordered(inner, random)) for key, inner in value.items()]
        random.shuffle(items)
        return dict(items)
    return type(value)(reordered(inner, random) for inner in value) if isinstance(value, list) else value


@given(maps_of_one_shape, maps_of_one_shape, maps_of_one_shape, list_strategies)
def test_merging_is_associative_where_types_agree(a: Section, b: Section, c: Section, lists: ListStrategy) -> None:
    assert merge_maps(merge_maps(a, b, lists), c, lists) == merge_maps(a, merge_maps(b, c, lists), lists)


lists_at_keys = st.dictionaries(st.sampled_from("ab"), st.lists(st.integers(0, 3), max_size=3), max_size=2)


@given(lists_at_keys, lists_at_keys, lists_at_keys, st.sampled_from([ListStrategy.REPLACE, ListStrategy.APPEND]))
def test_replacing_and_appending_lists_is_associative(a: Section, b: Section, c: Section, lists: ListStrategy) -> None:
    assert merge_maps(merge_maps(a, b, lists), c, lists) == merge_maps(a, merge_maps(b, c, lists), lists)


@pytest.mark.parametrize(
    ("a", "b", "c", "lists"),
    [
        ({"x": 1}, 2, {"y": 3}, ListStrategy.REPLACE),
        ([1], 2, [3], ListStrategy.APPEND),
        ([1], 2, AppendList([3]), ListStrategy.REPLACE),
        ([{"x": 1}], [2], [{"y": 3}], ListStrategy.MERGE),
    ],
)
def test_merging_is_not_associative_where_one_type_breaks_off_another(
    a: Value, b: Value, c: Value, lists: ListStrategy
) -> None:
    one = merge_maps(merge_maps({"k": a}, {"k": b}, lists), {"k": c}, lists)
    assert one != merge_maps({"k": a}, merge_maps({"k": b}, {"k": c}, lists), lists)
    assert not associates({"k": b}, {"k": c}, lists)


@given(sections, sections, sections, list_strategies)
def test_where_a_merge_associates_its_order_makes_no_difference(
    below: Section, earlier: Section, later: Section, lists: ListStrategy
) -> None:
    assume(associates(earlier, later, lists))
    one = merge_maps(merge_maps(below, earlier, lists), later, lists)
    assert one == merge_maps(below, merge_maps(earlier, later, lists), lists)
