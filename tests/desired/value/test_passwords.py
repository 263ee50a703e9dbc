"""Every password of every policy that is accepted is one that RDS takes for its engine."""

from __future__ import annotations

import json
import re
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.desired.value.passwords import family_of
from secrets_pipeline.rotation.password_tag import password_rule
from secrets_pipeline.rotation_lambda.password_rule import decode, encode
from secrets_pipeline.values.passwords import generate
from tests.desired.conftest import Bench
from tests.sweep import examples

LONGEST = {
    "postgres": 128,
    "aurora-postgresql": 128,
    "mysql": 41,
    "aurora-mysql": 41,
    "mariadb": 41,
    "oracle-ee": 30,
    "oracle-se2-cdb": 30,
    "sqlserver-ex": 128,
    "db2-se": 255,
}
"""https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (MasterUserPassword)"""

ACCEPTABLE = re.compile(r"""[!#$%&()*+,\-.0-9:;<=>?A-Z\[\\\]^_`a-z{|}~]+""")
"""Printable ASCII without / " @, the space, and the apostrophe, which the console bars."""

classes = ("lower", "upper", "numeric", "special")
policies = st.fixed_dictionaries(
    {},
    optional={
        "random_password_length": st.integers(6, 60) | st.sampled_from([128, 129, 256, 257]),
        "random_password_special": st.booleans(),
        "random_password_override_special": st.text(string.punctuation, max_size=6)
        | st.text("!#$%&()*+,-.:;<=>?[]^_`{|}~", max_size=8)
        | st.text(string.printable, max_size=4),
        **{f"random_password_min_{name}": st.integers(0, 12) for name in classes},
    },
)


def stack(engine: str, component: dict[str, Any], entry: dict[str, Any]) -> str:
    variables: dict[str, Any] = {
        "context_name": "myapp",
        **component,
        "secrets": {"master": {"generate_random_password": True, **entry}},
    }
    database = {
        "identifier": "orders",
        "engine": engine,
        "username": "app",
        "password": "${output.secretsmanager.generated_passwords.master}",
    }
    components = {
        "secretsmanager": {"vars": variables},
        "rds": {"settings": {"secrets_pipeline": {"create": True}}, "vars": database},
    }
    return json.dumps({"components": {"terraform": components}})


@settings(max_examples=examples(150))
@given(engine=st.sampled_from(sorted(LONGEST)), component=policies, entry=policies)
def test_rds_takes_every_password_of_every_accepted_policy(
    engine: str, component: dict[str, Any], entry: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        built = Bench(Path(folder)).build(dev=stack(engine, component, entry))
    event("refused" if built.errors else "accepted")
    if built.errors:
        assert all("vars." in str(error) for errors in built.errors.values() for error in errors)
        return
    value = built.specs["dev"].secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    assert not decode(encode(password_rule(value.policy))).weakness
    for _ in range(5):
        password = generate(value.policy).get_secret_value()
        assert 8 <= len(password) <= LONGEST[engine]
        assert ACCEPTABLE.fullmatch(password)


@pytest.mark.parametrize("engine", sorted(LONGEST))
@pytest.mark.parametrize("entry", [{}, {"random_password_special": False}, {"random_password_length": 24}])
def test_a_policy_that_asks_for_nothing_wrong_is_accepted_for_every_engine(
    bench: Bench, engine: str, entry: dict[str, Any]
) -> None:
    assert not bench.build(dev=stack(engine, {}, entry)).errors


def bare(**entry: object) -> str:
    variables = {"context_name": "myapp", "secrets": {"door": {"generate_random_password": True, **entry}}}
    return json.dumps({"components": {"terraform": {"secretsmanager": {"vars": variables}}}})


def least(**minima: int) -> dict[str, int]:
    return {f"random_password_min_{name}": minima.get(name, 0) for name in classes}


@pytest.mark.parametrize(
    ("minima", "special"),
    [({"special": 8}, "-"), ({"special": 8}, "-+._~"), ({"special": 7}, "-"), ({"special": 6, "numeric": 2}, "-+")],
)
def test_a_policy_with_too_few_passwords_is_an_error_that_says_where(
    bench: Bench, minima: dict[str, int], special: str
) -> None:
    policy = {"random_password_length": 8, "random_password_override_special": special, **least(**minima)}
    (said,) = bench.errors(bare(**policy))
    assert "stack dev, component secretsmanager, key vars.secrets.door.random_password_length" in said
    assert "fewer than 2^26" in said
    assert "Raise the length" in said


@pytest.mark.parametrize(
    ("minima", "special"),
    [({"numeric": 8}, ""), ({"lower": 8}, ""), (dict.fromkeys(classes, 2), "-"), ({"special": 5}, "-_.~")],
)
def test_eight_digits_and_all_that_is_more_may_be_declared(bench: Bench, minima: dict[str, int], special: str) -> None:
    policy = {"random_password_length": 8, "random_password_override_special": special, **least(**minima)}
    value = bench.spec(bare(**policy)).secret(SecretRef(component="secretsmanager", key="door")).value
    assert isinstance(value, GeneratedValue)
    assert not decode(encode(password_rule(value.policy))).weakness


@pytest.mark.parametrize("engine", sorted(LONGEST))
@pytest.mark.parametrize("barred", list("/@\"' "))
def test_a_character_that_rds_refuses_is_an_error_for_every_engine(bench: Bench, engine: str, barred: str) -> None:
    text = stack(engine, {}, {"random_password_override_special": f"-{barred}"})
    assert "random_password_override_special holds" in "\n".join(bench.errors(text))


@pytest.mark.parametrize("engine", sorted(LONGEST))
def test_one_character_too_many_is_an_error_for_every_engine(bench: Bench, engine: str) -> None:
    longest = LONGEST[engine]
    assert not bench.build(dev=stack(engine, {}, {"random_password_length": longest})).errors
    assert bench.errors(stack(engine, {}, {"random_password_length": longest + 1}))


@pytest.mark.parametrize(
    ("engine", "family"),
    [("aurora-postgresql", "postgres"), ("custom-oracle-ee", "oracle"), ("db2-ae", "db2"), ("neptune", "neptune")],
)
def test_an_engine_belongs_to_the_family_of_its_rotation_template(engine: str, family: str) -> None:
    assert family_of(engine) == family
