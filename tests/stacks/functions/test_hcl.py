from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.functions.hcl import HclError, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"text"', "text"),
        (r'"a \"q\" \n \t \\ é \U0001F600"', 'a "q" \n \t \\ é 😀'),
        ('"$${kept} %%{kept} 100% $5"', "${kept} %{kept} 100% $5"),
        ('""', ""),
        ("1", 1),
        ("-1", -1),
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("1.0", 1),
        ("1e3", 1000),
        ("(2)", 2),
        ("true", True),
        ("false", False),
        ("null", None),
        ("[]", []),
        ('[1, "a", [true],]', [1, "a", [True]]),
        ("[\n  1, # one\n  2\n]", [1, 2]),
        ("{}", {}),
        ('{ a = 1, "b c" : 2\n 3 = {d = null} }', {"a": 1, "b c": 2, "3": {"d": None}}),
        ('<<EOT\na "q" \\n $${x}\n  b\n\nEOT\n', 'a "q" \\n ${x}\n  b\n\n'),
        ("<<-EOT\n    a\n\n      b\n    EOT\n", "a\n\n  b\n"),
        ("<<EOT\nEOT\n", ""),
    ],
)
def test_literals_are_values(text: str, expected: Value) -> None:
    found = parse(f"v = {text}")["v"]
    assert (found, type(found)) == (expected, type(expected))


def test_comments_and_line_ends_do_not_matter() -> None:
    assert parse('# c\na = 1 // d\r\n/* e */ b = "x"\n') == {"a": 1, "b": "x"}
    assert parse("") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "invalid HCL in line 1"),
        ("a = 1\nb", "invalid HCL in line 2"),
        ("block {}\n", "unsupported HCL block 'block'"),
        ('resource "x" "y" { a = 1 }\n', "unsupported HCL block 'resource'"),
        ("a = 1\na = 2\n", "HCL attribute 'a' is set twice"),
        ("a = {b = 1, b = 2}", "HCL attribute 'a' sets a key twice"),
        *[
            (f"a = {text}", "HCL attribute 'a' is not a literal")
            for text in (
                "var.x", "x", 'upper("x")', "1 + 2", "!true", "true ? 1 : 2", "[for x in []: x]", '"${x}"',
                '"a %{ if x }b%{ endif }"', "{ (x) = 1 }", '-"x"', "<<EOT\n${x}\nEOT\n", "[1][0]",
            )
        ],
        (r'a = "\q"', r"invalid escape \q in HCL attribute 'a'"),
        (r'a = "\ud800"', "invalid Unicode escape in HCL attribute 'a'"),
        ("a = " + "[" * 2_000, "invalid HCL"),
        ("a = " + "9" * 5_000, "an HCL number is too large"),
        ("a = 1e400", "an HCL number is too large"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(HclError) as raised:
        parse(text)
    assert message in str(raised.value)


@given(st.text(max_size=30))
def test_any_text_survives_quoting(text: str) -> None:
    quoted = (
        json.dumps(text).replace("${", "$${").replace("%{", "%%{").replace("\\b", "\\u0008").replace("\\f", "\\u000c")
    )
    with contextlib.suppress(HclError):
        assert parse(f"a = {quoted}") == {"a": text}
