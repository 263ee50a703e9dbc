from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.stacks.deferred import Deferred, NotAMapping, merge_layers
from secrets_pipeline.stacks.markers import FunctionCall, Value
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all

from .conftest import Only, Open

REPLACE, APPEND, MERGE = ListStrategy.REPLACE, ListStrategy.APPEND, ListStrategy.MERGE
OUTPUT = FunctionCall("!terraform.output", "vpc id")


def settled(layers: list[Section], lists: ListStrategy = REPLACE, given: Value = OUTPUT) -> Value:
    """What `v` is when the function `OUTPUT` gives `given`."""
    value = merge_layers(layers, lists)["v"]
    if isinstance(value, Deferred):
        return value.settled(lambda inner: given if inner == OUTPUT else inner)
    return given if value == OUTPUT else value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([OUTPUT, {"a": 1}], {"x": 0, "a": 1}),
        ([{"a": 1}, OUTPUT], {"a": 1, "x": 0}),
        ([{"x": 1}, OUTPUT, {"x": 2}], {"x": 2}),
        ([OUTPUT, "text"], "text"),
        (["text", OUTPUT], {"x": 0}),
        ([OUTPUT, None], {"x": 0}),
    ],
)
def test_the_mapping_that_a_function_gives_merges_with_those_of_other_layers(
    values: list[Value], expected: Value
) -> None:
    assert settled([{"v": value} for value in values], given={"x": 0}) == expected


@pytest.mark.parametrize(
    ("lists", "expected"),
    [(REPLACE, [1, 2]), (APPEND, [0, 1, 2, 3]), (MERGE, [3, 2])],
)
def test_the_list_that_a_function_gives_follows_the_strategy(lists: ListStrategy, expected: list[int]) -> None:
    layers: list[Section] = [{"v": [0]}, {"v": OUTPUT}]
    if lists is not REPLACE:
        layers.append({"v": [3]})
    assert settled(layers, lists, given=[1, 2]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([OUTPUT, {"a": 1}, {"b": 2}], {"b": 2}),
        ([{"a": 1}, OUTPUT, {"b": 2}], OUTPUT),
        ([{"a": 1}, OUTPUT], OUTPUT),
        ([[1], OUTPUT], OUTPUT),
    ],
)
def test_a_function_without_a_value_is_a_text_like_any_other(values: list[Value], expected: Value) -> None:
    assert settled([{"v": value} for value in values]) == expected


def test_what_is_beside_a_function_merges_as_ever() -> None:
    merged = merge_layers([{"m": {"a": 1, "f": OUTPUT}}, {"m": {"b": {"c": 2}}}, {"m": {"b": {"d": 3}}}], REPLACE)
    assert merged == {"m": {"a": 1, "f": OUTPUT, "b": {"c": 2, "d": 3}}}


def test_replacing_a_mapping_that_has_a_function_in_it_is_refused() -> None:
    with pytest.raises(NotAMapping, match=r"cannot navigate path: v.m is not a map .* the function of v.m.f"):
        merge_layers([{"v": {"m": {"f": OUTPUT}}}, {"v": {"m": "text"}}], REPLACE)


sections = st.recursive(
    st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, None, "x", [1]]), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@given(st.lists(sections, max_size=4), st.sampled_from(ListStrategy))
def test_layers_without_functions_merge_plainly(layers: list[Section], lists: ListStrategy) -> None:
    assert merge_layers(layers, lists) == merge_all(layers, lists)


def test_a_component_merges_what_its_function_gives_over_its_base(only: Only) -> None:
    app = only(
        """
        vars: {tags: {org: acme}}
        components:
          terraform:
            base: {vars: {tags: !template '{"team": "core", "org": "x"}', kept: !terraform.output vpc id}}
            app: {metadata: {inherits: [base]}, vars: {tags: {app: a}, kept: null}}
        """
    )
    assert app.vars == {"tags": {"org": "x", "team": "core", "app": "a"}, "kept": "!terraform.output vpc id"}


def test_the_error_names_component_and_key(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            base: {vars: {m: {f: !terraform.output vpc id}}}
            app:
              metadata: {inherits: [base]}
              vars:
                m: text
    """
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert error.where is not None
    assert (error.where.component, error.where.key, error.where.line) == ("app", "vars.m", 8)
