"""Runs that end, and the sensor that looks at them, as the daemon evaluates it."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import JobFailureData
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.orchestration.alerts.alerting import ALERTS, Alerting
from secrets_pipeline.orchestration.ended_runs.sensor import ended_runs_sensor_for
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.history import LOOKED

ASSET = dg.AssetKey("consumer_arns")
READ, ELSE = dg.AssetCheckKey(ASSET, "consumers_can_read"), dg.AssetCheckKey(ASSET, "nobody_else_can_read")
OWN = Own(frozenset({"verify", "provision", "rotate_secrets"}), frozenset({ASSET}), frozenset({READ, ELSE}))
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED
_ENDS = {
    SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
    FAILURE: dg.DagsterEventType.RUN_FAILURE,
    CANCELED: dg.DagsterEventType.RUN_CANCELED,
}
_CODE = LoadableTargetOrigin(executable_path=sys.executable, module_name="code")
_LOCATION = RemoteRepositoryOrigin(InProcessCodeLocationOrigin(_CODE, location_name="code"), "__repository__")


class Watched:
    """Runs that end, and the sensor as the daemon evaluates it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor: str | None = None
        self.stacks: object = None
        self.skipped = ""
        self.ahead = 0.0
        self.settings = AlertSettings()
        self.sensor = ended_runs_sensor_for(
            PLAIN,
            OWN,
            jobs(PLAIN),
            watchers=lambda: {"ended_runs_sensor"},
            clock=lambda: time.time() + self.ahead,
        )

    def run(
        self,
        evaluations: Mapping[dg.AssetCheckKey, bool | dg.AssetCheckSeverity] | None = None,
        *,
        job: str = "verify",
        status: dg.DagsterRunStatus = SUCCESS,
        **more: Any,  # noqa: ANN401 - see `begin`
    ) -> str:
        """A run that began and ended."""
        run = self.begin(job, **more)
        self.evaluate(run, evaluations or {})
        self.end(run, status)
        return run.run_id

    def begin(
        self,
        job: str,
        *,
        stack: str | None = "a-dev",
        planned: tuple[dg.AssetCheckKey, ...] = (),
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        launched: bool = False,
    ) -> dg.DagsterRun:
        """A run that began; `launched` by Dagster, not by the command line."""
        where = {PARTITION_TAG: stack} if stack else {}
        if stack:
            self.instance.add_dynamic_partitions(PLAIN.of("stacks"), [stack])
        run_id = str(uuid.uuid4())
        started = dg.DagsterRunStatus.STARTED
        run = dg.DagsterRun(
            job,
            run_id=run_id,
            run_config=config,
            status=started,
            tags={**where, **(tags or {})},
            remote_job_origin=RemoteJobOrigin(_LOCATION, job) if launched else None,
        )
        self.instance.add_run(run)
        for key in planned:
            subset = None if stack is None else PLAIN.partitions.subset_with_partition_keys([stack])
            data = AssetCheckEvaluationPlanned(asset_key=key.asset_key, check_name=key.name, partitions_subset=subset)
            self._event(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, data)
        return run

    def evaluate(
        self,
        run: dg.DagsterRun,
        evaluations: Mapping[dg.AssetCheckKey, bool | dg.AssetCheckSeverity],
        at: float | None = None,
        *,
        looked: float | None = None,
    ) -> None:
        """A check passed (True), failed (False), or failed as a warning; `looked` is when the look began."""
        metadata = {} if looked is None else {LOOKED: dg.MetadataValue.timestamp(looked)}
        for key, said in evaluations.items():
            self.say(run, key, said, at, partition=run.tags.get(PARTITION_TAG), metadata=metadata)

    def say(
        self,
        run: dg.DagsterRun,
        key: dg.AssetCheckKey,
        said: bool | dg.AssetCheckSeverity,
        at: float | None = None,
        *,
        partition: str | None,
        metadata: Mapping[str, Any],
    ) -> None:
        """Report an evaluation of a stack, or of all; see `evaluate`."""
        severity = said if isinstance(said, dg.AssetCheckSeverity) else dg.AssetCheckSeverity.ERROR
        data = dg.AssetCheckEvaluation(
            key.asset_key,
            key.name,
            said is True,
            severity=severity,
            description=f"{said}",
            partition=partition,
            metadata=metadata,
        )
        self._event(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION, data, at)

    def end(self, run: dg.DagsterRun, status: dg.DagsterRunStatus) -> None:
        self._event(run, _ENDS[status], None)

    def end_unasked(self, run: dg.DagsterRun) -> None:
        """It fails, as it cannot ask AWS."""
        error = SerializableErrorInfo("NoAnswerError: GetCallerIdentity failed", [], "NoAnswerError")
        self._event(run, _ENDS[FAILURE], JobFailureData(error, None))

    def _event(self, run: dg.DagsterRun, kind: dg.DagsterEventType, data: Any, at: float | None = None) -> None:  # noqa: ANN401 - Dagster's union is private
        event = dg.DagsterEvent(kind.value, run.job_name, event_specific_data=data, message=f"{kind.value} happened")
        self.instance.report_dagster_event(event, run.run_id, timestamp=at)

    def tick(self) -> list[dg.RunRequest]:
        alerting = Alerting(self.settings, Sessions())
        resources = {"secrets_pipeline_alerting": alerting, "secrets_pipeline_stacks": self.stacks}
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=resources) as context:
            # As the daemon does: Dagster refuses requests that it cannot launch.
            result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        self.skipped = result.skip_message or ""
        return list(result.run_requests or ())

    def alerts(self) -> list[str]:
        """Subjects, the first one first."""
        records = self.instance.fetch_observations(dg.AssetKey(ALERTS), limit=100, ascending=True).records
        return [str(record.asset_observation.description) for record in records if record.asset_observation]
