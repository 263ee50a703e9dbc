from __future__ import annotations

from collections.abc import Mapping
from functools import partial, wraps
from typing import Any

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.signature import ParameterKind, Signature, signature_of
from secrets_pipeline.golang.template.template import render
from secrets_pipeline.golang.values import Function, Namespace


class Shop:
    def price(self, name: str, count: int = 1) -> str:
        return f"{name}:{count}"


def typed(text: str, number: int, /, ratio: float, *, kept: int = 0) -> None:
    """Several kinds of parameters; those with a keyword are no template's."""


def test_annotations_give_the_types_of_go() -> None:
    def untyped(yes: bool, some: Mapping[str, Any], more: dict[str, Any], rest: list[int]) -> None: ...

    assert signature_of(typed) == Signature((ParameterKind.STRING, ParameterKind.INT, ParameterKind.FLOAT), 3, None)
    assert signature_of(untyped) == Signature(
        (ParameterKind.BOOL, ParameterKind.MAP, ParameterKind.MAP, ParameterKind.ANY), 4, None
    )


def test_annotations_that_are_types_count_as_well() -> None:
    def function(text: str, *rest: int) -> None: ...

    function.__annotations__ = {"text": str, "rest": int}
    assert signature_of(function) == Signature((ParameterKind.STRING,), 1, ParameterKind.INT)


def test_what_may_be_none_takes_anything() -> None:
    def function(text: str | None, numbers: list[int], anything: Any, unknown) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN401 - both are tested

    assert signature_of(function).kinds == (ParameterKind.ANY,) * 4


def test_a_bound_method_has_no_self() -> None:
    assert signature_of(Shop().price) == Signature((ParameterKind.STRING, ParameterKind.INT), 1, None)


def test_wrapped_and_partial_functions_show_what_is_left() -> None:
    @wraps(typed)
    def wrapper(*arguments: object) -> None:
        typed(*arguments)  # type: ignore[arg-type]  # what it forwards was checked by the evaluator

    assert signature_of(wrapper) == signature_of(typed)
    assert signature_of(partial(Shop().price, "tea")) == Signature((ParameterKind.INT,), 0, None)


def optional(first: str, second: str = "b") -> str:
    return first + second


def variadic(first: str, *rest: str) -> str:
    return first + "".join(rest)


def exact(first: str, second: str) -> str:
    return first + second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ optional "a" }}', "ab"),
        ('{{ optional "a" "c" }}', "ac"),
        ('{{ "c" | optional "a" }}', "ac"),
        ('{{ variadic "a" }}', "a"),
        ('{{ "d" | variadic "a" "b" }}', "abd"),
        ('{{ shop.Price "tea" }}', "tea:1"),
        ('{{ shop.Price "tea" 2 }}', "tea:2"),
        ('{{ 2 | shop.Price "tea" }}', "tea:2"),
    ],
)
def test_defaults_and_rest_are_optional(text: str, expected: str) -> None:
    assert render(text, {}, functions=FUNCTIONS) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ optional }}", "at <optional>: wrong number of args for optional: want at least 1 got 0"),
        ('{{ optional "a" "b" "c" }}', "wrong number of args for optional: want 2 got 3"),
        ("{{ variadic }}", "wrong number of args for variadic: want at least 1 got 0"),
        ('{{ exact "a" }}', "wrong number of args for exact: want 2 got 1"),
        ('{{ "a" | exact }}', "wrong number of args for exact: want 2 got 1"),
        ('{{ "c" | exact "a" "b" }}', "wrong number of args for exact: want 2 got 3"),
        ("{{ shop.Price }}", "at <shop>: wrong number of args for Price: want at least 1 got 0"),
        ('{{ variadic "a" 1 }}', "at <1>: expected string; found 1"),
        ("{{ .n | variadic `a` }}", "wrong type for value; expected string; got int"),
        ("{{ shop.Price .n }}", "at <.n>: wrong type for value; expected string; got int"),
    ],
)
def test_wrong_arguments_are_worded_as_in_go(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        render(text, {"n": 1}, functions=FUNCTIONS)
    assert message in raised.value.message


def test_a_map_for_nothing_is_empty() -> None:
    def count(some: dict[str, Any]) -> int:
        return len(some)

    assert render("{{ count nil }}{{ count .void }}", {"void": {}}, functions={"count": count}) == "00"


FUNCTIONS: dict[str, Function] = {
    "optional": optional,
    "variadic": variadic,
    "exact": exact,
    "shop": lambda: Namespace("*shop", {"Price": Shop().price}),
}
