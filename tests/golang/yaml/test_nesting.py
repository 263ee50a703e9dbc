from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.nesting import MAX_DEPTH, NestingError, require_depth
from secrets_pipeline.golang.yaml.reader import load
from secrets_pipeline.stacks.functions.functions import construct


def read(text: str) -> Value:
    return load(text, "stacks/a.yaml", construct)


def nested(depth: int) -> list[str]:
    """Ways to write a value inside of so many mappings and lists."""
    return [
        "[" * depth + "]" * depth,
        "{a: " * depth + "1" + "}" * depth,
        "- " * depth + "1",
        "\n".join(f"{' ' * level}a:" for level in range(depth)),
        "x: &a 1\ny: &a\n  " + "[" * (depth - 1) + "]" * (depth - 1),  # an anchor twice: not libyaml's composer
        "x: &a " + "[" * (depth // 2) + "]" * (depth // 2) + "\ny: " + "[" * (depth - depth // 2 - 1) + "*a"
        + "]" * (depth - depth // 2 - 1),
    ]  # fmt: skip


@pytest.mark.parametrize("text", nested(MAX_DEPTH))
def test_two_hundred_levels_are_read(text: str) -> None:
    assert read(text) is not None


@pytest.mark.parametrize("text", [*nested(MAX_DEPTH + 1), *nested(990), "x: &a [*a]"])
def test_more_are_refused_with_a_place(text: str) -> None:
    with pytest.raises(StackError, match="nested too deeply: more than 200 mappings and lists") as raised:
        read(text)
    assert raised.value.where is not None
    assert raised.value.where.line is not None


@given(st.recursive(st.none(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=1), inner)))
def test_a_value_is_refused_exactly_if_it_is_deeper_than_the_limit(value: Value) -> None:
    depth = depth_of(value)
    require_depth([[value]], most=depth + 2)
    require_depth(value, above=3, most=depth + 3)
    if depth:
        with pytest.raises(NestingError, match=f"more than {depth + 2} "):
            require_depth(value, above=3, most=depth + 2)


def depth_of(value: Value) -> int:
    inner = value.values() if isinstance(value, dict) else value or []
    return 0 if value is None else 1 + max(map(depth_of, inner), default=0)


def test_what_is_shared_is_measured_once() -> None:
    value: list[Value] = []
    for _ in range(100):
        value = [value, value]
    require_depth(value)
