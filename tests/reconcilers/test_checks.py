"""What the checks see: right, waiting or wrong, and never a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.as_declared import as_declared
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.connection.checks import connections
from secrets_pipeline.reconcilers.database.checks import logins
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.checks import current_values

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.finding import Finding
    from tests.bench import Bench

URL = "postgresql://owner:${output.secrets.generated_passwords.password}@${output.rds.endpoint}/orders"


def only(findings: list[Finding]) -> tuple[Verdict, str]:
    (finding,) = findings
    return finding.verdict, finding.detail


def connection(bench: Bench) -> SecretSpec:
    return bench.declared("connection", URL, needs_endpoint=True, depends_on=(bench.ref("password"),))


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.create(bench.generated(), connection(bench), databases=(bench.database(),))


def test_what_is_as_declared_is_right_and_costs_no_value(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec, writing=False)
    bench.reset_calls()
    for stage in ("secrets", "rds_instances", "rds_endpoints", "connection_secrets", "secret_policies"):
        assert {one.verdict for one in as_declared(context, stage, deep=True)} <= {Verdict.RIGHT}
    assert only(current_values(context, connections=False))[0] is Verdict.RIGHT
    assert only(connections(context, deep=False)) == (
        Verdict.RIGHT,
        "rendered from the current endpoint and credentials",
    )
    assert only(logins(context, deep=False))[0] is Verdict.RIGHT
    assert bench.calls()["GetSecretValue"] == 0


def test_a_difference_and_a_name_that_is_not_ours_are_wrong_and_a_waiting_one_waits(bench: Bench) -> None:
    bench.create(bench.declared())
    edited = bench.spec(bench.declared(description="new"))
    assert only(as_declared(bench.context(edited), "secrets", deep=False))[0] is Verdict.WRONG
    late = bench.spec(bench.declared(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    assert only(as_declared(bench.context(late), "secrets", deep=False))[0] is Verdict.WAITING
    missing = bench.spec(bench.declared("missing"))
    verdicts = {one.name: one.verdict for one in as_declared(bench.context(missing), "secrets", deep=False)}
    assert verdicts == {bench.name("missing"): Verdict.WRONG, bench.name("api"): Verdict.WAITING}
    bench.secrets.create_secret(Name=bench.name("theirs"), SecretString="x")
    theirs = bench.spec(bench.declared(), bench.declared("theirs"))
    found = as_declared(bench.context(theirs), "secrets", deep=False)[1]
    assert (found.verdict, "adopt" in found.detail) == (Verdict.WRONG, True)


def test_a_current_value_is_looked_for_under_the_declared_key(bench: Bench) -> None:
    bench.create(bench.declared(), keys=(bench.key(),))
    assert only(current_values(bench.context(bench.spec(bench.declared("missing"))), connections=False)) == (
        Verdict.WRONG,
        "does not exist",
    )
    under = bench.declared(kms_key=bench.late("${output.kms.key_arn}"))
    wrong = bench.spec(under, keys=(bench.key(),))
    assert only(current_values(bench.context(wrong), connections=False)) == (
        Verdict.WRONG,
        "is encrypted under the default key",
    )
    waiting = bench.spec(under, keys=(bench.key().model_copy(update={"alias": f"{bench.alias}-other"}),))
    assert only(current_values(bench.context(waiting), connections=False))[0] is Verdict.WAITING
    bench.secrets.delete_secret(SecretId=bench.name("api"), RecoveryWindowInDays=7)
    assert only(current_values(bench.context(bench.spec(bench.declared())), connections=False)) == (
        Verdict.WRONG,
        "is scheduled for deletion",
    )
    empty = bench.spec(bench.declared("empty"))
    bench.start_without_value(empty)
    assert only(current_values(bench.context(empty), connections=False)) == (
        Verdict.WRONG,
        "has no current value",
    )


def test_a_connection_is_compared_by_its_inputs_and_deep_by_its_value(bench: Bench, spec: StackSpec) -> None:
    password = bench.value("password")
    assert only(connections(bench.context(spec), deep=True)) == (
        Verdict.RIGHT,
        "value read: it matches endpoint and credentials",
    )
    bench.secrets.put_secret_value(SecretId=bench.name("connection"), SecretString="by hand")
    assert only(connections(bench.context(spec), deep=False))[0] is Verdict.RIGHT
    assert only(connections(bench.context(spec), deep=True)) == (
        Verdict.WRONG,
        "its value was changed by somebody else",
    )
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="rotated")
    verdict, detail = only(connections(bench.context(spec), deep=False))
    assert (verdict, "another credentials version" in detail) == (Verdict.WRONG, True)
    for deep in (False, True):
        assert password not in str(connections(bench.context(spec), deep=deep))


def test_a_credentials_document_is_compared_by_its_inputs_and_deep_by_its_value(bench: Bench) -> None:
    document = bench.generated(fields={"engine": "postgres", "host": "${output.rds.address}"})
    spec = bench.create(document, databases=(bench.database(),))
    context = bench.context(spec)
    assert only(connections(context, deep=False)) == (Verdict.RIGHT, "completed from the current endpoint")
    assert only(connections(context, deep=True)) == (Verdict.RIGHT, "value read: its fields match the endpoint")
    stored = bench.document("password")
    by_hand = json.dumps({**stored, "host": "elsewhere", "note": "theirs"})
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=by_hand)
    assert only(connections(bench.context(spec), deep=False))[0] is Verdict.RIGHT
    verdict, detail = only(connections(bench.context(spec), deep=True))
    assert (verdict, detail) == (Verdict.WRONG, "fields of its value were changed by somebody else")
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=stored["password"])
    verdict, detail = only(connections(bench.context(spec), deep=True))
    assert (verdict, detail) == (Verdict.WRONG, "the value is not JSON, so it has no fields")


def test_a_connection_without_its_sources_waits_and_one_without_a_value_is_wrong(bench: Bench, spec: StackSpec) -> None:
    early = bench.spec(
        bench.generated("other"),
        bench.declared("early", URL.replace("password}", "other}"), needs_endpoint=True),
        databases=(bench.database(),),
    )
    assert only(connections(bench.context(early), deep=False))[0] is Verdict.WAITING
    bench.secrets.delete_secret(SecretId=bench.name("connection"), ForceDeleteWithoutRecovery=True)
    assert only(connections(bench.context(spec), deep=True)) == (Verdict.WRONG, "has no value")


def test_a_login_is_believed_while_it_is_recorded_and_tried_when_asked(bench: Bench, spec: StackSpec) -> None:
    verdict, detail = only(logins(bench.context(spec), deep=True))
    assert (verdict, detail.startswith("logged in at 127.0.0.1:")) == (Verdict.RIGHT, True)
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="another-one")
    verdict, detail = only(logins(bench.context(spec), deep=False))
    assert (verdict, detail.endswith("refuses the password")) == (Verdict.WRONG, True)
    bench.rds.stop_db_instance(DBInstanceIdentifier=bench.stack)
    assert only(logins(bench.context(spec), deep=True)) == (Verdict.WAITING, "instance is stopped")
    missing = bench.database().model_copy(update={"identifier": "nobody"})
    context = bench.context(spec.model_copy(update={"databases": (missing,)}), options=ApplyOptions())
    assert only(logins(context, deep=True)) == (Verdict.WRONG, "RDS instance nobody does not exist yet")


def test_where_no_login_is_tried_a_check_waits_instead_of_trying(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec, settings=OperatorSettings(database_logins=False))
    verdict, detail = only(logins(context, deep=True))
    assert (verdict, detail) == (Verdict.WAITING, "database_logins is off in the operator's settings")


def test_a_password_that_rds_owns_is_not_judged(bench: Bench) -> None:
    managed = bench.database(password=None, manage_master_user_password=True)
    assert logins(bench.context(bench.spec(databases=(managed,))), deep=True) == []
