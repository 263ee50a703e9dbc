from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import as_text, float_text, quoted
from secrets_pipeline.golang.template.literals import number, unquote
from secrets_pipeline.golang.template.printf import sprintf
from secrets_pipeline.golang.values import Namespace

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE)
def test_a_float_reads_back_as_itself(value: float) -> None:
    text = float_text(value)
    assert float(text) == value
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?(e[+-]\d\d+)?", text)


@given(st.floats(min_value=1e-4, max_value=999999.9))
def test_a_float_of_usual_size_has_no_exponent(value: float) -> None:
    assert "e" not in float_text(value)


@given(st.text())
def test_a_quoted_text_is_a_literal_of_itself(text: str) -> None:
    assert unquote(quoted(text)) == text
    ascii_only = quoted(text, ascii_only=True)
    assert ascii_only.isascii()
    assert unquote(ascii_only) == text


@given(st.characters(exclude_categories=["Cs"]))
def test_a_quoted_character_is_a_literal_of_itself(character: str) -> None:
    assert number(quoted(character, "'")) == (ord(character), ord(character))


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_in_any_base_is_a_literal_of_itself(value: int) -> None:
    for text in (f"{value}", f"{value:#x}", f"{value:#b}", f"{value:#o}", f"{value:_}"):
        assert number(text) == (value, value)


@given(st.text(), st.lists(st.none() | st.booleans() | st.integers() | FINITE | st.text() | st.lists(st.integers())))
def test_any_format_gives_a_text_or_is_refused(template: str, arguments: list[object]) -> None:
    outcome(template, arguments)


@given(
    st.lists(st.sampled_from([*"%#0+- *.[]123456789vsdqxXobcUtTfegGFEw", "é"]), max_size=12).map("".join),
    st.lists(st.none() | st.booleans() | st.integers(-3, 70000) | FINITE | st.text(max_size=3), max_size=4),
)
def test_any_directive_gives_a_text_or_is_refused(directive: str, arguments: list[object]) -> None:
    outcome("%" + directive, arguments)


def outcome(template: str, arguments: list[object]) -> None:
    try:
        assert isinstance(sprintf(template, *arguments), str)
    except FunctionFailure as failure:
        assert re.search("is not supported|is longer than", str(failure))  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        (-math.inf, "-Inf"),
        (-0.0, "-0"),
        (2**64, "18446744073709551616"),
        ((1, "a", None), "[1 a <nil>]"),
        ({"b": [], "a": {}}, "map[a:map[] b:[]]"),
        (Namespace("*tool", {}), "*tool"),
    ],
)
def test_values_print_as_in_go(value: object, expected: str) -> None:
    assert as_text(value) == expected


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("%6.1f|%[1]f", math.inf, "  +Inf|+Inf"),
        ("%06.1f|%[1]f", -math.inf, "  -Inf|-Inf"),
        ("%f|%+[1]f|% [1]f|%06[1]f", math.nan, "NaN|+NaN| NaN|   NaN"),
        ("%013.3e|%-13.3[1]e|", -1.5, "-0001.500e+00|-1.500e+00   |"),
    ],
)
def test_what_is_no_number_is_never_padded_with_zeros(template: str, value: float, expected: str) -> None:
    assert sprintf(template, value) == expected


@pytest.mark.parametrize("verb", ["b", "x", "X"])
def test_the_bits_of_a_float_are_refused(verb: str) -> None:
    with pytest.raises(FunctionFailure, match=f"the verb %{verb} of a float is not supported"):
        sprintf(f"%{verb}", 1.5)
