"""Who read secrets, asked of the CloudTrail of an embedded AWS, which is told of the calls that it really gets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.session
import pytest

from secrets_pipeline.access.controls.judging import judge, needs_reads
from secrets_pipeline.access.controls.model import Failed, Passed, Unknown
from secrets_pipeline.access.controls.reads import LastReads, UnreadReads
from secrets_pipeline.access.reach.usage import HISTORY, last_reads
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.aws.quotas import quota_of
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.verification.model import ControlParameters
from secrets_pipeline.emulator import (
    FaultAction,
    InjectedFault,
    LocalAws,
    RateQuota,
    arm,
    calls,
    enforce_quotas,
    reset_calls,
    reset_conditions,
)
from tests.embedded import lead_to, operator

ACCOUNT, REGION = "111122223333", "eu-west-2"
OWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops/pipeline"
APP_ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
_numbers = itertools.count()


class Bench:
    """An account whose secrets are read by sessions of roles.

    Args:
        aws: the embedded AWS.
    """

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.base = operator(aws, REGION)
        self.account: AwsAccount = Sessions(self.base).for_target(Target(account_id=ACCOUNT, region=REGION))
        self.made = self.account.client("secretsmanager")
        self.started = datetime.now(UTC).replace(microsecond=0)

    def secret(self, **members: object) -> SecretSnapshot:
        """A secret that exists, and that a snapshot takes for old and lately read."""
        name = f"test/{next(_numbers)}"
        arn = self.made.create_secret(Name=name, SecretString="canary-of-usage")["ARN"]
        now = datetime.now(UTC)
        old: dict[str, Any] = {"created_at": now - timedelta(days=400), "accessed_at": now}
        return SecretSnapshot(**{"arn": arn, "name": name, **old, **members})

    def session(self, role_arn: str, session: str = "run-1") -> boto3.Session:
        sts: Any = self.base.client("sts", endpoint_url=self.aws.endpoint_url)
        keys = sts.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
        return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION)

    def read(self, secret_id: str, role_arn: str = APP_ROLE, session: str = "run-1", times: int = 1) -> None:
        client: Any = self.session(role_arn, session).client("secretsmanager", endpoint_url=self.aws.endpoint_url)
        for _ in range(times):
            client.get_secret_value(SecretId=secret_id)

    def look_ups(self) -> int:
        return sum(call.count for call in calls(self.aws) if call.operation == "LookupEvents")


@pytest.fixture
def bench(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    lead_to(aws, monkeypatch)
    reset_calls(aws)
    bench = Bench(aws)
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*"}]}'
    everything = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    iam: Any = bench.base.client("iam", endpoint_url=aws.endpoint_url)
    present = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    for name, path in {"pipeline": "/ops/", "orders": "/"}.items():
        if name not in present:
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=everything)
    yield bench
    reset_conditions(aws)


def a_day_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


def looked_up(bench: Bench, since: datetime | None = None, **given: Any) -> LastReads:  # noqa: ANN401 - of last_reads
    found = last_reads(bench.account, since=since or bench.started, **given)
    assert isinstance(found, LastReads), found
    return found


@pytest.mark.needs("cloudtrail:LookupEvents")
def test_the_control_passes_by_the_read_of_another_and_fails_by_the_pipelines_own(bench: Bench) -> None:
    used, unused = bench.secret(), bench.secret()
    bench.read(used.name)
    for secret in (used, unused):
        bench.read(secret.name, OWN_ROLE, "secrets-pipeline")
    now = datetime.now(UTC)
    assert all(needs_reads(secret, ControlParameters(), now=now) for secret in (used, unused))
    reads = last_reads(bench.account, since=now - timedelta(days=90), exclude=(OWN_ROLE,))
    judged = [judge(secret, ControlParameters(), now=now, reads=reads)[2].judgement for secret in (used, unused)]
    assert judged == [
        Passed(f"arn:aws:sts::{ACCOUNT}:assumed-role/orders/run-1 read it today"),
        Failed("nobody but the pipeline has read it in the last 90 days"),
    ]


def test_a_read_by_an_application_is_found_by_name_and_by_arn(bench: Bench) -> None:
    by_name, by_arn, unread = bench.secret(), bench.secret(), bench.secret()
    bench.read(by_name.name)
    bench.read(by_arn.arn)
    reads = looked_up(bench)
    for secret in (by_name, by_arn):
        read = reads.of(secret)
        assert read is not None
        assert read.by == f"arn:aws:sts::{ACCOUNT}:assumed-role/orders/run-1"
        assert abs(datetime.now(UTC) - read.at) < timedelta(minutes=1)
    assert reads.of(unread) is None
    assert "canary-of-usage" not in repr(reads)


@pytest.mark.parametrize(
    "exclude", [OWN_ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/pipeline/another-run", "secrets-pipeline"]
)
def test_reads_of_the_pipelines_role_or_sessions_do_not_count(bench: Bench, exclude: str) -> None:
    own, both = bench.secret(), bench.secret()
    bench.read(both.name)
    for secret in (own, both):
        bench.read(secret.name, OWN_ROLE, "secrets-pipeline")
    assert looked_up(bench).of(own) is not None
    reads = looked_up(bench, exclude=(exclude,))
    assert reads.of(own) is None
    read = reads.of(both)
    assert read is not None
    assert read.by.endswith("/orders/run-1")


def test_a_role_of_the_same_name_in_another_account_is_another_role(bench: Bench) -> None:
    secret = bench.secret()
    bench.read(secret.name)
    stranger = "arn:aws:iam::444455556666:role/orders"
    assert looked_up(bench, exclude=(stranger,)).of(secret) is not None
    assert looked_up(bench, exclude=(APP_ROLE,)).of(secret) is None


def test_reads_of_an_excluded_user_do_not_count(bench: Bench) -> None:
    secret = bench.secret()
    bench.made.get_secret_value(SecretId=secret.name)
    me = bench.account.client("sts").get_caller_identity()["Arn"]
    assert looked_up(bench).of(secret) is not None
    assert looked_up(bench, exclude=(me,)).of(secret) is None


def test_a_read_that_was_refused_is_none(bench: Bench) -> None:
    secret = bench.secret()
    arm(bench.aws, InjectedFault(FaultAction.DENY, service="secretsmanager", operation="GetSecretValue"))
    with pytest.raises(bench.made.exceptions.ClientError):
        bench.made.get_secret_value(SecretId=secret.arn)
    assert looked_up(bench).of(secret) is None


def test_cloudtrail_that_refuses_is_unread_with_its_reason_and_leaves_the_control_unknown(bench: Bench) -> None:
    secret = bench.secret()
    arm(bench.aws, InjectedFault(FaultAction.DENY, service="cloudtrail", operation="LookupEvents"))
    reads = last_reads(bench.account, since=a_day_ago())
    assert isinstance(reads, UnreadReads)
    assert "LookupEvents" in reads.reason
    assert "AccessDenied" in reads.reason
    judgement = judge(secret, ControlParameters(), now=datetime.now(UTC), reads=reads)[2].judgement
    assert isinstance(judgement, Unknown)
    assert reads.reason in judgement.reason


def test_cloudtrail_goes_no_further_back_than_90_days(bench: Bench) -> None:
    reads = looked_up(bench, since=datetime.now(UTC) - timedelta(days=365))
    assert abs(reads.since - (datetime.now(UTC) - HISTORY)) < timedelta(minutes=1)
    later = a_day_ago()
    assert looked_up(bench, since=later).since == later


def test_where_others_read_a_lot_the_calls_end_and_it_is_said_from_when_on_all_is_known(bench: Bench) -> None:
    quiet, busy = bench.secret(), bench.secret()
    bench.read(quiet.name)
    bench.read(busy.name, times=60)
    before = bench.look_ups()
    reads = looked_up(bench, a_day_ago(), most_calls=1)
    assert bench.look_ups() - before == 1
    assert "1 calls" in reads.limited
    assert reads.of(quiet) is None
    assert reads.since > a_day_ago() + timedelta(hours=23)
    now = datetime.now(UTC)
    judged = [judge(one, ControlParameters(), now=now, reads=reads)[2].judgement for one in (quiet, busy)]
    assert isinstance(judged[0], Unknown)
    assert reads.limited in judged[0].reason
    assert isinstance(judged[1], Passed)


def test_an_outage_on_the_way_keeps_what_was_found(bench: Bench) -> None:
    quiet, busy = bench.secret(), bench.secret()
    bench.read(quiet.name)
    bench.read(busy.name, times=60)
    arm(bench.aws, InjectedFault(FaultAction.DENY, at=2, service="cloudtrail", operation="LookupEvents"))
    reads = looked_up(bench, a_day_ago())
    assert reads.of(busy) is not None
    assert reads.of(quiet) is None
    assert "AccessDenied" in reads.limited
    assert reads.since > a_day_ago() + timedelta(hours=23)


def test_calls_end_as_soon_as_every_secret_that_matters_is_found(bench: Bench) -> None:
    quiet, busy = bench.secret(), bench.secret()
    bench.read(quiet.name)
    bench.read(busy.name, times=60)
    before = bench.look_ups()
    assert looked_up(bench, secrets=(busy,)).of(busy) is not None
    assert bench.look_ups() - before == 1
    assert looked_up(bench, secrets=(busy, quiet)).of(quiet) is not None


def test_look_ups_are_paced_below_cloudtrails_rate(bench: Bench) -> None:
    model = botocore.session.Session().get_service_model("cloudtrail")
    quota = quota_of("LookupEvents", "cloudtrail")
    assert quota is not None
    assert (quota.per_second, model.service_id.hyphenize()) == (2, "cloudtrail")
    bench.read(bench.secret().name, times=160)
    enforce_quotas(bench.aws, [RateQuota("cloudtrail", "look-ups", 2, ("LookupEvents",))])
    reset_calls(bench.aws)
    looked_up(bench)
    made = [call for call in calls(bench.aws) if call.operation == "LookupEvents"]
    assert sum(call.count for call in made) >= 4
    assert {call.status for call in made} == {200}
