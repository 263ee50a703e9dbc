import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.desired.value.model import DeclaredValue, Leaf
from secrets_pipeline.errors import DocumentError, ExpressionError
from secrets_pipeline.references.resolve import Pending, Plain, Resolved, Secret
from secrets_pipeline.values.render import render


def document(*paths: tuple[str | int, ...]) -> DeclaredValue:
    return DeclaredValue(document=True, leaves=tuple(Leaf(path=path, source=path) for path in paths))


def values(**by_name: Resolved) -> dict[tuple[str | int, ...], Resolved]:
    return {(name,): value for name, value in by_name.items()}


def test_a_text_is_rendered_as_it_stands() -> None:
    value = DeclaredValue(document=False, leaves=(Leaf(path=(), source=("x",)),))
    assert render(value, lambda _leaf: Plain("hello"), SecretStr("old")).get_secret_value() == "hello"


@pytest.mark.parametrize(("scalar", "text"), [(True, "true"), (5432, "5432"), (1.5, "1.5")])
def test_a_scalar_becomes_the_text_that_yaml_would_write(scalar: float, text: str) -> None:
    value = DeclaredValue(document=False, leaves=(Leaf(path=(), source=("x",)),))
    assert render(value, lambda _leaf: Plain(scalar), None).get_secret_value() == text


def test_a_document_keeps_the_keys_of_others_and_sets_ours() -> None:
    leaves = values(host=Plain("h2"), port=Plain(5432))
    current = SecretStr('{"password":"p","host":"h1"}')
    rendered = render(document(("host",), ("port",)), lambda leaf: leaves[leaf.path], current)
    assert json.loads(rendered.get_secret_value()) == {"password": "p", "host": "h2", "port": 5432}


def test_nested_maps_and_lists_are_rebuilt() -> None:
    paths: list[tuple[str | int, ...]] = [("a", "b"), ("l", 0), ("l", 1)]
    rendered = render(document(*paths), lambda leaf: Plain("/".join(map(str, leaf.path))), None)
    assert json.loads(rendered.get_secret_value()) == {"a": {"b": "a/b"}, "l": ["l/0", "l/1"]}


def test_a_value_that_is_still_missing_is_never_written_half() -> None:
    leaves = values(host=Plain("h"), password=Pending("secret x has no value yet"))
    with pytest.raises(ExpressionError, match="password: secret x has no value yet"):
        render(document(("host",), ("password",)), lambda leaf: leaves[leaf.path], None)


@pytest.mark.parametrize("text", ["", "x" * 65_537])
def test_a_text_that_secrets_manager_does_not_take_is_refused(text: str) -> None:
    value = DeclaredValue(document=False, leaves=(Leaf(path=(), source=("x",)),))
    with pytest.raises(DocumentError):
        render(value, lambda _leaf: Secret(SecretStr(text)), None)


@given(st.text(min_size=1).filter(lambda text: not text.isspace()))
def test_secret_text_survives_the_json_exactly(secret: str) -> None:
    rendered = render(document(("password",)), lambda _leaf: Secret(SecretStr(secret)), None)
    assert json.loads(rendered.get_secret_value()) == {"password": secret}
    assert repr(rendered) == "SecretStr('**********')"
