"""A value is rendered whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.desired.value.model import DeclaredValue, Leaf
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import Expression, Literal, Output, Path, Text
from secrets_pipeline.references.resolve import Pending, Plain, Secret, resolve, substitute
from secrets_pipeline.values.render import render
from tests.strategies.references import outputs, references

if TYPE_CHECKING:
    from secrets_pipeline.references.model import Json
    from secrets_pipeline.references.resolve import Resolved

CANARY = "canary-5f1d"


class Outside:
    """Answers everything with a canary, but one output that nobody provides.

    Args:
        nowhere: that output.
        missing: whether a default would serve for it.
    """

    def __init__(self, nowhere: Output, *, missing: bool) -> None:
        self._nowhere = nowhere
        self._missing = missing

    def variable(self, path: Path) -> Json:
        return f"{CANARY}-{len(path)}"

    def environment(self, name: str) -> Resolved:
        return Plain(f"{CANARY}-{name}")

    def file(self, path: str) -> str:
        return f"{CANARY}-{path}"

    def output(self, output: Output) -> Resolved:
        if output == self._nowhere:
            return Pending("nobody provides it", missing=self._missing)
        return Secret(SecretStr(f'{{"{CANARY}": true}}'), is_json=True)

    def ssm(self, name: str) -> Resolved:
        return Secret(SecretStr(f"{CANARY}-{name}"))


@st.composite
def templates(draw: st.DrawFn, nowhere: Output) -> Text:
    """A text of literals and references in any order, one of them to nowhere."""
    parts: list[Expression] = draw(st.lists(references | st.just(Literal(CANARY)), max_size=4))
    parts.insert(draw(st.integers(0, len(parts))), nowhere)
    return Text((Literal(CANARY), *parts))


@given(st.data(), outputs, st.booleans())
def test_one_reference_to_nowhere_leaves_nothing_of_a_text(data: st.DataObject, nowhere: Output, missing: bool) -> None:
    template = data.draw(templates(nowhere))
    try:
        resolved: Resolved | ExpressionError = resolve(template, Outside(nowhere, missing=missing))
    except ExpressionError as error:
        resolved = error
    assert isinstance(resolved, Pending | ExpressionError)
    assert CANARY not in repr(resolved)


@given(st.data(), outputs, st.booleans())
def test_one_reference_to_nowhere_leaves_nothing_of_a_document(
    data: st.DataObject, nowhere: Output, missing: bool
) -> None:
    document = {"first": Literal(CANARY), "second": [data.draw(templates(nowhere))], "third": data.draw(references)}
    try:
        resolved: Resolved | ExpressionError = substitute(document, Outside(nowhere, missing=missing))
    except ExpressionError as error:
        resolved = error
    assert isinstance(resolved, Pending | ExpressionError)
    assert CANARY not in repr(resolved)


@given(st.data(), outputs, st.booleans())
def test_one_reference_to_nowhere_leaves_nothing_of_a_secret(
    data: st.DataObject, nowhere: Output, document: bool
) -> None:
    expressions: dict[Path, Expression] = {("password",): data.draw(templates(nowhere))}
    if document:
        expressions = {("user",): Literal(CANARY), **expressions, ("host",): data.draw(references)}
    leaves = tuple(Leaf(path=path if document else (), source=("vars", *path)) for path in expressions)
    outside = Outside(nowhere, missing=False)
    stored = SecretStr(f'{{"kept": "{CANARY}"}}')
    with pytest.raises(ExpressionError) as caught:
        render(
            DeclaredValue(document=document, leaves=leaves),
            lambda leaf: resolve(expressions[leaf.source[1:]], outside),
            stored,
        )
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
