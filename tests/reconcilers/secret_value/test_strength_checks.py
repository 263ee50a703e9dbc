"""The shape of values: what is wrong is named by key, and no value is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.secret.model import SecretType
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed

if TYPE_CHECKING:
    from tests.bench import Bench

GOOD = {"engine": "postgres", "host": "db.example", "port": 5432, "username": "owner", "password": "Canary-pass-9"}


def judged(bench: Bench, spec: StackSpec, key: str) -> tuple[Verdict, str]:
    found = {one.name: one for one in secret_values_well_formed(bench.context(spec, writing=False))}
    return found[bench.name(key)].verdict, found[bench.name(key)].detail


def put(bench: Bench, key: str, value: object) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    bench.secrets.put_secret_value(SecretId=bench.name(key), SecretString=text)


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.create(
        bench.declared("login", GOOD, type=SecretType.CREDENTIALS), bench.declared("text"), bench.declared("other")
    )


def test_values_as_declared_are_right(bench: Bench, spec: StackSpec) -> None:
    found = secret_values_well_formed(bench.context(spec, writing=False))
    assert {one.verdict for one in found} == {Verdict.RIGHT}
    assert len(found) == 3


def without(*keys: str, **more: object) -> dict[str, object]:
    return {key: value for key, value in {**GOOD, **more}.items() if key not in keys}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (without("host"), "its JSON lacks host: put that into the value, or go back"),
        (without("password", "username"), "its JSON lacks password, username"),
        (without(password=""), "a secret of type credentials needs password"),
        (without(host=7), "no text under the key host"),
        (without(port="many"), "no port number under the key port"),
        (without(engine="nosuch", username=9), "its JSON has no text under username"),
        ("Canary-pass-9", "is no JSON object, as the stack declares one"),
        ("[1]", "is no JSON object, as the stack declares one"),
    ],
)
def test_what_a_rotation_function_could_not_read_is_named_without_its_value(
    bench: Bench, spec: StackSpec, value: object, problem: str
) -> None:
    put(bench, "login", value)
    verdict, detail = judged(bench, spec, "login")
    assert (verdict, problem in detail) == (Verdict.WRONG, True), detail
    assert "Canary-pass-9" not in detail


@pytest.mark.parametrize("value", [without(port="5433"), without("port"), without(engine="oracle-se2", note="more")])
def test_what_rotation_takes_is_right(bench: Bench, spec: StackSpec, value: dict[str, Any]) -> None:
    put(bench, "login", {**value, "port": value.get("port", "")})
    assert judged(bench, spec, "login")[0] is Verdict.RIGHT


def test_one_value_that_cannot_be_judged_hides_no_other(bench: Bench, spec: StackSpec) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("text"), SecretBinary=b"\x00")
    bench.secrets.delete_secret(SecretId=bench.name("other"), RecoveryWindowInDays=7)
    found = {one.name: one.verdict for one in secret_values_well_formed(bench.context(spec, writing=False))}
    assert found == {
        bench.name("login"): Verdict.RIGHT,
        bench.name("text"): Verdict.WRONG,
        bench.name("other"): Verdict.WAITING,
    }


@pytest.mark.parametrize(
    ("password", "problem"),
    [("short", "not of 8 to 128"), ("a" * 129, "not of 8 to 128"), ("slash/slash", "RDS does not take")],
)
def test_a_master_password_that_rds_refuses_is_wrong(bench: Bench, password: str, problem: str) -> None:
    document = bench.generated(fields={"engine": "postgres", "host": "${output.rds.address}", "username": "owner"})
    spec = bench.create(document, databases=(bench.database(),))
    assert judged(bench, spec, "password")[0] is Verdict.RIGHT
    put(bench, "password", {**bench.document("password"), "password": password})
    verdict, detail = judged(bench, spec, "password")
    assert (verdict, problem in detail, password in detail) == (Verdict.WRONG, True, False)


def test_a_key_that_waits_for_its_database_is_not_missed(bench: Bench) -> None:
    document = bench.generated(fields={"engine": "postgres", "host": "${output.rds.address}", "username": "owner"})
    spec = bench.spec(document, databases=(bench.database(create=False),))
    bench.provision(spec)
    verdict, detail = judged(bench, spec, "password")
    assert verdict is Verdict.WAITING, detail
