"""What runs of a stack report of its published secrets: each new version once, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.in_process.running import execute
from secrets_pipeline.orchestration.pages.declared import VERSION_TAG
from secrets_pipeline.orchestration.published.reporting import Publishing
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.publish import Publish, published_key
from secrets_pipeline.orchestration.shared.resources import Asked, StageProgress, quiet
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.runs import assert_succeeded

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NAMES = Names("payments")
PUBLISH = Publish(("published*/dev/*",))
VERIFIES = {VERIFY_TAG: "true"}
_NUMBERS = count(1)


class Stack:
    """A stack with three secrets, the runs of its code location, and what their sensor reports.

    Attributes:
        name: of the stack.
        said: what the sensor said after the last run.
        requested: how often an asset of another team that depends on `other`, with `eager()`, was requested then.
    """

    def __init__(self, repository: Repository, aws: emulator.LocalAws) -> None:
        context = f"published{next(_NUMBERS)}"
        self.name = f"{context}-dev"
        self.said: list[str] = []
        self.requested = 0
        self._theirs: dg.Definitions | None = None
        self._cursor: Any = None
        self.token, self.other, self.rendered = (f"{context}/dev/{name}" for name in ("token", "other", "rendered"))
        self.declared: dict[str, Any] = {
            "token": {"generate_random_password": True},
            "other": {"secret_data": "first"},
            "rendered": {"secret_data": {"token": "${output.secretsmanager.generated_passwords.token}"}},
        }
        place = {"environment": "dev", "region": aws.region, "account_id": aws.account_id, "context_name": context}
        self._repository = repository
        self._repository.tree = {self.name: {"secretsmanager": {**place, "secrets": self.declared}}}
        self.secrets: SecretsManagerClient = boto3.client("secretsmanager")

    def run(self, job: str, **tags: str) -> None:
        assert_succeeded(self._execute(job, tags))
        self._look()

    def kill_before_the_checks(self) -> None:
        """An apply that ends before its last step."""

        def progress(stage: str, _told: object) -> None:
            if stage == "stack_report":
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            assert not self._execute("provision", {}, progress).success
        self._look()

    def _execute(self, job: str, tags: dict[str, str], progress: StageProgress = quiet) -> dg.ExecuteInProcessResult:
        asked = Asked(desired=self._repository.desired(), publish=PUBLISH.globs)
        return execute(job, self.name, build_definitions(progress, asked, names=NAMES), tags)

    def _look(self) -> None:
        with open_instance() as instance:
            self._evaluate(instance)
            self.said = list(Publishing(NAMES, PUBLISH, CHECKS).report(instance, self.name))
            self.requested = self._evaluate(instance)

    def _evaluate(self, instance: dg.DagsterInstance) -> int:
        """As the daemon evaluates the conditions of another code location."""
        found = dg.evaluate_automation_conditions(self._their_definitions(), instance, cursor=self._cursor)
        self._cursor = found.cursor
        return found.total_requested

    def _their_definitions(self) -> dg.Definitions:
        if self._theirs is None:
            key = published_key(NAMES, self.other)

            @dg.asset(deps=[key], automation_condition=dg.AutomationCondition.eager())
            def dashboard() -> None:
                pass

            self._theirs = dg.Definitions(assets=[dashboard, dg.AssetSpec(key)])
        return self._theirs

    def reports(self, secret: str) -> list[dg.AssetMaterialization]:
        """The first one first."""
        with open_instance() as instance:
            key = published_key(NAMES, secret)
            records = instance.fetch_materializations(key, limit=100, ascending=True).records
        return [one.asset_materialization for one in records if one.asset_materialization]

    def versions(self, secret: str) -> list[str]:
        """Data versions that were reported."""
        return [(one.tags or {})[VERSION_TAG] for one in self.reports(secret)]

    def current(self, secret: str) -> str:
        """The AWSCURRENT version."""
        labels = self.secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        return next(version for version, stages in labels.items() if "AWSCURRENT" in stages)

    def put(self, secret: str, text: str) -> str:
        """A new version that somebody else writes."""
        return self.secrets.put_secret_value(SecretId=secret, SecretString=text)["VersionId"]


@pytest.fixture
def stack(repository: Repository, aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """One that was applied once."""
    lead_to(aws, monkeypatch, DAGSTER_HOME=str(tmp_path / "home"), SECRETS_PIPELINE_NAME=NAMES.location)
    made = Stack(repository, aws)
    made.run("provision")
    return made


def test_an_apply_that_changed_a_value_reports_it_and_no_other_run_does(stack: Stack) -> None:
    every = (stack.token, stack.other, stack.rendered)
    first = {secret: [stack.current(secret)] for secret in every}
    assert {secret: stack.versions(secret) for secret in every} == first
    assert stack.requested == 1
    for job, tags in (("provision", {}), ("verify", VERIFIES), ("on_rotation", VERIFIES)):
        stack.run(job, **tags)
        assert (stack.said, stack.requested) == ([], 0)
    stack.declared["other"]["secret_data"] = "second"
    stack.run("provision")
    assert stack.requested == 1
    first[stack.other].append(stack.current(stack.other))
    assert {secret: stack.versions(secret) for secret in every} == first
    report = stack.reports(stack.other)[-1]
    shown: Any = report.metadata["secret"].value
    lines = [record.data["secret"].replace(" ", "") for record in shown.records]
    arn = stack.secrets.describe_secret(SecretId=stack.other)["ARN"]
    assert {stack.other, f"version{stack.current(stack.other)}", f"stack{stack.name}", arn} < set(lines)
    # What the embedded AWS holds is on no page of the console.
    assert "console" not in report.metadata


def test_what_a_killed_run_wrote_is_reported_by_the_next_one(stack: Stack) -> None:
    stack.declared["other"]["secret_data"] = "second"
    stack.kill_before_the_checks()
    assert stack.said == []
    assert len(stack.versions(stack.other)) == 1
    stack.run("provision")
    assert stack.versions(stack.other)[1:] == [stack.current(stack.other)]


def test_what_somebody_else_wrote_is_reported_when_a_run_has_tried_it(stack: Stack) -> None:
    version = stack.put(stack.token, "of-a-rotation-function")
    stack.run("provision")
    untried = "the pipeline did not write it, and no run has tried it since"
    assert f"{stack.token} of {stack.name}: version {version} is not reported yet: {untried}" in stack.said
    # The pipeline wrote what it rendered from it.
    assert stack.versions(stack.rendered)[1:] == [stack.current(stack.rendered)]
    stack.run("on_rotation", **VERIFIES)
    assert stack.versions(stack.token)[1:] == [version]
    assert len(stack.versions(stack.rendered)) == 2


def test_a_red_check_holds_the_secret_that_it_speaks_of_and_no_other(stack: Stack) -> None:
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    stack.secrets.update_secret(SecretId=stack.other, KmsKeyId=key)
    other, token = stack.put(stack.other, "third"), stack.put(stack.token, "of-a-rotation-function")
    stack.run("verify", **VERIFIES)
    assert stack.versions(stack.token)[1:] == [token]
    held = "is not reported yet: secrets_have_current_values is not green"
    assert f"{stack.other} of {stack.name}: version {other} {held}" in stack.said
    stack.secrets.update_secret(SecretId=stack.other, KmsKeyId="alias/aws/secretsmanager")
    stack.run("verify", **VERIFIES)
    assert stack.versions(stack.other)[1:] == [other]
