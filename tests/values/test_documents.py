from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.errors import DocumentError
from secrets_pipeline.values.documents import field, merge_document, storable, to_json

CANARY = "canary-9Qx4"
texts = st.text(st.characters(codec="utf-8"), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | texts
documents = st.dictionaries(texts, leaves | st.lists(leaves, max_size=3) | st.dictionaries(texts, leaves, max_size=3))
flat = st.dictionaries(texts, leaves)


def read(value: SecretStr) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(value.get_secret_value())
    return document


def test_owned_keys_are_set_in_place_and_others_are_kept() -> None:
    current = SecretStr('{"username": "app", "password": "p", "host": "old", "extra": [1, 2]}')
    merged = merge_document(current, {"host": "new", "port": 5432})
    assert merged.get_secret_value() == '{"username":"app","password":"p","host":"new","extra":[1,2],"port":5432}'


def test_without_a_current_value_the_owned_keys_are_the_value() -> None:
    assert (
        merge_document(None, {"engine": "postgres", "port": 1}).get_secret_value() == '{"engine":"postgres","port":1}'
    )


def test_a_map_is_owned_key_by_key() -> None:
    merged = merge_document(SecretStr('{"db":{"host":"a","note":"kept"}}'), {"db": {"host": "b"}})
    assert merged.get_secret_value() == '{"db":{"host":"b","note":"kept"}}'


def test_secret_leaves_are_written_in_clear_inside_the_secret() -> None:
    assert merge_document(None, {"a": {"b": [SecretStr("x")]}}).get_secret_value() == '{"a":{"b":["x"]}}'


def test_where_nothing_changes_the_text_stays_as_it_was() -> None:
    current = SecretStr('{ "host" : "a",\n "ratio": 1.50 }')
    assert merge_document(current, {"host": "a"}) is current


@pytest.mark.parametrize(("was", "owned"), [("1", True), ("true", 1), ("1.0", 1), ("[1]", [True]), ('"1"', 1)])
def test_a_change_of_type_alone_is_a_change(was: str, owned: object) -> None:
    merged = read(merge_document(SecretStr(f'{{"a":{was}}}'), {"a": owned}))
    assert merged == {"a": owned}
    assert json.dumps(merged["a"]) == json.dumps(owned)


@given(current=documents, owned=flat)
def test_a_merge_changes_the_owned_keys_alone_and_only_once(current: dict[str, Any], owned: dict[str, Any]) -> None:
    before = SecretStr(json.dumps(current))
    once = merge_document(before, owned)
    merged = read(once)
    assert {key: merged[key] for key in owned} == owned
    assert {k: v for k, v in merged.items() if k not in owned} == {k: v for k, v in current.items() if k not in owned}
    assert list(merged) == [*current, *(key for key in owned if key not in current)]
    assert merge_document(once, owned) is once


@given(document=documents)
def test_what_is_written_reads_back(document: dict[str, Any]) -> None:
    assert read(to_json(document)) == document


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("password",), "p"),
        (("port",), "5432"),
        (("on",), "true"),
        (("nothing",), "null"),
        (("list", 1), "b"),
        (("map", "deep"), "é"),
        (("map",), '{"deep":"é"}'),
    ],
)
def test_a_field_is_read_as_text(path: tuple[str | int, ...], expected: str) -> None:
    value = to_json(
        {"password": "p", "port": 5432, "on": True, "nothing": None, "list": ["a", "b"], "map": {"deep": "é"}}
    )
    assert field(value, path).get_secret_value() == expected


def test_no_path_is_the_whole_value_even_when_it_is_not_json() -> None:
    value = SecretStr("not json")
    assert field(value, ()) is value


@pytest.mark.parametrize("path", [("b",), ("a", "b"), ("a", 2), ("a", -1), (0,), ("a", 0, "x")])
def test_a_field_that_is_not_there_is_named_without_content(path: tuple[str | int, ...]) -> None:
    with pytest.raises(DocumentError, match="has no field") as refusal:
        field(SecretStr(f'{{"a":["{CANARY}","y"]}}'), path)
    assert CANARY not in str(refusal.value)


@pytest.mark.parametrize("text", [CANARY, f'{{"a": "{CANARY}', f'["{CANARY}"]', f'"{CANARY}"', "", "1"])
def test_a_value_that_is_no_object_is_not_merged_into_and_not_shown(text: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        merge_document(SecretStr(text), {"host": "a"})
    assert CANARY not in str(refusal.value)
    assert refusal.value.__context__ is None
    assert refusal.value.remedy


@pytest.mark.parametrize("leaf", [object(), {1, 2}, math.nan, math.inf])
def test_what_json_cannot_hold_is_refused_without_content(leaf: object) -> None:
    with pytest.raises(DocumentError) as refusal:
        to_json({"password": CANARY, "a": leaf})
    assert CANARY not in str(refusal.value)
    assert refusal.value.__context__ is None


LONGEST = 65_536
AROUND = len('{"a":""}')


def test_a_value_of_the_longest_length_is_storable_and_one_byte_more_is_not() -> None:
    assert len(storable(SecretStr("x" * LONGEST)).get_secret_value()) == LONGEST
    with pytest.raises(DocumentError, match="has 65537 bytes, AWS takes 65536"):
        storable(SecretStr("x" * (LONGEST - 1) + "ß"))


@pytest.mark.parametrize("text", ["", "x\ud800", "\udfff"])
def test_an_empty_value_and_half_characters_are_refused_without_content(text: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        storable(SecretStr(text))
    assert refusal.value.__context__ is None
    assert "\\ud" not in repr(refusal.value)


@pytest.mark.parametrize("current", [None, SecretStr('{"a":"b"}')])
def test_a_merged_value_that_is_too_long_is_refused_before_any_call(current: SecretStr | None) -> None:
    merge_document(current, {"a": "x" * (LONGEST - AROUND)})
    with pytest.raises(DocumentError, match="has 65537 bytes") as refusal:
        merge_document(current, {"a": "x" * (LONGEST - AROUND + 1)})
    assert "xxx" not in str(refusal.value)
