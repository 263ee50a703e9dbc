"""Three stacks of one account, deployed, whose AWS goes away and comes back; the sensor of ended runs looks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings, SecretUrl
from secrets_pipeline.orchestration.alerts.alerting import ALERTS, Alerting
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.ended_runs.sensor import ended_runs_sensor_for
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.own import Own
from tests.hook import Hook
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import Deployment
from tests.ports import free_port

STACKS = ("a-dev", "b-dev", "c-dev")
URL = "https://dagster.example"
KEYS = {dg.AssetCheckKey(dg.AssetKey(one.stage), one.name) for one in CHECKS}


class Estate:
    """The stacks, their deployment, and the sensor.

    Attributes:
        ahead: seconds by which the sensor's clock is ahead.
        requests: what the last tick requested.
    """

    def __init__(self, deployment: Deployment, repository: Repository, hook: Hook, patch: pytest.MonkeyPatch) -> None:
        self.deployment = deployment
        self.instance = deployment.instance
        self.repository = repository
        self.hook = hook
        self.ahead = 0.0
        self.requests: list[dg.RunRequest] = []
        self._patch = patch
        self._cursor: str | None = None
        # However slow this machine is, no pause is over before a test says so.
        self._now = time.time()
        patch.setenv("HOOK", hook.url)

    def tick(self) -> list[str]:
        """Let the sensor look; return the subjects of its alerts."""
        before = len(self.alerts())
        settings = AlertSettings(webhook=SecretUrl(environment="HOOK"), dagster_url=URL)
        aws = Sessions()
        assets = frozenset(key for one in build_definitions().assets or () for key in getattr(one, "keys", ()))
        own = Own(frozenset(job.name for job in jobs(PLAIN)), assets, frozenset(KEYS))
        sensor = ended_runs_sensor_for(PLAIN, own, jobs(PLAIN), clock=lambda: self._now + self.ahead)
        resources = {
            "secrets_pipeline_alerting": Alerting(settings, aws),
            "secrets_pipeline_stacks": self.repository.stacks(),
        }
        with dg.build_sensor_context(instance=self.instance, cursor=self._cursor, resources=resources) as context:
            found = sensor.evaluate_tick(context)
        self._cursor = found.cursor
        self.requests = list(found.run_requests or ())
        return self.alerts()[before:]

    def alerts(self) -> list[str]:
        """Subjects, the first one first."""
        records = self.instance.fetch_observations(dg.AssetKey(ALERTS), limit=200, ascending=True).records
        return [str(one.asset_observation.description) for one in records if one.asset_observation]

    def launch_requested(self) -> list[dg.DagsterRun]:
        """Launch what the last tick requested."""
        return [self.deployment.request(one) for one in self.requests]

    @contextmanager
    def without_aws(self) -> Iterator[None]:
        """Nobody listens where AWS was."""
        with self.led(AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}"):
            yield

    @contextmanager
    def led(self, **variables: str) -> Iterator[None]:
        """Runs have other variables of the environment meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            yield

    def standing(self, stack: str) -> Mapping[str, dg.AssetCheckEvaluation]:
        """The evaluation of each check that Dagster shows of a stack now."""
        found = {}
        for key in KEYS:
            history = self.instance.event_log_storage.get_asset_check_execution_history
            for record in history(key, limit=50):
                if isinstance(record.evaluation, dg.AssetCheckEvaluation) and record.evaluation.partition == stack:
                    found[key.name] = record.evaluation
                    break
        return found

    def red(self, stack: str) -> set[str]:
        """Names of the checks that are red."""
        error = dg.AssetCheckSeverity.ERROR
        return {name for name, one in self.standing(stack).items() if not one.passed and one.severity is error}


def tree(aws: emulator.LocalAws) -> dict[str, dict[str, dict[str, Any]]]:
    """Three stacks with a secret and a key each."""
    return {
        stack: {
            "secretsmanager": {
                "environment": "dev",
                "region": aws.region,
                "account_id": aws.account_id,
                "context_name": stack,
                "create_kms_key": True,
                "secrets": {"token": {"generate_random_password": True}},
            }
        }
        for stack in STACKS
    }


def texts(hook: Hook) -> list[str]:
    """What was posted."""
    return [str(json.loads(json.dumps(one))["text"]) for one in hook.posted]
