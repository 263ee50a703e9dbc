"""Host and port inside credentials, and connection secrets rendered from them."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import pg8000.native
import pytest

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import GeneratedValue, PasswordPolicy
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.secret_value.fields import known_fields
from secrets_pipeline.reconcilers.tag_keys import INPUTS, PASSWORD
from tests import sweep
from tests.bench import said
from tests.waiting import WAITER

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption, Rotation

FIELDS = {
    "engine": "postgres",
    "host": "${output.rds.address}",
    "port": "${output.rds.port}",
    "username": "owner",
    "dbname": "orders",
}
URL = "postgresql://owner:${output.secrets.generated_passwords.password}@${output.rds.endpoint}/orders"


def connection(bench: Bench) -> SecretSpec:
    return bench.declared("connection", URL, needs_endpoint=True, depends_on=(bench.ref("password"),))


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """Credentials, a connection and a database, provisioned."""
    return bench.create(bench.generated(fields=FIELDS), connection(bench), databases=(bench.database(),))


def endpoint(bench: Bench) -> tuple[str, int]:
    found = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]["Endpoint"]
    return found["Address"], found["Port"]


def password_mark(bench: Bench) -> str:
    about = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"][0]
    return next(tag["Value"] for tag in about["TagList"] if tag["Key"] == PASSWORD)


def test_credentials_get_their_endpoint_and_the_connection_is_rendered_from_both(bench: Bench, spec: StackSpec) -> None:
    host, port = endpoint(bench)
    credentials = bench.document("password")
    assert {**credentials, "password": ""} == {
        "engine": "postgres",
        "host": host,
        "port": port,
        "username": "owner",
        "password": "",
        "dbname": "orders",
    }
    assert bench.value("connection") == f"postgresql://owner:{quote(credentials['password'])}@{host}:{port}/orders"
    # The password was generated before the endpoint was known: one version more, and none for the connection.
    assert (bench.versions("password"), bench.versions("connection")) == (2, 1)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_the_proof_of_the_password_is_carried_over_to_the_completed_version(bench: Bench, spec: StackSpec) -> None:
    assert password_mark(bench).split(":")[1] == bench.current("password")
    bench.reset_calls()
    bench.provision(spec)
    assert bench.calls()["GetSecretValue"] == 0


def test_completing_keeps_the_password_and_every_key_that_others_added(bench: Bench, spec: StackSpec) -> None:
    theirs = {**bench.document("password"), "replica": "r1", "host": "by hand"}
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=json.dumps(theirs))
    edited = bench.spec(
        bench.generated(fields={**FIELDS, "dbname": "renamed"}), connection(bench), databases=(bench.database(),)
    )
    change = bench.plan(edited, "connection_secrets")[bench.name("password")]
    assert said(change) == ("fields engine, host, port, username, dbname are completed",)
    bench.provision(edited)
    host, _ = endpoint(bench)
    assert bench.document("password") == {**theirs, "dbname": "renamed", "host": host}


def test_a_plan_says_that_the_connection_follows_its_credentials(bench: Bench, spec: StackSpec) -> None:
    edited = bench.spec(
        bench.generated(fields={**FIELDS, "dbname": "renamed"}), connection(bench), databases=(bench.database(),)
    )
    planned = bench.plan(edited, "connection_secrets")[bench.name("connection")]
    assert planned.reason == f"value is rendered from {bench.name('password')}, which changes"
    moved = bench.spec(
        bench.generated(fields=FIELDS, kms_key=bench.kms.create_key()["KeyMetadata"]["Arn"]),
        connection(bench),
        databases=(bench.database(),),
    )
    planned = bench.plan(moved, "connection_secrets")[bench.name("connection")]
    assert planned.action is ChangeClass.UPDATE


def test_a_rotated_password_reaches_the_connection_with_the_next_run(bench: Bench, spec: StackSpec) -> None:
    rotated = {**bench.document("password"), "password": "rotated/by:somebody"}
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=json.dumps(rotated))
    outcomes = bench.provision(spec, "connection_secrets")
    assert isinstance(outcomes[f"connection_secrets {bench.name('connection')}"], Applied)
    assert "owner:rotated%2Fby%3Asomebody@" in bench.value("connection")


def test_fields_that_wait_are_said_to_and_the_others_are_stored(bench: Bench) -> None:
    spec = bench.spec(bench.generated(fields=FIELDS), databases=(bench.database(create=False),))
    outcomes = bench.provision(spec, "secrets", "connection_secrets")
    waiting = outcomes[f"connection_secrets {bench.name('password')}"]
    assert isinstance(waiting, Skipped)
    assert f"RDS instance {bench.stack} does not exist: write settings: {{secrets_pipeline: " in waiting.reason
    assert set(bench.document("password")) == {"engine", "username", "dbname", "password"}
    assert INPUTS not in bench.tags("password")
    change = bench.plan(spec, "connection_secrets")[bench.name("password")]
    assert all(reason.startswith("waits: ") for reason in said(change))


def test_a_value_that_is_no_json_object_fails_with_a_remedy_and_is_kept(bench: Bench) -> None:
    bench.create(bench.generated())
    spec = bench.spec(bench.generated(fields={"engine": "postgres"}))
    before = bench.value("password")
    outcome = bench.provision(spec, "connection_secrets")[f"connection_secrets {bench.name('password')}"]
    assert isinstance(outcome, Failed)
    assert outcome.error.remedy
    assert before not in outcome.error.diagnostics()
    assert bench.value("password") == before


def test_wherever_a_run_is_killed_while_it_completes_credentials_the_next_one_has_nothing_left_to_prove(
    bench: Bench, spec: StackSpec, interruption: Interruption, killed: type[BaseException]
) -> None:
    finished, versions, boundaries = False, bench.versions("password"), sweep.boundaries()
    while not finished:
        boundary = next(boundaries)
        fields = {**FIELDS, "dbname": f"renamed-{boundary}"}
        edited = bench.spec(bench.generated(fields=fields), connection(bench), databases=(bench.database(),))
        interruption.kill_at(boundary)
        try:
            bench.provision(edited, "connection_secrets", interruption=interruption)
        except killed:
            bench.provision(edited)
        else:
            finished = True
        versions += 1
        assert bench.versions("password") == versions, f"killed at boundary {boundary}"
        assert bench.document("password")["dbname"] == f"renamed-{boundary}"
        proven = password_mark(bench).split(":")[1]
        assert proven == bench.current("password"), f"killed at boundary {boundary}"
        unchanged = {type(one) for one in bench.provision(edited).values()}
        assert unchanged == {Unchanged}, f"killed at boundary {boundary}"
    assert boundary > 14


def test_a_run_killed_before_it_noted_the_completed_version_leaves_one_run_of_work(
    bench: Bench, spec: StackSpec, interruption: Interruption, killed: type[BaseException]
) -> None:
    edited = bench.spec(
        bench.generated(fields={**FIELDS, "dbname": "renamed"}), connection(bench), databases=(bench.database(),)
    )
    moved: list[str] = []

    def strike(operation: str) -> None:
        if operation == "UpdateSecretVersionStage":
            moved.append(operation)
        if operation == "TagResource" and moved:
            raise killed

    interruption.before = strike
    with pytest.raises(killed):
        bench.provision(edited, interruption=interruption)
    bench.provision(edited)
    assert password_mark(bench).split(":")[1] == bench.current("password")
    assert {type(one) for one in bench.provision(edited).values()} == {Unchanged}


def test_a_completed_version_that_no_run_noted_is_proven_by_the_next_one(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = bench.spec(bench.generated(fields=FIELDS), databases=(bench.database(),))
    bench.provision(spec, "secrets", "rds_instances")
    available = bench.rds.get_waiter("db_instance_available")
    available.wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)
    moved: list[str] = []

    def strike(operation: str) -> None:
        if operation == "UpdateSecretVersionStage":
            moved.append(operation)
        if operation == "TagResource" and moved:
            raise killed

    interruption.before = strike
    with pytest.raises(killed):
        bench.provision(spec, "connection_secrets", interruption=interruption)
    bench.provision(spec)
    assert password_mark(bench).split(":")[1] == bench.current("password")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


@pytest.mark.parametrize(
    ("text", "said"),
    [("${output.secrets.secret_values.api}", "must not be secret"), ("${output.secrets.secret_arns}", "string or a")],
)
def test_a_field_that_resolves_to_a_secret_or_a_structure_is_refused(bench: Bench, text: str, said: str) -> None:
    spec = bench.create(bench.declared(), bench.generated(fields={"host": "h"}))
    wrong = bench.generated(fields={"host": text})
    with pytest.raises(ExpressionError, match=said):
        known_fields(bench.context(spec), wrong)


def test_only_a_generated_value_has_fields(bench: Bench) -> None:
    secret = bench.declared()
    with pytest.raises(TypeError):
        known_fields(bench.context(bench.spec(secret)), secret)


def test_the_parts_of_a_rendered_url_log_in_whatever_rds_takes_in_a_password(bench: Bench) -> None:
    special = "".join(character for character in string.punctuation if character not in "/@\"'")
    policy = PasswordPolicy(length=100, alphabet={"special": special, "digit": string.digits}, minima={"special": 90})
    credentials = bench.generated(fields=FIELDS).model_copy(
        update={
            "value": GeneratedValue(policy=policy, fields={name: bench.late(text) for name, text in FIELDS.items()})
        }
    )
    bench.create(credentials, connection(bench), databases=(bench.database(),))
    url = urlsplit(bench.value("connection"))
    password = unquote(url.password or "")
    assert password == bench.document("password")["password"]
    client: Any = pg8000.native  # it ships no types
    opened = client.Connection(
        unquote(url.username or ""), host=url.hostname, port=url.port, database=url.path[1:], password=password
    )
    try:
        assert opened.run("SELECT current_user") == [["owner"]]
    finally:
        opened.close()


def test_a_connection_follows_the_endpoint_and_is_left_alone_without_a_change(bench: Bench, spec: StackSpec) -> None:
    first = bench.current("connection")
    bench.reset_calls()
    assert isinstance(bench.provision(spec)[f"connection_secrets {bench.name('connection')}"], Unchanged)
    written = {"PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue", "TagResource", "UpdateSecret"}
    assert not written & set(bench.calls())
    password = bench.document("password")["password"]
    bench.rds.delete_db_instance(DBInstanceIdentifier=bench.stack, SkipFinalSnapshot=True)
    bench.provision(spec)
    host, port = endpoint(bench)
    assert bench.value("connection") == f"postgresql://owner:{quote(password)}@{host}:{port}/orders"
    assert bench.document("password")["port"] == port
    assert bench.current("connection") != first
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def with_port(bench: Bench, port: int) -> StackSpec:
    return bench.spec(bench.generated(fields={"host": "db.example", "port": port}))


def test_credentials_that_are_to_be_taken_over_first_are_not_completed(bench: Bench) -> None:
    name = bench.name("password")
    bench.secrets.create_secret(Name=name, SecretString='{"password": "theirs"}')
    adopting = ApplyOptions(adopt=(name,))
    outcome = bench.provision(with_port(bench, 5432), "connection_secrets", options=adopting)
    skipped = outcome[f"connection_secrets {name}"]
    assert isinstance(skipped, Skipped)
    assert skipped.reason == f"secret {name} is not ours"
    assert bench.document("password") == {"password": "theirs"}


@pytest.mark.parametrize("who", ["rotation", "human"])
def test_fields_that_a_killed_run_wrote_and_somebody_copied_are_written_again_when_the_yaml_goes_back(
    bench: Bench, rotate: Rotation, interruption: Interruption, killed: type[BaseException], who: str
) -> None:
    databases = (bench.database(),)
    first, second = (
        bench.spec(bench.generated(fields={"host": "db.example", "port": port}), databases=databases)
        for port in (5432, 5433)
    )
    bench.provision(first)

    interruption.kill_after("UpdateSecretVersionStage")
    with pytest.raises(killed):
        bench.provision(second, interruption=interruption)
    if who == "rotation":
        rotate()
    else:
        edited = json.dumps({**bench.document("password"), "password": "typed-by-a-human"})
        bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=edited)
    theirs = bench.document("password")
    assert theirs["port"] == 5433
    bench.provision(first)
    assert bench.document("password") == {**theirs, "port": 5432}
    assert {type(one) for one in bench.provision(first).values()} == {Unchanged}


def test_fields_that_a_rotation_copied_as_it_began_are_written_again_when_the_yaml_goes_back(
    bench: Bench, interruption: Interruption
) -> None:
    bench.provision(with_port(bench, 5432))
    name, theirs, pending = bench.name("password"), "b" * 40, False

    def begin(operation: str) -> None:
        nonlocal pending
        if operation == "UpdateSecretVersionStage" and not pending:
            pending = True
            copied = json.dumps({**bench.document("password"), "password": "rotated"})
            bench.secrets.put_secret_value(
                SecretId=name, ClientRequestToken=theirs, SecretString=copied, VersionStages=["AWSPENDING"]
            )

    interruption.after = begin
    bench.provision(with_port(bench, 5433), interruption=interruption)
    bench.secrets.update_secret_version_stage(
        SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=theirs, RemoveFromVersionId=bench.current("password")
    )
    bench.provision(with_port(bench, 5432))
    assert bench.document("password") == {"host": "db.example", "port": 5432, "password": "rotated"}
    assert {type(one) for one in bench.provision(with_port(bench, 5432)).values()} == {Unchanged}


def test_fields_that_a_copy_carried_need_no_writing(bench: Bench) -> None:
    key = bench.kms.create_key()["KeyMetadata"]["Arn"]
    bench.provision(with_port(bench, 5432))
    bench.provision(with_port(bench, 5433))
    versions = bench.versions("password")
    moved = bench.spec(bench.generated(fields={"host": "db.example", "port": 5433}, kms_key=key))
    bench.provision(moved)
    assert bench.versions("password") == versions + 1
    assert {type(one) for one in bench.provision(moved).values()} == {Unchanged}


def test_a_value_of_the_other_of_two_users_is_not_completed_with_the_declared_user_s_name(bench: Bench) -> None:
    """The strategy was alternating users once; the password is the other user's."""
    fields = {"engine": "postgres", "username": "app", "host": "db.example"}
    bench.create(bench.generated(fields=fields))
    other = {**bench.document("password"), "username": "app_clone", "masterarn": "arn:aws:secretsmanager:…"}
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=json.dumps(other))
    moved = bench.spec(bench.generated(fields={**fields, "host": "elsewhere.example"}))
    outcome = bench.provision(moved)[f"connection_secrets {bench.name('password')}"]
    assert isinstance(outcome, Skipped)
    assert "alternates between two users" in outcome.reason
    assert bench.document("password") == other
