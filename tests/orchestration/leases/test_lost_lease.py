"""A run whose lease another run took over never ends as succeeded; and who takes one over compares deeply."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.aws.leases.model import Claim
from secrets_pipeline.aws.leases.opening import shared_leases
from secrets_pipeline.aws.leases.s3 import S3LeaseStore
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.emulator import LocalAws, empty
from secrets_pipeline.engine.model import Looked, Outcome, Total
from secrets_pipeline.orchestration.in_process.running import RunReport, provision
from secrets_pipeline.orchestration.shared.resources import StageProgress, quiet
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import lead_to, operator
from tests.orchestration.conftest import Repository
from tests.orchestration.leases.conftest import TARGETS
from tests.orchestration.leases.ground import BUCKET, World, in_bucket

pytestmark = pytest.mark.usefixtures("over_http")

LONG = 3_600
SID = "OverTls"
POLICY = {
    "Statement": [
        {
            "Sid": SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalTag/a": "b"}},
        }
    ]
}


class Ground:
    """A stack `a` with a secret that has a policy, whose leases are in a bucket."""

    def __init__(self, aws: LocalAws, repository: Repository, folder: Path, world: World) -> None:
        self.aws, self.world = aws, world
        self._repository, self._folder = repository, folder
        self.secrets = operator(aws).client("secretsmanager")
        leases = dict(in_bucket(aws)["leases"])
        del leases["takeover_delay"]
        repository.settings = {**TARGETS, "leases": leases}
        self.leases = shared_leases(BucketLeases(bucket=BUCKET, region=aws.region), Sessions())
        self.key = f"{aws.account_id}-a"

    def apply(self, *, tags: dict[str, str] | None = None, progress: StageProgress = quiet) -> RunReport:
        secret = {"generate_random_password": True, "policy": POLICY, "tags": tags or {}}
        self._repository.tree = {"a": {"secretsmanager": {"context_name": "a", "secrets": {"one": secret}}}}
        self._repository.write()
        report, _ = provision("a", base_path=self._folder, options=ApplyOptions(), progress=progress)
        return report

    def take_over(self) -> None:
        """As another host does, once the lease expired; it goes on for good."""
        self.leases.look(self.key, "")
        self.leases.look(self.key, self._holder())
        self.world.pass_by(LONG)
        self.leases.take(self.key, Claim("next", "host-b"), patience=0)

    def die(self) -> None:
        """Leave an expired lease."""
        self.leases.take(self.key, Claim("dead", "host-b"), patience=0)
        self.leases.look(self.key, "dead")
        self.world.pass_by(LONG)

    def _holder(self) -> str:
        there = S3LeaseStore(operator(self.aws).client("s3"), BUCKET).read(self.key)
        assert there is not None
        return there.record.run_id

    @property
    def secret(self) -> str:
        (found,) = self.secrets.list_secrets()["SecretList"]
        return found["ARN"]

    def policy(self) -> str | None:
        return self.secrets.get_resource_policy(SecretId=self.secret).get("ResourcePolicy")


@pytest.fixture
def ground(
    aws: LocalAws, repository: Repository, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    empty(aws)
    lead_to(aws, monkeypatch)
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return Ground(aws, repository, tmp_path, world)


def test_a_run_whose_last_write_was_answered_after_another_run_took_over_fails_and_names_it(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ground.apply().success
    stages: list[str] = []
    sent: list[bytes] = []
    send, answer = http.client.HTTPConnection.send, http.client.HTTPConnection.getresponse

    def progress(stage: str, _told: Total | Looked | Outcome) -> None:
        stages.append(stage)

    def sending(connection: http.client.HTTPConnection, data: Any) -> None:  # noqa: ANN401 - as it is called
        if b"secretsmanager.TagResource" in data and "secrets" in stages:
            sent.append(data)
        send(connection, data)

    def answering(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        answered = answer(connection)
        if len(sent) == 1:
            sent.append(b"")
            ground.take_over()
        return answered

    monkeypatch.setattr(http.client.HTTPConnection, "send", sending)
    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", answering)
    report = ground.apply(tags={"team": "payments"}, progress=progress)
    assert len(sent) == 2
    assert not report.success
    assert report.error is not None
    assert "another run took over the lease" in report.error
    assert "run next on host host-b" in report.error
    assert "AWS answered these calls after this run could no longer trust its lease: TagResource" in report.error


def test_a_run_that_lost_its_lease_after_its_last_write_fails(ground: Ground) -> None:
    def progress(stage: str, told: Total | Looked | Outcome) -> None:
        if stage == "stack_report" and isinstance(told, Total):
            ground.take_over()

    report = ground.apply(progress=progress)
    assert not report.success
    assert "another run took over the lease" in (report.error or "")
    assert "AWS answered" not in (report.error or "")


@pytest.mark.parametrize("expired", [True, False])
def test_who_takes_an_expired_lease_over_compares_deeply_and_nobody_else_does(ground: Ground, *, expired: bool) -> None:
    assert ground.apply().success
    assert SID in (ground.policy() or "")
    if expired:
        ground.die()
    # As a late write does that a mark knows nothing of.
    ground.secrets.delete_resource_policy(SecretId=ground.secret)
    assert ground.apply().success
    assert (SID in (ground.policy() or "")) is expired
    # It was compared as a whole, so the next run need not.
    ground.secrets.delete_resource_policy(SecretId=ground.secret)
    assert ground.apply().success
    assert ground.policy() is None
