"""The doctor's questions one by one: what is judged, of what AWS says, of a clock, of a database that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from secrets_pipeline.access.reach.simulated import NotSaid, OwnRight, Simulated
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.operations.doctor.databases import databases
from secrets_pipeline.operations.doctor.examination import examine
from secrets_pipeline.operations.doctor.identity import skew
from secrets_pipeline.operations.doctor.keys import keys
from secrets_pipeline.operations.doctor.model import Answer, Verdict
from secrets_pipeline.operations.doctor.quotas import of_concurrency, of_secrets
from secrets_pipeline.operations.doctor.rights import example_context, example_of, judged, statement_rights
from secrets_pipeline.operations.doctor.trail import records_changes, trail
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.observed.login import Address, Login, Unreachable
from secrets_pipeline.reconcilers.run import Run
from tests.bench import Bench, during
from tests.embedded import operator
from tests.grants import TRUSTED

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
DATE = "Sun, 29 Nov 2026 12:00:00 GMT"
ROLE = "arn:aws:iam::111122223333:role/pipeline"


@pytest.mark.parametrize(
    ("date", "off", "verdict"),
    [
        (DATE, timedelta(minutes=5), Verdict.FINE),
        (DATE, timedelta(minutes=5, seconds=1), Verdict.WILL_FAIL),
        (DATE, -timedelta(minutes=6), Verdict.WILL_FAIL),
        ("yesterday", timedelta(), Verdict.UNKNOWN),
        (None, timedelta(), Verdict.UNKNOWN),
    ],
)
def test_a_clock_may_be_five_minutes_off(date: str | None, off: timedelta, verdict: Verdict) -> None:
    assert skew(date, NOON + off).verdict is verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(60, Verdict.FINE), (61, Verdict.WILL_FAIL), (-61, Verdict.FINE)])
def test_a_clock_may_be_a_minute_ahead_where_leases_are_in_s3(seconds: int, verdict: Verdict) -> None:
    assert skew(DATE, NOON + timedelta(seconds=seconds), shared_leases=True).verdict is verdict


def test_a_clock_that_is_off_is_told_by_the_date_of_awss_own_answer(bench: Bench, sessions: Sessions) -> None:
    spec = bench.spec(bench.declared())
    settings = OperatorSettings(grants=TRUSTED)
    for minutes, verdict in ((0, Verdict.FINE), (10, Verdict.WILL_FAIL)):
        run = Run(settings, now=partial(_ahead, minutes))
        rows = list(examine(Assembly(bench.repository(spec), sessions, run), [spec.stack]))
        assert [one.answer.verdict for one in rows if one.question == "clock"] == [verdict]


def test_a_fingerprint_key_that_is_gone_while_secrets_carry_its_marks_stops_an_apply(bench: Bench) -> None:
    spec = bench.create(bench.generated())
    own, *_ = _by(keys([bench.context(spec, writing=False)]), "fingerprint key")
    assert own.verdict is Verdict.FINE
    settings = OperatorSettings(grants=TRUSTED, fingerprint_key="alias/elsewhere")
    [gone] = _by(keys([bench.context(spec, writing=False, settings=settings)]), "fingerprint key")
    assert (gone.verdict, "carry marks" in gone.text, bool(gone.remedy)) == (Verdict.WILL_FAIL, True, True)


def test_a_key_that_a_database_names_is_not_said_to_be_one_of_secrets(bench: Bench) -> None:
    alias = f"alias/{bench.stack}-storage"
    kms = bench.session.client("kms")
    kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    spec = bench.spec(bench.generated(), databases=(bench.database(parameters={"KmsKeyId": alias}),))
    [told] = _by(keys([bench.context(spec, writing=False)]), alias)
    assert (told.verdict, told.text) == (Verdict.FINE, "nothing keeps it from encrypting")


def test_a_database_is_logged_in_to_where_logins_are_on_and_what_hinders_it_is_told(bench: Bench) -> None:
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    stack = bench.context(spec, writing=False)
    [*_, there] = databases(stack)
    assert (there.verdict, "logged in at" in there.text) == (Verdict.FINE, True)

    def unreachable(_address: Address, _password: SecretStr, *, ca_file: str | None = None) -> Login:
        return Unreachable(f"the certificate is not trusted, with {ca_file}")

    [*_, told] = databases(during(bench.context(spec, writing=False), log_in=unreachable))
    assert (told.verdict, "certificate is not trusted" in told.text) == (Verdict.ADVISED, True)
    assert "rds_ca_file" in told.remedy
    off = OperatorSettings(grants=TRUSTED, database_logins=False)
    [*_, silent] = databases(bench.context(spec, writing=False, settings=off))
    assert (silent.verdict, "database_logins is off" in silent.text) == (Verdict.FINE, True)


def test_more_secrets_than_a_region_takes_stop_an_apply() -> None:
    assert of_secrets(500_000, 499_990).verdict is Verdict.FINE
    assert of_secrets(500_001, 499_990).verdict is Verdict.WILL_FAIL


@pytest.mark.parametrize(
    ("rotating", "free", "verdict"),
    [(3, 1000, Verdict.FINE), (3, 10, Verdict.ADVISED), (40, 39, Verdict.ADVISED), (1, 0, Verdict.WILL_FAIL)],
)
def test_what_lambda_runs_at_once_is_compared_with_what_rotates(rotating: int, free: int, verdict: Verdict) -> None:
    found = of_concurrency(rotating, free, 1000)
    assert found.verdict is verdict
    assert (found.remedy == "") is (verdict is Verdict.FINE)


@pytest.mark.parametrize(("most", "remedy"), [(0, "Service Quotas"), (10, "delete-function-concurrency")])
def test_where_lambda_runs_nothing_the_remedy_fits_the_reason(most: int, remedy: str) -> None:
    assert remedy in of_concurrency(1, 0, most).remedy


def test_one_secret_rotates_and_two_rotate() -> None:
    assert "1 secret rotates by" in of_concurrency(1, 10, 10).text
    assert "2 secrets rotate by" in of_concurrency(2, 10, 10).text


def test_a_statement_is_asked_by_names_that_its_patterns_fit_and_keys_that_fulfil_its_condition() -> None:
    condition: dict[str, dict[str, Any]] = {
        "StringEquals": {"kms:ViaService": ["rds.eu-west-2.amazonaws.com", "rds.eu-west-1.amazonaws.com"]},
        "Null": {"kms:ResourceAliases": "true", "kms:EncryptionContext:stack": "false"},
        "ForAnyValue:StringLike": {"kms:EncryptionContext:table": ["secrets-pipeline/*"]},
    }
    assert example_context(condition) == (
        ("kms:encryptioncontext:stack", ("x",)),
        ("kms:encryptioncontext:table", ("secrets-pipeline/x",)),
        ("kms:viaservice", ("rds.eu-west-2.amazonaws.com",)),
    )
    assert [example_of(one) for one in ("*", "key/*", "secret:a-??????")] == ["*", "key/x", "secret:a-AbCdEf"]


def test_what_is_denied_is_told_by_statement_and_what_nobody_said_is_unknown() -> None:
    statement = {"Sid": "Write", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": ["*"]}
    asked = statement_rights(statement, ROLE)
    denied, other = asked.rights
    said: dict[OwnRight, Simulated | NotSaid] = {denied: Simulated("explicitDeny"), other: NotSaid("throttled")}
    first, second = judged([asked], said, ROLE)
    assert (first.verdict, first.about) == (Verdict.WILL_FAIL, "statement Write")
    assert "kms:Encrypt (explicitDeny" in first.text
    assert (second.verdict, second.text) == (Verdict.UNKNOWN, "throttled")


def managed(*fields: Mapping[str, object]) -> Mapping[str, Any]:
    """Advanced selectors of management events, with further fields."""
    return {
        "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}, *fields]}]
    }


@pytest.mark.parametrize(
    ("selectors", "good"),
    [
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, True),
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, False),
        (managed(), True),
        (managed({"Field": "readOnly", "Equals": ["true"]}), False),
        (managed({"Field": "readOnly", "Equals": ["false"]}), True),
        (managed({"Field": "eventSource", "Equals": ["iam.amazonaws.com"]}), False),
        (managed({"Field": "eventSource", "Equals": ["iam.amazonaws.com", "secretsmanager.amazonaws.com"]}), True),
        (managed({"Field": "eventSource", "NotEquals": ["secretsmanager.amazonaws.com"]}), False),
        (managed({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}), True),
        (managed({"Field": "eventSource", "NotStartsWith": ["secrets"]}), False),
        (managed({"Field": "eventSource", "StartsWith": ["secrets"], "EndsWith": [".com"]}), True),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, False),
        ({}, False),
    ],
)
def test_a_trail_records_changes_by_either_kind_of_selectors(selectors: Mapping[str, Any], good: bool) -> None:
    assert records_changes(selectors, "secretsmanager.amazonaws.com") is good


def test_a_trail_may_leave_out_single_services() -> None:
    """The first is the usual one: of basic selectors, KMS and the Data API of RDS alone can be left out."""
    services = [f"{one}.amazonaws.com" for one in ("secretsmanager", "kms", "iam", "organizations")]
    basic = {"EventSelectors": [{"ReadWriteType": "All", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]}
    assert [records_changes(basic, one) for one in services] == [True, False, True, True]
    advanced = managed({"Field": "eventSource", "NotEquals": ["iam.amazonaws.com", "organizations.amazonaws.com"]})
    assert [records_changes(advanced, one) for one in services] == [True, True, False, False]


def _ahead(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def _by(answers: Iterable[Answer], about: str) -> list[Answer]:
    return [one for one in answers if one.about == about]


IN_ANOTHER = "this region only, and events of iam.amazonaws.com, organizations.amazonaws.com are recorded in another"
TRAILS: list[tuple[str, dict[str, Any], str]] = [
    ("us-east-1", {}, ""),
    ("us-east-1", {"IncludeGlobalServiceEvents": False}, "leaves out iam.amazonaws.com, as IncludeGlobalServiceEvents"),
    ("eu-west-2", {}, IN_ANOTHER),
    ("eu-west-2", {"IsMultiRegionTrail": True}, ""),
]


@pytest.mark.parametrize(("region", "given", "lack"), TRAILS)
def test_events_of_global_services_are_recorded_in_one_region_of_a_partition(
    bench: Bench, region: str, given: dict[str, Any], lack: str
) -> None:
    spec = bench.spec(bench.declared())
    spec = spec.model_copy(update={"target": spec.target.model_copy(update={"region": region})})
    events = EventSettings(queue="events", region=region)
    stack = bench.context(spec, writing=False, settings=OperatorSettings(grants=TRUSTED, events=events))
    cloudtrail, s3 = operator(bench.aws, region).client("cloudtrail"), operator(bench.aws, "us-east-1").client("s3")
    s3.create_bucket(Bucket="trails")
    cloudtrail.create_trail(Name="one", S3BucketName="trails", **given)
    cloudtrail.start_logging(Name="one")
    [told] = trail([stack])
    cloudtrail.delete_trail(Name="one")
    s3.delete_bucket(Bucket="trails")
    assert (told.verdict is Verdict.FINE) is (lack == "")
    assert lack in told.text
