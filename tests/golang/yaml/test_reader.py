from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.reader import load, load_mapping
from secrets_pipeline.golang.yaml.tags import UNSET, AppendList, FunctionCall, LiteralText
from secrets_pipeline.stacks.functions.functions import construct

RECORDS = [json.loads(line) for line in (Path(__file__).parent / "data" / "yaml_v3.jsonl").read_text().splitlines()]


def read(text: str) -> Value:
    return load(text, "stacks/a.yaml", construct)


def unwrapped(shown: dict[str, Any]) -> Value:
    """A value as `data/yaml_v3.go` records it."""
    ((kind, value),) = shown.items()
    if kind == "map":
        return {key: unwrapped(inner) for key, inner in value.items()}
    if kind == "list":
        return [unwrapped(inner) for inner in value]
    if kind == "null":
        return None
    return int(value) if kind == "int" else float(value) if kind == "float" else value


def ordered(value: Value) -> Value:
    """The value with its keys sorted."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: repr(record["text"]))
def test_every_recorded_document_is_read_as_yaml_v3_reads_it(record: dict[str, Any]) -> None:
    if "error" in record:
        with pytest.raises(StackError):
            read(record["text"])
    else:
        expected = unwrapped(record["value"])
        assert repr(ordered(read(record["text"]))) == repr(ordered(expected))  # tells 1 from 1.0, and nan is nan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[(word, word) for word in ("yes", "No", "on", "off", "y", "n")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, None) for word in ("~", "null", "Null", "NULL", "")],
        ("tRUE", "tRUE"),
        ("0123", 83),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+12", 12),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2012-10-17", "2012-10-17"),
        ("1.2.3", "1.2.3"),
        ("'08'", "08"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("!!binary aGk=", "hi"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
    ],
)
def test_scalars_are_those_of_yaml_v3(text: str, expected: Value) -> None:
    found = read(f"k: {text}")["k"]
    assert (found, type(found)) == (expected, type(expected))


def test_not_a_number_is_one() -> None:
    assert math.isnan(read("k: .NaN")["k"])


def test_keys_that_are_no_strings_become_strings() -> None:
    assert read("{1: a, true: b, 1.5: c}") == {"1": "a", "true": "b", "1.5": "c"}


def test_merge_keys_give_way_to_the_mapping_and_earlier_ones_win() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}"
    assert read(text)["c"] == {"x": 3, "y": 1, "z": 2}


def test_aliases_give_separate_values() -> None:
    value = read("a: &a {x: [1]}\nb: *a")
    assert value["a"] == value["b"]
    assert value["a"]["x"] is not value["b"]["x"]


def test_only_the_first_document_counts() -> None:
    assert read("a: 1\n---\nb: 2\n") == {"a": 1}


def test_an_alias_is_the_latest_anchor_of_its_name() -> None:
    assert read("a: &x {v: 1}\nb: *x\nc: &x [2]\nd: *x\n") == {"a": {"v": 1}, "b": {"v": 1}, "c": [2], "d": [2]}


def test_text_with_an_anchor_given_twice_is_read_in_all_its_parts() -> None:
    text = "a: &x 1\nb: &x !env HOME\nc: &y {k: [*x, 'q', !!str 5, 08], <<: {m: |\n  t\n}}\nd: *y\n"
    value = read(text.replace("|\n  t\n", "t"))
    assert value["d"] == {"k": ["!env HOME", "q", "5", 8.0], "m": "t"}
    assert read("a: &x 1\nb: &x 2\n---\nc: 3\n") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: &x 1\nb: &x 2\nc: *y\n", 3), ("a: &x 1\nb: &x 2\nc: [\n", 4), ("{a: &x 1, b: &x 2}\n]\n", 2)],
)
def test_mistakes_after_an_anchor_given_twice_keep_their_place(text: str, line: int) -> None:
    with pytest.raises(StackError) as raised:
        read(text)
    assert raised.value.where is not None
    assert raised.value.where.line == line


@pytest.mark.parametrize("text", ["{a: 1}\n]", "{a: 1}\n}\n", "[a]\nb\n"])
def test_text_after_the_first_document_is_not_lost_in_silence(text: str) -> None:
    with pytest.raises(StackError, match="invalid stack manifest"):
        read(text)


@pytest.mark.parametrize("text", ["\ufeffa: 1\n", "a: 1\r\n", "--- {a: 1}\n", "%YAML 1.1\n---\na: 1\n...\n"])
def test_marks_and_line_ends_of_other_systems_change_nothing(text: str) -> None:
    assert read(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_nothing(text: str) -> None:
    assert read(text) is None


def test_functions_stay_text_that_is_atmos_own() -> None:
    call = read("v: !terraform.output vpc vpc_id ")["v"]
    assert isinstance(call, FunctionCall)
    assert (call, call.tag, call.args) == ("!terraform.output vpc vpc_id", "!terraform.output", "vpc vpc_id")


def test_a_function_without_arguments_is_its_tag() -> None:
    assert read("v: !aws.account_id") == {"v": "!aws.account_id"}


def test_literal_append_and_unset_have_their_own_values() -> None:
    value = read("a: !literal '{{ x }}'\nb: !append [1]\nc: !unset\n")
    assert isinstance(value["a"], LiteralText)
    assert isinstance(value["b"], AppendList)
    assert value["c"] is UNSET


def test_everything_in_a_literal_mapping_or_list_is_kept_text() -> None:
    value = read("a: !literal {b: ['{{ x }}', 5]}\nc: !literal ['{{ y }}']\n")
    assert value == {"a": {"b": ["{{ x }}", 5]}, "c": ["{{ y }}"]}
    assert isinstance(value["a"]["b"][0], LiteralText)
    assert isinstance(value["c"][0], LiteralText)


@pytest.mark.parametrize(
    ("text", "expected"), [("!literal 5", 5), ("!literal '5'", "5"), ("!append 5", 5), ("!append text", "text")]
)
def test_literal_and_append_leave_the_type_of_other_values(text: str, expected: Value) -> None:
    found = read(f"k: {text}")["k"]
    assert found == expected
    assert isinstance(found, type(expected))


def test_append_on_a_mapping_is_no_tag_at_all() -> None:
    assert read("a: !append {b: 1}") == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "kind", "line", "column"),
    [
        ("\n- a\n", "a sequence", 2, 1),
        ("  text", "a scalar", 1, 3),
        ("--- [a]", "a sequence", 1, 5),
        ("!env X", "a scalar", 1, 1),
    ],
)
def test_a_manifest_that_is_no_mapping_has_a_place(text: str, kind: str, line: int, column: int) -> None:
    with pytest.raises(StackError) as raised:
        load_mapping(text, "stacks/a.yaml", construct)
    assert f"the top level is not a mapping but {kind} (column {column})" in raised.value.message
    assert raised.value.where is not None
    assert raised.value.where.line == line


@pytest.mark.parametrize("text", ["", "~", "# nothing\n", "---\n"])
def test_a_manifest_with_nothing_in_it_is_an_empty_mapping(text: str) -> None:
    assert load_mapping(text, "stacks/a.yaml", construct) == {}


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\na: 2\n", "this mapping key is already defined at line 1 (column 1)", 2),
        ("b:\n  1: x\n  '1': y\n", "this mapping key is already defined at line 2 (column 3)", 3),
        ("<<: {a: 1}\nb: 1\n<<: {c: 1}\n", "this mapping key is already defined at line 1 (column 1)", 3),
        ("a:\n\tb: 1\n", "found character that cannot start any token", 2),
        ("a: b: c\n", "mapping values are not allowed in this context", 1),
        ("a: [1\n", "did not find expected", 2),
        ("a: *missing\n", "found undefined alias", 1),
        ("a: !nope 1\n", "unsupported YAML tag: an unknown tag", 1),
        ("a: 1\nb: !env {x: 1}\n", "unsupported YAML tag: '!env' on a mapping", 2),
        ("a: !env [x]\n", "unsupported YAML tag: '!env' on a sequence", 1),
        ("a: !!binary '%'\n", "base64", 1),
        ("a: 1\nb: \x07\n", "control characters are not allowed (#x0007) (column 4)", 2),
        ("é: 1\nb: \ud800\n", "it is not Unicode text (column 4)", 2),
        ("? !!int x\n: 1\n", "the value is not of the type !!int", 1),
        ("? {a: 1}\n: 1\n", "invalid map key: it is a mapping", 1),
        ("l: &l [{b: 1}]\na: {<<: *l}\n", "map merge requires map", 2),
        ("a: {<<: [[{b: 1}]]}\n", "map merge requires map", 1),
        ("a: !!int text\n", "the value is not of the type !!int", 1),
        ("? [a]\n: 1\n", "invalid map key", 1),
        ("a: {<<: 1}\n", "map merge requires map", 1),
    ],
)
def test_mistakes_name_file_line_and_column(text: str, message: str, line: int) -> None:
    with pytest.raises(StackError) as raised:
        read(text)
    assert message in raised.value.message
    assert "column" in raised.value.message
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.line) == ("stacks/a.yaml", line)


def test_a_tab_has_its_own_advice() -> None:
    with pytest.raises(StackError) as raised:
        read("a:\n\tb: 1\n")
    assert "spaces" in raised.value.remedy


def test_a_bomb_of_aliases_is_refused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(StackError, match="excessive aliasing"):
        read("\n".join(levels))


@pytest.mark.parametrize("text", ["- &a [*a]", "[" * 900, "[" * 100_000, "- " * 50_000 + "a"])
def test_endless_nesting_is_refused(text: str) -> None:
    with pytest.raises(StackError):
        read(text)


@given(st.text(alphabet="ab:-[]{}!&*<>|'\"# \n\t0.", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_value_or_our_own_error(text: str) -> None:
    with contextlib.suppress(StackError):
        read(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-07"),
        (123456789.0, "1.23456789e+08"),
        (math.inf, "+Inf"),
        (True, "true"),
        (None, "<nil>"),
        ({"b": 1, "a": [1, "x"]}, "map[a:[1 x] b:1]"),
    ],
)
def test_values_print_as_in_go(value: object, expected: str) -> None:
    assert as_text(value) == expected
