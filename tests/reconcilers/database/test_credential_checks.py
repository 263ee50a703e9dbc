"""Logins with AWSCURRENT and AWSPREVIOUS, in a real PostgreSQL; nothing of a value is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Unpack

import pg8000.native
import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.database.credential_checks import credential_logins
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.observed.login import LoggedIn
from tests.bench import during

if TYPE_CHECKING:
    from tests.bench import Bench, Rotation, Running

_pg8000: Any = pg8000.native  # it ships no types
FIELDS = {"engine": "postgres", "host": "${output.rds.address}", "port": "${output.rds.port}", "username": "owner"}
CLONE = {"username": "owner_clone", "password": "Canary-of-clone-1"}


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.create(bench.generated(fields={**FIELDS, "dbname": "orders"}), databases=(bench.database(),))


def found(bench: Bench, spec: StackSpec, **how: Unpack[Running]) -> Finding:
    context = during(bench.context(spec, writing=False, **how), sleep=lambda _seconds: None)
    (finding,) = credential_logins(context)
    values = [bench.document("password")]
    assert not [value for document in values for value in document.values() if str(value) in finding.detail.split()]
    assert str(values[0]["password"]) not in str(finding)
    return finding


def run(bench: Bench, *statements: str) -> None:
    """Do something in the database as its master user."""
    document = bench.document("password")
    connection = _pg8000.Connection(
        document["username"],
        host=document["host"],
        port=int(document["port"]),
        database=document["dbname"],
        password=document["password"],
    )
    for statement in statements:
        connection.run(statement)
    connection.close()


def put(bench: Bench, **changed: str) -> None:
    text = json.dumps({**bench.document("password"), **changed})
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=text)


def test_a_new_secret_logs_in_and_has_nothing_before_it(bench: Bench, spec: StackSpec) -> None:
    finding = found(bench, spec)
    assert finding.verdict is Verdict.RIGHT
    # The first version was completed with host and port: the same login.
    assert finding.detail == "AWSCURRENT logs in; AWSPREVIOUS holds no other login"


def test_after_a_rotation_of_a_single_user_the_password_before_is_refused(
    bench: Bench, spec: StackSpec, rotate: Rotation
) -> None:
    rotate()
    assert found(bench, spec) == Finding(
        bench.name("password"), Verdict.RIGHT, "AWSCURRENT logs in; the login before it is refused"
    )


def test_a_previous_password_that_still_works_is_wrong(bench: Bench, spec: StackSpec) -> None:
    put(bench, password="Another-password-2")
    # A PostgreSQL that trusts whoever comes, as a line of pg_hba.conf may say.
    context = during(bench.context(spec, writing=False), log_in=lambda *_, **__: LoggedIn())
    (finding,) = credential_logins(context)
    assert (finding.verdict, "AWSCURRENT logs in, but so does the password before it" in finding.detail) == (
        Verdict.WRONG,
        True,
    )
    assert "pg_hba.conf" in finding.detail


def test_a_database_that_still_has_the_previous_password_is_named_as_the_cause(bench: Bench, spec: StackSpec) -> None:
    put(bench, password="Never-set-anywhere-3")
    finding = found(bench, spec)
    assert finding.verdict is Verdict.WRONG
    assert "the database refuses the AWSCURRENT password: it still has the AWSPREVIOUS password" in finding.detail
    assert f"`secrets-pipeline rotate {bench.name('password')}`" in finding.detail


def test_a_password_that_somebody_changed_in_the_database_is_wrong(bench: Bench, spec: StackSpec) -> None:
    run(bench, "ALTER ROLE owner PASSWORD 'By-hand-4'")
    finding = found(bench, spec)
    assert (finding.verdict, "somebody changed it in the database" in finding.detail) == (Verdict.WRONG, True)


def test_a_password_that_takes_a_moment_to_act_is_waited_for(bench: Bench, spec: StackSpec) -> None:
    put(bench, password="Slow-password-7")
    context, old = bench.context(spec, writing=False), bench.document("password")
    first = bench.secrets.get_secret_value(SecretId=bench.name("password"), VersionStage="AWSPREVIOUS")["SecretString"]

    def sleep(_seconds: float) -> None:
        login = {"host": old["host"], "port": int(old["port"]), "database": "orders"}
        connection = _pg8000.Connection("owner", **login, password=json.loads(first)["password"])
        connection.run("ALTER ROLE owner PASSWORD 'Slow-password-7'")
        connection.close()

    (finding,) = credential_logins(during(context, sleep=sleep))
    assert finding.verdict is Verdict.RIGHT


def test_between_setting_and_finishing_the_pending_password_is_the_databases(bench: Bench, spec: StackSpec) -> None:
    document = bench.document("password")
    run(bench, "ALTER ROLE owner PASSWORD 'Pending-password-5'")
    bench.secrets.put_secret_value(
        SecretId=bench.name("password"),
        SecretString=json.dumps({**document, "password": "Pending-password-5"}),
        VersionStages=["AWSPENDING"],
    )
    finding = found(bench, spec)
    assert (finding.verdict, "a rotation is under way" in finding.detail) == (Verdict.WAITING, True)


@pytest.fixture
def alternating(bench: Bench, spec: StackSpec) -> StackSpec:
    """As a rotation with alternating users leaves it: AWSCURRENT is the clone's, AWSPREVIOUS the first user's."""
    run(bench, f"CREATE ROLE owner_clone LOGIN PASSWORD '{CLONE['password']}'")
    put(bench, masterarn="arn:aws:secretsmanager:eu-west-2:111122223333:secret:master-abcdef", **CLONE)
    return spec


def test_of_alternating_users_both_log_in(bench: Bench, alternating: StackSpec) -> None:
    finding = found(bench, alternating)
    assert (finding.verdict, finding.detail) == (
        Verdict.RIGHT,
        "AWSCURRENT logs in; so does the user before, as the two alternate",
    )


def test_of_alternating_users_the_one_before_must_not_be_locked_out(bench: Bench, alternating: StackSpec) -> None:
    put(bench, username="owner")
    put(bench, **CLONE)
    # AWSPREVIOUS now holds the first user with the clone's password, which is not that user's.
    finding = found(bench, alternating)
    assert (finding.verdict, "the other user of AWSPREVIOUS does not" in finding.detail) == (Verdict.WRONG, True)


def test_another_user_without_alternation_may_be_gone(bench: Bench, spec: StackSpec) -> None:
    run(bench, f"CREATE ROLE owner_clone LOGIN PASSWORD '{CLONE['password']}'", "ALTER ROLE owner PASSWORD 'x-6'")
    put(bench, **CLONE)
    assert found(bench, spec).verdict is Verdict.RIGHT


def test_where_nobody_answers_nothing_is_said_against_the_secret(bench: Bench, spec: StackSpec) -> None:
    put(bench, host="127.0.0.2", port="1")
    finding = found(bench, spec)
    assert finding.verdict is Verdict.WAITING
    assert "127.0.0.2" not in finding.detail
    assert "its host" in finding.detail


def test_no_login_is_tried_where_the_operator_forbids_it(bench: Bench, spec: StackSpec) -> None:
    finding = found(bench, spec, settings=OperatorSettings(database_logins=False))
    assert (finding.verdict, "database_logins is off" in finding.detail) == (Verdict.WAITING, True)


def test_secrets_without_a_login_are_nobodys_concern(bench: Bench) -> None:
    spec = bench.create(bench.declared("api"), bench.generated("plain"))
    assert credential_logins(bench.context(spec, writing=False)) == []


def test_a_value_that_is_no_login_any_more_waits_for_its_shape(bench: Bench, spec: StackSpec) -> None:
    put(bench, engine="nosuch")
    finding = found(bench, spec)
    assert (finding.verdict, "no login can be tried" in finding.detail) == (Verdict.WAITING, True)
