from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import Expression, Json, Output, Path
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.resolve import (
    Pending,
    Plain,
    Resolved,
    Secret,
    of_environment,
    resolve,
    substitute,
)
from secrets_pipeline.references.yaml_functions import parse_function


class Outside:
    """What the outside holds, given as text of the reference → answer."""

    def __init__(
        self, answers: Mapping[str, Resolved] | None = None, variables: Mapping[str, Json] | None = None
    ) -> None:
        self.answers = answers or {}
        self.variables = variables or {}

    def variable(self, path: Path) -> Json:
        return self.variables[str(path[0])]

    def environment(self, name: str) -> Resolved:
        return of_environment(name, {"STAGE": "dev", "TOKEN": "t"}.get(name), secret=name != "STAGE")

    def file(self, path: str) -> str:
        return f"contents of {path}"

    def output(self, output: Output) -> Resolved:
        return self.answers.get(str(output), Pending(f"{output} does not exist yet"))

    def ssm(self, name: str) -> Resolved:
        return self.answers.get(name, Pending(f"no parameter {name}", missing=True))


def secret(text: str) -> Secret:
    return Secret(SecretStr(text))


def shown(resolved: Resolved) -> str:
    assert isinstance(resolved, Secret)
    return resolved.value.get_secret_value()


OUTSIDE = Outside(
    {
        "${output.rds.port}": Plain(5432),
        "${output.rds.address}": Plain("db.example.internal"),
        "${output.sm.generated_passwords.db}": secret("p@ss/w:rd%"),
        "${output.sm.secret_arns}": Plain({"a": "arn:a", "b": "arn:b"}),
        "/secure": secret("s3cure"),
        "/plain": Plain("open"),
    },
    {"flag": True, "off": "false", "nothing": None, "count": 3, "name": "x"},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${output.rds.port}", Plain(5432)),
        ("${count}", Plain(3)),
        ("n=${count} ${flag}", Plain("n=3 true")),
        ("${env:STAGE}", Plain("dev")),
        ("${env:TOKEN}", Secret(SecretStr("t"))),
        ("${env:STAGE}-${env:TOKEN}", Secret(SecretStr("dev-t"))),
        ("${file:a.txt}", Plain("contents of a.txt")),
        ("${ssm:/plain}", Plain("open")),
        ("${keys(output.sm.secret_arns)}", Plain(["a", "b"])),
        ("${values(output.sm.secret_arns)}", Plain(["arn:a", "arn:b"])),
        ("${!flag}", Plain(False)),
        ("${!off}", Plain(True)),
        ("${urlencode(name)}", Plain("x")),
        ("${missing | default(7)}", Plain(7)),
        ("${nothing | default('d')}", Plain("d")),
        ("${env:OTHER, fallback}", Plain("fallback")),
        ("${ssm:/none | default('d')}", Plain("d")),
        ("${ssm:/plain | default('d')}", Plain("open")),
    ],
)
def test_an_expression_gives_its_value_with_its_type(text: str, expected: Resolved) -> None:
    assert resolve(parse(text), OUTSIDE) == expected


def test_a_default_does_not_hide_what_is_only_not_there_yet() -> None:
    assert resolve(parse("${output.rds.nothing | default('x')}"), OUTSIDE) == Pending(
        "${output.rds.nothing} does not exist yet"
    )


def test_a_pending_part_makes_a_text_pending_even_beside_a_secret() -> None:
    resolved = resolve(parse("${ssm:/secure}-${output.rds.nothing}"), OUTSIDE)
    assert isinstance(resolved, Pending)


def test_null_in_a_text_is_missing_and_not_the_word_null() -> None:
    assert resolve(parse("a${nothing}"), OUTSIDE) == Pending("${nothing} is null", missing=True)


@pytest.mark.parametrize(
    "text", ["${ssm:/secure}", "a ${ssm:/secure} b", "${urlencode(ssm:/secure)}", "${ssm:/secure | 1}"]
)
def test_what_touched_a_secret_is_secret_and_its_repr_hides_it(text: str) -> None:
    resolved = resolve(parse(text), OUTSIDE)
    assert "s3cure" in shown(resolved)
    assert "s3cure" not in repr(resolved)


def test_a_function_refuses_a_wrong_argument_without_showing_it() -> None:
    for text in ("${keys(ssm:/secure)}", "${!ssm:/secure}"):
        with pytest.raises(ExpressionError) as caught:
            resolve(parse(text), OUTSIDE)
        assert "s3cure" not in str(caught.value)
        assert caught.value.__context__ is None


def test_what_only_atmos_knows_is_refused_with_its_remedy() -> None:
    with pytest.raises(ExpressionError, match=r"write the value, or !store\.get STORE KEY"):
        resolve(parse_function("!store", "a b c"), OUTSIDE)


def test_user_and_password_of_a_url_are_percent_encoded() -> None:
    url = "postgresql://app:${output.sm.generated_passwords.db}@${output.rds.address}:${output.rds.port}/orders"
    assert shown(resolve(parse(url), OUTSIDE)) == "postgresql://app:p%40ss%2Fw%3Ard%25@db.example.internal:5432/orders"


def test_an_explicit_urlencode_is_not_encoded_twice() -> None:
    url = "amqp://app:${urlencode(output.sm.generated_passwords.db)}@host"
    assert shown(resolve(parse(url), OUTSIDE)) == "amqp://app:p%40ss%2Fw%3Ard%25@host"


@pytest.mark.parametrize(
    "text", ["https://host/${ssm:/at}", "https://${ssm:/at}/a@b", "see ${ssm:/at} x://a@b", "${ssm:/at}"]
)
def test_nothing_else_is_percent_encoded(text: str) -> None:
    assert "a@b c" in shown(resolve(parse(text), Outside({"/at": secret("a@b c")})))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_url_gives_back_the_user_and_password_that_went_in(user: str, password: str) -> None:
    outside = Outside({"/u": Plain(user), "/p": secret(password)})
    parts = urlsplit(shown(resolve(parse("mysql://${ssm:/u}:${ssm:/p}@db:3306/x"), outside)))
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)
    assert (parts.hostname, parts.port) == ("db", 3306)


@given(
    st.lists(
        st.sampled_from(["${ssm:/secure}", "${ssm:/plain}", "${count}", "${urlencode(ssm:/secure)}", "x", "://", "@"]),
        min_size=1,
    )
)
def test_a_text_with_a_secret_in_it_is_never_plain(parts: list[str]) -> None:
    resolved = resolve(parse("".join(parts)), OUTSIDE)
    assert isinstance(resolved, Secret) == any("secure" in part for part in parts)


def test_a_document_keeps_its_types_and_is_secret_if_a_leaf_is() -> None:
    document = {"port": parse("${output.rds.port}"), "list": [parse("${flag}"), "x"]}
    assert substitute(document, OUTSIDE) == Plain({"port": 5432, "list": [True, "x"]})
    document["password"] = parse("${ssm:/secure}")
    assert shown(substitute(document, OUTSIDE)) == '{"port":5432,"list":[true,"x"],"password":"s3cure"}'
    document["host"] = parse("${output.rds.nothing}")
    assert isinstance(substitute(document, OUTSIDE), Pending)


def test_a_number_inside_a_secret_stays_a_number_in_a_document() -> None:
    class Ports(Outside):
        def output(self, output: Output) -> Resolved:  # noqa: ARG002 - of any output
            return Secret(SecretStr("5432"), is_json=True)

    document: dict[str, Expression] = {"port": parse("${output.sm.secret_values.db.port}")}
    assert shown(substitute(document, Ports())) == '{"port":5432}'
