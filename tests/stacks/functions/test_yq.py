from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.functions.yq import evaluate
from secrets_pipeline.stacks.functions.yq_steps import Steps, YqError

DATA = {
    "a": {"b": [1, {"c": "x"}], "b-c": "dash", "b c": "space", "d.e": "dot"},
    "users": [{"name": "ann", "id": 1}, {"name": "bob", "id": 2}],
    "no": None,
    "off": False,
    "text": "hello",
    "1": "one",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (".", DATA),
        (".text", "hello"),
        (".a.b[0]", 1),
        (".a.b[1].c", "x"),
        (".a.b.[1].c", "x"),
        (".a.b[-1].c", "x"),
        (".a.b[9]", None),
        (".a.b-c", "dash"),
        ('.a["b c"]', "space"),
        ('.a.["b c"]', "space"),
        ('.a."d.e"', "dot"),
        ('.["a"]["b"][0]', 1),
        (".1", "one"),
        (".a.none.deeper", None),
        (".text.none", None),
        ('.none // "default"', "default"),
        (".no // .off // .text", "hello"),
        (".text // .none", "hello"),
        (".none // []", []),
        (".none // {}", {}),
        (".none // -3", -3),
        (".none // true", True),
        (".none // null", None),
        (".users | length", 2),
        (".text|length", 5),
        (".no | length", 0),
        (".a.b | keys", [0, 1]),
        (".users[0] | keys", ["name", "id"]),
        (".users | keys | .[1]", 1),
        ("[.users[].name]", ["ann", "bob"]),
        ("[.users[] | .id]", [1, 2]),
        ('[.users[].name] | join(", ")', "ann, bob"),
        ('.users[] | select(.name == "bob") | .id', 2),
        ('.users[] | select(.name != "bob") | .id', 1),
        ('.users[] | select(.name == "eve")', None),
        ("(.users | length) == 2", True),
        (".off == 0", False),
        ("[.no[]]", []),
        ("  .text  ", "hello"),
        ('"literal"', "literal"),
    ],
)
def test_expressions_give_what_yq_gives(expression: str, expected: Value) -> None:
    assert evaluate(expression, DATA) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "is not supported at its end"),
        (".a |", "is not supported at its end"),
        (".a b", "is not supported from 'b' on"),
        (".a..b", "is not supported from '.b' on"),
        (".a[", "is not supported"),
        (".a[1.5]", "is not supported"),
        (".a | sort", "is not supported"),
        (".a | select(", "is not supported"),
        ("a", "is not supported"),
        (".none // [1, 2]", "is not supported from ', 2]' on"),
        (".a = 1", "is not supported from '= 1' on"),
        ('."\\q"', "has an invalid literal"),
        (".users[]", "gives 2 values: put it in [ ]"),
        (".users.name", "cannot index a list with a text"),
        (".users[-3]", "has an index -3 out of range: the list has 2 items"),
        (".text | keys", "asks for the keys of what is neither"),
        ('.text | join(",")', "joins what is not a list"),
        (".users | join(1)", "or with what is not text"),
        ("(" * 5_000, "nested too deeply"),
    ],
)
def test_other_expressions_are_errors_that_name_them(expression: str, message: str) -> None:
    with pytest.raises(YqError) as raised:
        evaluate(expression, DATA)
    assert message in str(raised.value)
    assert "the yq expression" in str(raised.value)


@pytest.mark.parametrize(
    "expression", ['.a // "CANARY" x', '"CANARY', ".a = 'CANARY'", '.users[] // ["CANARY"]', "'CANARY"]
)
def test_texts_in_an_expression_are_not_shown(expression: str) -> None:
    with pytest.raises(YqError) as raised:
        evaluate(expression, DATA)
    assert "CANARY" not in str(raised.value)


def test_types_are_kept_where_atmos_reads_the_text_again() -> None:
    assert evaluate(".id", {"id": "0123"}) == "0123"


def test_the_value_is_not_changed() -> None:
    value = {"l": [{"x": 1}]}
    assert evaluate("[.l[]]", value) == [{"x": 1}]
    assert value == {"l": [{"x": 1}]}


@given(st.text(alphabet='.ab[]()|/="1-,{} keysjoinlength', max_size=16))
def test_any_expression_gives_a_value_or_our_own_error(expression: str) -> None:
    with contextlib.suppress(YqError):
        evaluate(expression, {"a": [{"b": 1}], "b": {"a": "x"}})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[.x[] == .x[]] | length", 10_000),
        ("[.x[] | select(. == 7)]", [7]),
        (".x == .y", True),
        ('.x | join("ab") | length', 388),
        ("[.x[].none // (.x[] // .y[])] | length", 100),
    ],
)
def test_all_values_on_the_way_count(expression: str, expected: Value) -> None:
    few, many = list(range(100)), list(range(1_100_000))
    assert evaluate(expression, {"x": few, "y": list(few)}) == expected
    with pytest.raises(YqError, match="takes more than 1000000 steps"):
        evaluate(expression, {"x": many, "y": list(many)})


def test_what_is_within_compared_values_counts() -> None:
    values = [[[1] * 1_000] * 10 for _ in range(2)]
    assert evaluate("[.[] == .[]]", values) == [True] * 4
    with pytest.raises(YqError, match="takes more than 1000000 steps"):
        evaluate("[.[] == .[]]", values * 10)


MILLION = [0] * 1_000_000


@pytest.mark.parametrize(
    ("expression", "value", "few"),
    [
        ("keys | length", MILLION, MILLION[:400_000]),
        ("keys | length", dict.fromkeys(range(1_000_000)), dict.fromkeys(range(1_000))),
        (".x == .y", {"x": MILLION, "y": [*MILLION[1:]]}, {"x": MILLION[:200_000], "y": MILLION[:200_000]}),
        (".x == .y", {"x": [MILLION, 0], "y": [[0], 0]}, {"x": [MILLION[:300_000], 0], "y": [[0], 0]}),
        (".[]" + " // 1" * 50, MILLION[:40_000], MILLION[:10_000]),
        ('.x | join("")', {"x": [{"k" * 1_000_000: 1}] * 200}, {"x": [{"k" * 1_000_000: 1}] * 5}),
    ],
)
def test_what_an_operation_makes_or_walks_counts(expression: str, value: Value, few: Value) -> None:
    steps = Steps()
    evaluate(f"[{expression}] | length", few, steps)
    assert steps.taken < 1_000_000
    with pytest.raises(YqError, match="takes more than 1000000 steps"):
        evaluate(expression, value)


def test_a_scalar_is_compared_with_a_list_at_once() -> None:
    steps = Steps()
    assert evaluate(". == 0", MILLION, steps) is False
    assert steps.taken < 10


def test_a_joined_value_that_is_too_long_is_an_error_of_ours() -> None:
    with pytest.raises(YqError, match="the text is longer than 16777216 characters"):
        evaluate('join("")', [["a" * 17_000_000]])
