"""What the managed function could not work with, by its own parser, and hosts where no password can be set."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy
from secrets_pipeline.errors import RotationPreflightError
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, Requirement, refuse, unchecked
from secrets_pipeline.reconcilers.secret_rotation.value_shape import value_problems, writer_problem

SINGLE, ALTERNATING, RANDOM = RotationStrategy.SINGLE_USER, RotationStrategy.ALTERNATING_USERS, RotationStrategy.RANDOM
DATABASE = {"engine": "postgres", "host": "db", "username": "app", "password": "canary-7Hq2"}
MASTER = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:master-AbCdEf"


def found(strategy: RotationStrategy, value: object, *, key: str | None = None, superuser: object = None) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    other = None if superuser is None else SecretStr(json.dumps(superuser))
    rotation = RotationSpec(managed=True, strategy=strategy, json_key=key)
    problems = value_problems(rotation, SecretStr(text), superuser_arn=MASTER, superuser=other)
    said = "; ".join(one.text for one in problems)
    assert "canary" not in said
    return said


@pytest.mark.parametrize(
    ("strategy", "value", "key"),
    [
        (SINGLE, DATABASE, None),
        (SINGLE, {**DATABASE, "ssl": False, "engine": "aurora-postgresql", "port": 6432}, None),
        (RANDOM, "canary", None),
        (RANDOM, {"password": "canary", "username": "x"}, "password"),
    ],
)
def test_what_the_function_reads_is_right(strategy: RotationStrategy, value: object, key: str | None) -> None:
    assert not found(strategy, value, key=key)


@pytest.mark.parametrize(
    ("strategy", "value", "problem"),
    [
        (SINGLE, "canary", "no JSON object with the key engine"),
        (SINGLE, {**DATABASE, "engine": "oracle"}, "not one that this function rotates"),
        (SINGLE, {**DATABASE, "host": ""}, "no text under the key host"),
        (SINGLE, {"engine": "postgres", "host": "db", "username": "app"}, "no text under the key password"),
        (SINGLE, {**DATABASE, "port": "canary"}, "no port number"),
        (SINGLE, {**DATABASE, "masterarn": MASTER}, "names a superuser"),
        (ALTERNATING, DATABASE, "does not name the superuser's secret"),
        (ALTERNATING, {**DATABASE, "masterarn": f"{MASTER}X"}, "does not name the superuser's secret"),
        (RANDOM, DATABASE, "strategy random would not change"),
        (RANDOM, {"a": "canary"}, "no key of it is named"),
    ],
)
def test_what_the_function_would_fail_with_is_said(strategy: RotationStrategy, value: object, problem: str) -> None:
    assert problem in found(strategy, value)


def test_the_superuser_is_one_of_the_same_server() -> None:
    value = {**DATABASE, "masterarn": MASTER}
    assert not found(ALTERNATING, value, superuser={**DATABASE, "username": "root"})
    assert "the superuser's value names another engine, host or port" in found(
        ALTERNATING, value, superuser={**DATABASE, "host": "other"}
    )
    nameless = {key: text for key, text in DATABASE.items() if key != "password"}
    assert "no text under the key password" in found(ALTERNATING, value, superuser=nameless)
    # The function would take it for a secret that RDS manages, of a server that RDS does not know it for.
    assert "no JSON object with the key engine" in found(
        ALTERNATING, value, superuser={"username": "root", "password": "canary"}
    )


def database(name: str, **more: object) -> DatabaseState:
    about = DatabaseState(
        identifier=name,
        arn=f"arn:{name}",
        resource_id=name,
        status="available",
        engine="postgres",
        username="root",
        db_name=None,
        address=f"{name}.x.eu-west-2.rds.amazonaws.com",
        port=5432,
        tags={},
        password_pending=False,
        master_secret_arn=None,
    )
    return type(about)(**{**{name: getattr(about, name) for name in about.__slots__}, **more})


CLUSTER = database(
    "one",
    is_cluster=True,
    address="one.cluster-x.eu-west-2.rds.amazonaws.com",
    reader_address="one.cluster-ro-x.eu-west-2.rds.amazonaws.com",
    writer="one-1",
)
INSTANCES = (
    database("plain"),
    database("copy", replica_of="plain"),
    database("one-1", cluster="one"),
    database("one-2", cluster="one"),
)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("plain.x.eu-west-2.rds.amazonaws.com", ""),
        ("one.cluster-x.eu-west-2.rds.amazonaws.com", ""),
        ("one-1.x.eu-west-2.rds.amazonaws.com", ""),
        ("elsewhere.example.com", ""),
        ("ONE.cluster-ro-x.eu-west-2.rds.amazonaws.com.", "is the reader endpoint of cluster one"),
        ("two.cluster-ro-x.eu-west-2.rds.amazonaws.com", "is the reader endpoint of a cluster"),
        ("copy.x.eu-west-2.rds.amazonaws.com", "is a read replica of plain"),
        ("one-2.x.eu-west-2.rds.amazonaws.com", "is a reader of cluster one"),
    ],
)
def test_passwords_are_set_where_is_written(host: str, problem: str) -> None:
    said = writer_problem(host, 5432, INSTANCES, (CLUSTER,))
    assert (said is not None) is bool(problem)
    assert said is None or problem in said.text


def test_a_server_on_another_port_of_a_reader_s_host_is_another_server() -> None:
    here = (database("copy", replica_of="plain", address="127.0.0.1"),)
    assert writer_problem("127.0.0.1", 5432, here, ()) is not None
    assert writer_problem("127.0.0.1", 5433, here, ()) is None


def test_what_is_not_known_is_said_and_stops_nothing() -> None:
    doubt = Problem(Requirement.FUNCTION, "hidden", known=False)
    refuse("a", (doubt,))
    assert [str(one) for one in unchecked((doubt,))] == ["not checked: hidden"]
    with pytest.raises(RotationPreflightError, match="a would not rotate: gone"):
        refuse("a", (doubt, Problem(Requirement.FUNCTION, "gone", "Deploy it.")))
