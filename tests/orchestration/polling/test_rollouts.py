"""Consumers that are started anew in real runs: the check, and the sensor that follows what takes longer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.pages.metadata import data_of
from secrets_pipeline.orchestration.polling.rollouts import CHECK, PATIENCE, REFRESHED, Cursor
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.verification.stack_check import open_of
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.embedded import emptied, lead_to
from tests.runs import assert_succeeded

DEV = "shop-dev"
ROLE = "arn:aws:iam::111122223333:role/orders"
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}
ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
STACK = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    settings: {secrets_pipeline: {dialect: tf-atmos}}
    components:
      terraform:
        secretsmanager:
          vars: {secrets: {token: {generate_random_password: true}}}
        ecs:
          settings: {secrets_pipeline: {deliver: true}}
          vars:
            cluster_name: shop
            service_name: orders
            container_definitions:
              - name: app
                secrets: [{name: TOKEN, valueFrom: "${output.secretsmanager.secret_arns.token}"}]
"""
NAME = "ecs shop/orders"
SECRET = "shop/dev/token"


@dataclass
class Shop:
    """One stack with a service, and a Dagster that provisions it."""

    aws: emulator.LocalAws
    repository: Path
    instance: dg.DagsterInstance
    names: Names = PLAIN
    cursor: str | None = None
    checks: list[dg.AssetCheckEvaluation] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:  # noqa: ANN401 - any boto3 client
        make: Any = boto3.Session().client
        return make(service)

    def run(self, job: str = "provision") -> dg.ExecuteInProcessResult:
        """A run in this process."""
        self.instance.add_dynamic_partitions(self.names.of("stacks"), [DEV])
        return (
            build_definitions(names=self.names)
            .resolve_job_def(self.names.of(job))
            .execute_in_process(
                instance=self.instance,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
                tags={PARTITION_TAG: DEV},
            )
        )

    def rotate(self) -> str:
        """Another value."""
        version: str = self.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString="x")["VersionId"]
        return version

    def readable(self, *, can: bool) -> None:
        """Let the service's execution role read, or not."""
        iam = self.client("iam")
        if can:
            iam.put_role_policy(RoleName="orders", PolicyName="read", PolicyDocument=json.dumps(READ))
        else:
            iam.delete_role_policy(RoleName="orders", PolicyName="read")

    def tick(self) -> list[Any]:
        """Evaluate the sensor once, and do what it says as the daemon does."""
        stacks = Stacks(self.repository, Sessions(), ApplyOptions(), self.repository)
        alerting = Alerting(AlertSettings(), Sessions(), self.names)
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"secrets_pipeline_stacks": stacks, "secrets_pipeline_alerting": alerting},
        )
        sensors = build_definitions(names=self.names).sensors or ()
        polling = next(one for one in sensors if one.name == self.names.of("aws_polling_sensor"))
        found: Any = polling(context)
        self.cursor = found.cursor
        for event in found.asset_events:
            self.instance.report_runless_asset_event(event)
        # The same sensor asks for a run of each rotation, too.
        self.checks = [self._check(request) for request in found.run_requests if request.asset_check_keys]
        return list(found.asset_events)

    def _check(self, request: dg.RunRequest) -> dg.AssetCheckEvaluation:
        assert request.run_key is not None
        self.keys.append(request.run_key)
        done = (
            build_definitions(names=self.names)
            .resolve_job_def(request.job_name or "")
            .get_subset(asset_check_selection=set(request.asset_check_keys or ()))
            .execute_in_process(instance=self.instance, tags=dict(request.tags))
        )
        (found,) = done.get_asset_check_evaluations()
        return found

    def versions(self) -> set[str]:
        """What the service's tasks hold."""
        return {version for task in emulator.running_tasks(self.aws) for _, version in task.injected.values()}

    def alerted(self) -> list[str]:
        """Subjects of the alerts so far."""
        return [one.description or "" for one in self.alerts()]

    def alerts(self) -> list[dg.AssetObservation]:
        records = self.instance.fetch_observations(self.names.asset("alerts"), limit=50).records
        return [one.asset_observation for one in records if one.asset_observation]


@pytest.fixture
def shop(
    embedded_aws: emulator.LocalAws, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shop:
    aws = emptied(embedded_aws)
    repository = tmp_path / "repository"
    (repository / "stacks").mkdir(parents=True)
    (repository / "atmos.yaml").write_text(dedent(ATMOS))
    (repository / "stacks" / "dev.yaml").write_text(dedent(STACK))
    lead_to(aws, monkeypatch, ATMOS_BASE_PATH=str(repository))
    emulator.stand_in(
        aws,
        [
            emulator.StandInRole(ROLE, "ecs-tasks.amazonaws.com", policies={"read": READ}),
            emulator.StandInService("shop", "orders", "orders", "app", ROLE, ROLE),
        ],
    )
    return Shop(aws, repository, instance)


def check(done: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation | None:
    """What the check said in a run; None if it did not look."""
    return next((one for one in done.get_asset_check_evaluations() if one.check_name == CHECK), None)


def test_a_rotation_is_followed_to_the_service_and_the_check_says_so(shop: Shop) -> None:
    assert_succeeded(shop.run())
    newest = shop.rotate()
    verified = check(shop.run("verify"))
    assert verified is not None
    assert not verified.passed
    assert verified.severity is dg.AssetCheckSeverity.ERROR
    assert verified.description is not None
    assert f"{NAME}: runs since 2" in verified.description
    (said,) = open_of(verified)
    assert f"{SECRET} has version {newest[:8]}… since 2" in str(said)
    followed = shop.run("on_rotation")
    assert_succeeded(followed)
    assert shop.versions() == {newest}
    looked = check(followed)
    assert looked is not None
    assert looked.passed
    idle = shop.run()
    assert_succeeded(idle)
    assert check(idle) is None
    assert shop.tick() == []


def test_a_rollout_that_takes_longer_is_followed_by_the_sensor_wherever_it_runs(shop: Shop) -> None:
    shop.run()
    shop.tick()
    newest = shop.rotate()
    emulator.set_rollout_seconds(shop.aws, 3600)
    done = shop.run()
    assert_succeeded(done)
    waiting = check(done)
    assert waiting is not None
    assert (waiting.passed, waiting.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert shop.tick() == []
    before = shop.cursor
    assert shop.tick() == []
    emulator.set_rollout_seconds(shop.aws, 0)
    (observation,) = shop.tick()
    (evaluation,) = shop.checks
    assert observation.partition == DEV
    assert observation.metadata["rollout"].value == "COMPLETED"
    assert (evaluation.check_name, evaluation.passed, evaluation.partition) == (CHECK, True, DEV)
    assert shop.versions() == {newest}
    assert shop.tick() == []
    # A daemon killed before it kept its cursor says the same again, and nothing else.
    shop.cursor = before
    assert len(shop.tick()) == 1
    # One that lost its cursor finds all of it in the storage.
    shop.cursor = None
    assert [one.metadata["consumer"].value for one in shop.tick()] == [NAME]
    # Dagster makes one run of one run key.
    assert len(shop.keys) == 3
    assert len(set(shop.keys)) == 1
    assert shop.alerted() == []


def test_a_rollout_that_a_later_run_saw_the_end_of_is_not_told_again(shop: Shop) -> None:
    shop.run()
    emulator.set_rollout_seconds(shop.aws, 3600)
    shop.rotate()
    shop.run()
    assert shop.tick() == []
    emulator.set_rollout_seconds(shop.aws, 0)
    looked = check(shop.run())
    assert looked is not None
    assert looked.passed
    assert shop.tick() == []
    assert shop.checks == []


def test_a_rollout_that_fails_is_an_error_of_the_check_and_an_alert_with_the_cause(shop: Shop) -> None:
    shop.names = Names("payments")
    shop.run()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    shop.client("ecs").update_service(cluster="shop", service="orders", deploymentConfiguration=breaker)
    emulator.set_rollout_seconds(shop.aws, 3600)
    shop.rotate()
    shop.run()
    assert shop.tick() == []
    shop.readable(can=False)
    emulator.set_rollout_seconds(shop.aws, 0)
    (observation,) = shop.tick()
    (evaluation,) = shop.checks
    assert observation.metadata["rollout"].value == "FAILED"
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    (said,) = open_of(evaluation)
    assert "not authorized to perform: secretsmanager:GetSecretValue" in str(said)
    assert (evaluation.description or "").startswith("1 of 1 consumers run with an older value; first: ecs shop/orders")
    (alert,) = shop.alerts()
    assert alert.description == f"{DEV}: {NAME} could not be started anew"
    *_, check_page, partition_page = str(alert.metadata["text"].value).splitlines()
    assert check_page == f"/assets/payments/consumer_refresh?view=checks&checkDetail={CHECK}"
    assert partition_page == f"/assets/payments/consumer_refresh?view=partitions&partition={DEV}"
    assert shop.tick() == []
    # The next run asks again.
    shop.readable(can=True)
    assert_succeeded(shop.run())
    verified = check(shop.run("verify"))
    assert verified is not None
    assert verified.passed


def test_a_rollout_without_end_is_told_after_a_while(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run()
    emulator.set_rollout_seconds(shop.aws, 3600)
    shop.rotate()
    shop.run()
    monkeypatch.setattr("secrets_pipeline.orchestration.polling.rollouts.PATIENCE", -PATIENCE)
    (observation,) = shop.tick()
    (evaluation,) = shop.checks
    assert shop.alerted() == [f"{DEV}: {NAME} could not be started anew"]
    assert "has been on its way since" in observation.metadata["detail"].value
    assert not evaluation.passed
    assert shop.tick() == []


def test_a_stack_that_cannot_be_read_is_followed_when_it_can(shop: Shop) -> None:
    shop.run()
    emulator.set_rollout_seconds(shop.aws, 3600)
    shop.rotate()
    shop.run()
    emulator.set_rollout_seconds(shop.aws, 0)
    (shop.repository / "stacks" / "dev.yaml").write_text("vars: [")
    assert shop.tick() == []
    (shop.repository / "stacks" / "dev.yaml").write_text(dedent(STACK))
    assert len(shop.tick()) == 1


def test_what_is_kept_of_a_rollout_is_no_value(shop: Shop) -> None:
    shop.run()
    emulator.set_rollout_seconds(shop.aws, 3600)
    shop.rotate()
    shop.run()
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(REFRESHED))
    (record,) = shop.instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    (kept,) = data_of(record.asset_materialization.metadata)["rollouts"]
    assert set(kept) == {"name", "component", "id", "asked_at", "detail"}
    assert (kept["name"], kept["component"]) == (NAME, "ecs")


def test_what_a_tick_changes_is_not_what_it_keeps_if_it_breaks() -> None:
    known = {"after": 1, "flying": {"a-dev": 1}, "told": {"a-dev": ["orders"]}}
    cursor = Cursor.read(known)
    cursor.told["a-dev"].append("reports")
    cursor.note("b-dev", 2, flies=True)
    cursor.forget("a-dev")
    assert known == {"after": 1, "flying": {"a-dev": 1}, "told": {"a-dev": ["orders"]}}
