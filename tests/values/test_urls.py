"""A password that a policy can generate comes out of a connection URL as it went in."""

from __future__ import annotations

import json
import random
import string
from urllib.parse import quote, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.desired.value.model import DeclaredValue, Leaf, PasswordPolicy
from secrets_pipeline.references.model import Json, Output, Path
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.resolve import Plain, Resolved, Secret, resolve
from secrets_pipeline.values.passwords import generate
from secrets_pipeline.values.render import render

COMPONENTS = {"secretsmanager": "secretsmanager", "rds": "rds"}
USER = "${output.rds.username}"
PASSWORD = "${output.secretsmanager.generated_passwords.db}"
PLACE = "${output.rds.endpoint}/${output.rds.db_name}"
URLS = {
    "in the middle": f"postgresql://{USER}:{PASSWORD}@{PLACE}?sslmode=verify-full",
    "after a literal user": f"mysql+pymysql://app:{PASSWORD}@{PLACE}",
    "without a user": f"redis://:{PASSWORD}@{PLACE}",
}


class Outside:
    """One database and one password."""

    def __init__(self, password: SecretStr) -> None:
        self._password = password

    def output(self, output: Output) -> Resolved:
        known: dict[str, Json] = {"username": "o.w+n er", "endpoint": "db.example.com:5432", "db_name": "orders"}
        return Secret(self._password) if output.sensitive else Plain(known[output.name])

    def variable(self, path: Path) -> Json:
        raise KeyError(path)

    def environment(self, name: str) -> Resolved:
        raise KeyError(name)

    def file(self, path: str) -> str:
        raise KeyError(path)

    def ssm(self, name: str) -> Resolved:
        raise KeyError(name)


@st.composite
def policies(draw: st.DrawFn) -> PasswordPolicy:
    """Any policy that the YAML can ask for: every special character of ASCII may be in it."""
    special = "".join(draw(st.permutations(string.punctuation)))[: draw(st.integers(1, len(string.punctuation)))]
    alphabet = {"lower": string.ascii_lowercase, "upper": string.ascii_uppercase, "numeric": string.digits}
    minima = {name: draw(st.integers(0, 4)) for name in (*alphabet, "special")}
    minima["special"] += 4
    return PasswordPolicy(length=draw(st.integers(20, 64)), alphabet={**alphabet, "special": special}, minima=minima)


@given(policies(), st.randoms(use_true_random=False), st.sampled_from(sorted(URLS)))
def test_every_generated_password_round_trips_through_a_url(
    policy: PasswordPolicy, chance: random.Random, where: str
) -> None:
    class Choose:
        def randbelow(self, exclusive_upper_bound: int, /) -> int:
            return chance.randrange(exclusive_upper_bound)

    password = generate(policy, Choose())
    outside = Outside(password)
    expression = parse(URLS[where], COMPONENTS)
    value = DeclaredValue(document=False, leaves=(Leaf(path=(), source=("url",)),))
    url = render(value, lambda _leaf: resolve(expression, outside), None).get_secret_value()
    split = urlsplit(url)
    assert unquote(split.password or "") == password.get_secret_value()
    assert (split.hostname, split.port, split.path) == ("db.example.com", 5432, "/orders")
    if where == "in the middle":
        assert (split.username, split.query) == (quote("o.w+n er", safe=""), "sslmode=verify-full")


@given(policies(), st.randoms(use_true_random=False))
def test_every_generated_password_is_in_a_json_connection_as_it_is_and_in_its_url_escaped(
    policy: PasswordPolicy, chance: random.Random
) -> None:
    class Choose:
        def randbelow(self, exclusive_upper_bound: int, /) -> int:
            return chance.randrange(exclusive_upper_bound)

    password = generate(policy, Choose())
    texts: dict[Path, str] = {("password",): PASSWORD, ("url",): URLS["in the middle"]}
    leaves = tuple(Leaf(path=path, source=path) for path in texts)
    outside = Outside(password)
    rendered = render(
        DeclaredValue(document=True, leaves=leaves),
        lambda leaf: resolve(parse(texts[leaf.path], COMPONENTS), outside),
        None,
    )
    document = json.loads(rendered.get_secret_value())
    assert document["password"] == password.get_secret_value()
    assert unquote(urlsplit(document["url"]).password or "") == password.get_secret_value()
