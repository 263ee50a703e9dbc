from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.stacks.functions.arguments import (
    ArgumentsError,
    StoreArguments,
    TerraformArguments,
    store,
    terraform,
    unquoted,
    word_and_rest,
    words,
)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("a  b", ["a", "b"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ('\'it\'\'s\' "a ""b"""', ["it's", 'a "b"']),
        ("a'b", ["a'b"]),
        ("''", [""]),
        ("", []),
        ("a|b", ["a", "|", "b"]),
    ],
)
def test_words_are_split_and_unquoted(args: str, expected: list[str]) -> None:
    assert words("!x", args, 0, 9) == expected


@pytest.mark.parametrize("args", ["'a", 'b "c', "'a\nb'"])
def test_a_quote_must_end_in_its_line(args: str) -> None:
    with pytest.raises(ArgumentsError, match="a quote does not end"):
        words("!x", args, 0, 9)


@pytest.mark.parametrize(
    ("least", "most", "wanted"), [(1, 1, "it takes 1, not 4"), (1, 2, "1 or 2, not 4"), (0, 2, "0 to 2, not 4")]
)
def test_a_wrong_number_of_arguments_is_counted_and_not_shown(least: int, most: int, wanted: str) -> None:
    with pytest.raises(ArgumentsError) as raised:
        words("!env", "canary b c d", least, most)
    assert str(raised.value).startswith("invalid number of arguments in the !env function: ")
    assert wanted in str(raised.value)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("a.yaml", ("a.yaml", "")),
        ("a.yaml .x | length", ("a.yaml", ".x | length")),
        ("'b c.txt' '.[\"x y\"]'", ("b c.txt", '.["x y"]')),
        ("a '.x' | keys", ("a", "'.x' | keys")),
    ],
)
def test_the_rest_keeps_its_spaces(args: str, expected: tuple[str, str]) -> None:
    assert word_and_rest("!include", args) == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("vpc id", TerraformArguments("vpc", "id")),
        ("vpc dev id", TerraformArguments("vpc", "id", "dev")),
        ("vpc .ids[0]", TerraformArguments("vpc", ".ids[0]")),
        ('vpc .id // "a b"', TerraformArguments("vpc", '.id // "a b"')),
        ("vpc dev .id // .other", TerraformArguments("vpc", ".id // .other", "dev")),
        ("vpc dev '.id // \"x\"'", TerraformArguments("vpc", '.id // "x"', "dev")),
        ('vpc dev ".id // ""x"""', TerraformArguments("vpc", '.id // "x"', "dev")),
        ("vpc {{ .stack }} id", TerraformArguments("vpc", "{{ .stack }} id")),
    ],
)
def test_terraform_takes_a_component_a_stack_and_an_expression(args: str, expected: TerraformArguments) -> None:
    assert terraform("!terraform.state", args) == expected


@pytest.mark.parametrize("args", ["", "vpc", "a b c d", "'' id", "vpc ''"])
def test_terraform_refuses_other_arguments(args: str) -> None:
    with pytest.raises(ArgumentsError, match=r"!terraform\.output function"):
        terraform("!terraform.output", args)


@pytest.mark.parametrize(
    ("tag", "args", "expected"),
    [
        ("!store", "prod vpc id", StoreArguments("prod", "id", "vpc")),
        ("!store", "prod dev vpc id", StoreArguments("prod", "id", "vpc", "dev")),
        ("!store", "prod vpc id | default 'a b'", StoreArguments("prod", "id", "vpc", default="a b")),
        ("!store", "prod vpc id | default ''", StoreArguments("prod", "id", "vpc", default="")),
        ("!store", "p c k | query .a | .b", StoreArguments("p", "k", "c", query=".a | .b")),
        ("!store", "p c k | query .a | default x", StoreArguments("p", "k", "c", default="x", query=".a")),
        ("!store.get", "p k", StoreArguments("p", "k")),
        ("!store.get", "p k|default x|query .y", StoreArguments("p", "k", default="x", query=".y")),
    ],
)
def test_stores_take_a_key_a_default_and_a_query(tag: str, args: str, expected: StoreArguments) -> None:
    assert store(tag, args) == expected


@pytest.mark.parametrize(
    ("tag", "args"),
    [
        ("!store", "p k"),
        ("!store", "p s c k x"),
        ("!store", "p c k | other x"),
        ("!store", "p c k | default"),
        ("!store", "p c k | default a b"),
        ("!store", "p c k | query | default x"),
        ("!store.get", "p c k"),
        ("!store.get", ""),
    ],
)
def test_stores_refuse_other_arguments(tag: str, args: str) -> None:
    with pytest.raises(ArgumentsError, match=f"{tag} function"):
        store(tag, args)


@given(st.text(alphabet=st.characters(exclude_characters="\r\n"), max_size=20), st.sampled_from("'\""))
def test_any_quoted_text_is_one_word(text: str, quote: str) -> None:
    quoted = quote + text.replace(quote, quote * 2) + quote
    assert unquoted(quoted) == text
    assert words("!x", f"a {quoted} b", 3, 3) == ["a", text, "b"]
