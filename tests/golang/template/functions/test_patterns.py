"""What Go's `regexp` does where RE2 or its Python binding does otherwise, and the limits of ours."""

from __future__ import annotations

import pytest

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions.regex.patterns import MAX_WORK, PatternFailure, compiled
from secrets_pipeline.golang.template.functions.regex.regexes import FUNCTIONS


@pytest.mark.parametrize("text", ["é", "aß😀", "ß{é"])
def test_no_match_begins_within_a_character(text: str) -> None:
    boundaries = compiled(r"\B").replace_literal(text, "|")
    assert boundaries.replace("|", "") == text
    assert "||" not in boundaries


def test_an_empty_match_right_behind_a_match_does_not_count() -> None:
    assert compiled("a*").find_all("baac", -1) == ["", "aa", ""]
    assert compiled("a*").replace_literal("baac", "-") == "-b-c-"


@pytest.mark.parametrize("pattern", [r"\C", r"a\\\C", r"[\]]\C", r"\Qa\E\C"])
def test_a_single_byte_cannot_be_asked_for(pattern: str) -> None:
    with pytest.raises(PatternFailure) as failure:
        compiled(pattern)
    assert str(failure.value) == r"error parsing regexp: invalid escape sequence: `\C`"


@pytest.mark.parametrize(("pattern", "text"), [(r"\\C", r"\C"), (r"\Q\C\E", r"\C"), (r"[\\C]+", r"C\C")])
def test_a_backslash_and_a_capital_c_are_no_escape_where_go_sees_none(pattern: str, text: str) -> None:
    assert compiled(pattern).find_all(text, -1) == [text]


@pytest.mark.parametrize("pattern", ["(?P<é>a)", "a(?<é>b)"])
def test_names_of_groups_are_ascii(pattern: str) -> None:
    with pytest.raises(PatternFailure, match=r"invalid named capture: `\(\?P?<é>`"):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "replacement", "replaced"),
    [
        ("(?P<n>a)|(?P<n>b)", "[$n]", "[a][b]"),
        (r"[(](?P<n>x)|\((?P<m>x)|\Q(\E(?P<k>x)|(?P<n>a)|(?P<n>b)", "[$n]", "[a][b]"),
        ("(?P<n>a?)(?P<n>b?)", "[$n]", "[a]"),
        ("(a)", "$00$01", "b"),
        ("(a)", "$1²", "a²b"),
        ("(a)", "$é", "b"),
        ("(a)", "$" + "9" * 5000, "b"),
        ("(a)", "$ ${ }$$", "$ ${ }$b"),
    ],
)
def test_groups_are_put_in_as_by_go(pattern: str, replacement: str, replaced: str) -> None:
    assert compiled(pattern).replace("ab", replacement) == replaced


@pytest.mark.parametrize(
    "pattern",
    [r"\pL{1000}", "a" * 200_000, "|".join(["(a)"] * 5000)],
)
def test_a_large_pattern_is_refused_but_not_called_wrong(pattern: str) -> None:
    for name in ("regexMatch", "mustRegexMatch"):
        with pytest.raises(FunctionFailure, match="the regular expression is too large"):
            FUNCTIONS[name](pattern, "a")


def test_a_search_that_may_take_too_long_is_refused() -> None:
    with pytest.raises(FunctionFailure, match="takes too long on a text of 1000000 bytes"):
        compiled("(a|b)*a(a|b){900}").find_all("a" * 1_000_000, -1)


def test_many_searches_that_may_take_too_long_are_refused() -> None:
    text = "a" * int((2 * MAX_WORK) ** 0.5)
    with pytest.raises(FunctionFailure, match="takes too long"):
        compiled("a.*z|a").replace_literal(text, "")


def test_what_usual_templates_do_to_large_texts_is_done() -> None:
    document = '{"Action": ["s3:Get*"],\n  "Resource": "*"}\n' * 500
    assert compiled(r"\s+").replace_literal(document, "") == "".join(document.split())


@pytest.mark.parametrize("replacement", ["x" * 20_000, "$0" * 2_000, "$2" * 2_000])
def test_a_result_that_is_too_large_is_refused(replacement: str) -> None:
    with pytest.raises(FunctionFailure, match="a text of more than"):
        compiled("a|b+").replace("a" * 1000 + "b" * 1000, replacement)
