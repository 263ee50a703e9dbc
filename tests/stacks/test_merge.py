from __future__ import annotations

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import AppendList
from secrets_pipeline.stacks.merge import ListStrategy, associates, merge_all, merge_maps


def merged_lists(earlier: list[Value], later: list[Value], lists: ListStrategy = ListStrategy.REPLACE) -> Value:
    return merge_maps({"k": earlier}, {"k": later}, lists)["k"]


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


@pytest.mark.parametrize("later", [None, {}, [], "text", 0])
def test_a_later_value_of_another_type_replaces(later: Value) -> None:
    assert merge_maps({"k": {"a": 1}}, {"k": later})["k"] == (later if later != {} else {"a": 1})


def test_a_later_mapping_replaces_a_scalar() -> None:
    assert merge_maps({"k": 1}, {"k": {"a": 1}}) == {"k": {"a": 1}}


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (ListStrategy.REPLACE, [9, {"b": 2}]),
        (ListStrategy.APPEND, [1, {"a": 1}, 3, 9, {"b": 2}]),
        (ListStrategy.MERGE, [1, {"a": 1, "b": 2}, 3]),
    ],
)
def test_lists_follow_the_strategy(lists: ListStrategy, expected: list[Value]) -> None:
    assert merged_lists([1, {"a": 1}, 3], [9, {"b": 2}], lists) == expected


def test_a_longer_later_list_extends_when_lists_are_merged() -> None:
    assert merged_lists([1], [2, 3], ListStrategy.MERGE) == [1, 3]


@pytest.mark.parametrize("lists", ListStrategy)
def test_append_extends_whatever_the_strategy(lists: ListStrategy) -> None:
    assert merged_lists([1], AppendList([2]), lists) == [1, 2]


def test_append_after_append_still_extends_what_comes_below() -> None:
    both = merged_lists(AppendList([2]), AppendList([3]))
    assert isinstance(both, list)
    assert merged_lists([1], both) == [1, 2, 3]


def test_the_last_of_several_sections_wins() -> None:
    assert merge_all([{"a": 1, "b": 1}, {"a": 2}, {"a": 3}]) == {"a": 3, "b": 1}


def test_an_unknown_list_strategy_is_refused() -> None:
    with pytest.raises(StackError, match="invalid Atmos manifests list_merge_strategy 'union'"):
        ListStrategy.parse("union")


def test_a_list_that_is_appended_to_without_end_is_refused() -> None:
    items: list[Value] = [0] * 600_000
    with pytest.raises(StackError, match="a list grows longer than 1000000 items"):
        merged_lists(items, items, ListStrategy.APPEND)
