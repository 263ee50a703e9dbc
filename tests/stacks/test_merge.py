from __future__ import annotations

import copy

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.markers import AppendList, Value
from secrets_pipeline.stacks.merge import ListStrategy, associates, merge, merge_all, merge_maps

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
keys = st.sampled_from("abc")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
maps = st.dictionaries(keys, values, max_size=3)
strategies = st.sampled_from(ListStrategy)


@given(maps, maps, strategies)
def test_merging_changes_neither_input(earlier: dict[str, Value], later: dict[str, Value], lists: ListStrategy) -> None:
    before = copy.deepcopy((earlier, later))
    merge_maps(earlier, later, lists)
    assert (earlier, later) == before


@given(maps, maps, maps, strategies)
def test_where_a_merge_associates_its_order_makes_no_difference(
    below: dict[str, Value], earlier: dict[str, Value], later: dict[str, Value], lists: ListStrategy
) -> None:
    assume(associates(earlier, later, lists))
    one = merge_maps(merge_maps(below, earlier, lists), later, lists)
    assert one == merge_maps(below, merge_maps(earlier, later, lists), lists)


@pytest.mark.parametrize(
    ("earlier", "later", "lists"),
    [
        ({"a": 1}, {"a": {"x": 1}}, ListStrategy.REPLACE),
        ({"a": {"b": None}}, {"a": {"b": {"x": 1}}}, ListStrategy.REPLACE),
        ({"a": 1}, {"a": [1]}, ListStrategy.APPEND),
        ({"a": 1}, {"a": AppendList([1])}, ListStrategy.REPLACE),
        ({"a": [1]}, {"b": [1]}, ListStrategy.MERGE),
    ],
)
def test_what_breaks_off_what_is_below_does_not_associate(
    earlier: dict[str, Value], later: dict[str, Value], lists: ListStrategy
) -> None:
    assert not associates(earlier, later, lists)


@given(maps, strategies)
def test_an_empty_mapping_is_the_identity_on_both_sides(section: dict[str, Value], lists: ListStrategy) -> None:
    assert merge_maps(section, {}, lists) == section == merge_maps({}, section, lists)


@given(maps)
def test_merging_a_section_with_itself_gives_it_when_lists_are_replaced(section: dict[str, Value]) -> None:
    assert merge_maps(section, section) == section


@given(maps, maps)
def test_every_key_of_both_sides_survives(earlier: dict[str, Value], later: dict[str, Value]) -> None:
    assert set(merge_maps(earlier, later)) == {*earlier, *later}


@given(maps, maps)
def test_what_the_later_side_says_holds(earlier: dict[str, Value], later: dict[str, Value]) -> None:
    merged = merge_maps(earlier, later)
    for key, value in later.items():
        if not isinstance(value, dict):
            assert merged[key] == value


tame = st.dictionaries(keys, st.dictionaries(keys, st.integers(), max_size=3), max_size=3)


@given(tame, tame, tame)
def test_merging_is_associative_where_types_agree(
    a: dict[str, Value], b: dict[str, Value], c: dict[str, Value]
) -> None:
    assert merge_maps(merge_maps(a, b), c) == merge_maps(a, merge_maps(b, c))


@pytest.mark.parametrize("later", [None, {}, [], "text", 0])
def test_a_later_value_of_another_type_replaces(later: Value) -> None:
    assert merge({"k": {"a": 1}}, {"k": later})["k"] == (later if later != {} else {"a": 1})


def test_a_later_mapping_replaces_a_scalar() -> None:
    assert merge({"k": 1}, {"k": {"a": 1}}) == {"k": {"a": 1}}


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (ListStrategy.REPLACE, [9, {"b": 2}]),
        (ListStrategy.APPEND, [1, {"a": 1}, 3, 9, {"b": 2}]),
        (ListStrategy.MERGE, [1, {"a": 1, "b": 2}, 3]),
    ],
)
def test_lists_follow_the_strategy(lists: ListStrategy, expected: list[Value]) -> None:
    assert merge([1, {"a": 1}, 3], [9, {"b": 2}], lists) == expected


def test_a_longer_later_list_extends_when_lists_are_merged() -> None:
    assert merge([1], [2, 3], ListStrategy.MERGE) == [1, 3]


@pytest.mark.parametrize("lists", ListStrategy)
def test_append_extends_whatever_the_strategy(lists: ListStrategy) -> None:
    assert merge([1], AppendList([2]), lists) == [1, 2]


def test_append_after_append_still_extends_what_comes_below() -> None:
    both = merge(AppendList([2]), AppendList([3]))
    assert merge([1], both) == [1, 2, 3]


def test_the_last_of_several_sections_wins() -> None:
    assert merge_all([{"a": 1, "b": 1}, {"a": 2}, {"a": 3}]) == {"a": 3, "b": 1}


def test_an_unknown_list_strategy_is_refused() -> None:
    with pytest.raises(StackError, match="invalid Atmos manifests list_merge_strategy 'union'"):
        ListStrategy.parse("union")
