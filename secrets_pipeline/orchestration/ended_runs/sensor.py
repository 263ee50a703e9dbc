"""Define the sensor that looks at every run which ended: alerts, last verdicts, and what follows a rotation.

Dagster's own run status sensors move on when a tick of theirs fails; here nothing is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG, Alerting
from secrets_pipeline.orchestration.alerts.failures import failure_alert, failures_of, unasked_failure
from secrets_pipeline.orchestration.alerts.verdicts import Red, Verdict, after, transition_alert, transitions
from secrets_pipeline.orchestration.ended_runs.cursor import Cursor, new_runs
from secrets_pipeline.orchestration.ended_runs.outage_watch import OutageWatch, said_of
from secrets_pipeline.orchestration.ended_runs.repeating import WILL_RETRY_TAG, is_repeatable, retried
from secrets_pipeline.orchestration.health.pulse import Pulse
from secrets_pipeline.orchestration.published.reporting import Publishing
from secrets_pipeline.orchestration.rotation.actors import calls_of
from secrets_pipeline.orchestration.rotation.rotate_op import ROTATE_JOB
from secrets_pipeline.orchestration.rotation.rotated import followed
from secrets_pipeline.orchestration.shared.names import Names, stage_of
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job
from secrets_pipeline.orchestration.verification.history import REPEATED, is_unknown, last_evaluation, looked_at
from secrets_pipeline.orchestration.verification.not_asked import NotAsked
from secrets_pipeline.orchestration.verification.standing import repeat_verdicts

NAME = "ended_runs_sensor"
AUTO_RETRY_RUN_ID_TAG = "dagster/auto_retry_run_id"
"""On a failed run that Dagster's `run_retries` have repeated: the last one of them is told."""
_DECIDED_SECONDS, _RETRIED_SECONDS = 60.0, 300.0
"""Dagster has so long to say whether it repeats a failed run, and so long to repeat it. Then this sensor acts."""
_INTERVAL = 15
_SECONDS = 25.0
"""From the start of a tick, which Dagster ends after 60 seconds; an alert that was begun may take as long again."""


def ended_runs_sensor_for(
    names: Names,
    own: Own,
    jobs: Sequence[Job],
    *,
    watchers: Callable[[], Collection[str]] = frozenset,
    publishing: Publishing | None = None,
    clock: Callable[[], float] = time.time,
) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        own: what belongs to it.
        jobs: every job: what could not ask AWS is repeated, and `on_rotation` follows a rotation.
        watchers: names of the sensors and schedules that have to tick while all is well.
        publishing: reports new versions of published secrets; None if none is published.
        clock: seconds since 1970.
    """
    pulse = Pulse(names, own, watchers, clock)

    @dg.sensor(
        name=names.of(NAME),
        jobs=jobs,
        minimum_interval_seconds=_INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks at each run that ended. It sends one alert for a failed run that is not repeated, for a "
        "check that turned red or is no longer red, and for an account that cannot be asked. It repeats the runs of "
        "such an account with pauses, and sees to it that a run that died is repeated. After a rotation it "
        "launches on_rotation for every stack that uses the secret. It reports new versions of published secrets. Once "
        "a minute it calls the heartbeat if all is well.",
    )
    def ended_runs_sensor(
        context: dg.SensorEvaluationContext,
        secrets_pipeline_stacks: dg.ResourceParam[Stacks],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> dg.SensorResult:
        deadline = time.monotonic() + _SECONDS

        def is_late() -> bool:
            return time.monotonic() > deadline

        cursor = Cursor.read(context.cursor, clock())
        stacks, alerting = secrets_pipeline_stacks, secrets_pipeline_alerting
        watch = OutageWatch(context.instance, names, own, stacks, cursor=cursor, now=clock())
        look = _Look(context, names, own, stacks, alerting=alerting, watch=watch)
        found = new_runs(context.instance, cursor)
        looked_at = []
        for record in found:
            if is_late():
                break
            looked_at.append(record)
            ended = record.update_timestamp.timestamp()
            is_new = record.dagster_run.run_id not in cursor.left
            look.at(record.dagster_run, ended=ended, ended_seconds_ago=clock() - ended, is_new=is_new)
        watch.settle()
        watch.tell(alerting, context.log)
        look.requests += watch.requests()
        red = look.tell(cursor, is_late)
        if publishing is not None:
            runs = look.runs_by_stack()
            look.left |= publishing.report_all(context.instance, runs, context.log.info, is_late=is_late)
        secrets_pipeline_alerting.say_again(context.instance, context.log, is_late=is_late)
        not_reached = {record.dagster_run.run_id for record in found[len(looked_at) :]}
        look.left |= not_reached.intersection(cursor.left)
        pulse.beat(context.instance, secrets_pipeline_alerting, context.log)
        return dg.SensorResult(
            run_requests=look.requests,
            skip_reason=None if look.requests else look.said(len(looked_at), red),
            cursor=replace(
                cursor.after(looked_at, sorted(look.left)),
                red=red,
                outages=watch.outages,
                waiting=watch.waiting,
                said=watch.said,
            ).write(),
        )

    return ended_runs_sensor


class _Look:
    """One tick."""

    def __init__(
        self,
        context: dg.SensorEvaluationContext,
        names: Names,
        own: Own,
        stacks: Stacks,
        *,
        alerting: Alerting,
        watch: OutageWatch,
    ) -> None:
        self.requests: list[dg.RunRequest] = []
        self.left: set[str] = set()
        self._context = context
        self._instance = context.instance
        self._names = names
        self._own = own
        self._stacks = stacks
        self._alerting = alerting
        self._watch = watch
        self._verdicts: list[Verdict] = []

    def at(self, run: dg.DagsterRun, *, ended: float, ended_seconds_ago: float, is_new: bool) -> None:
        """Look at a run that ended; `left` has it if it must be looked at again: what was said is not said again."""
        if not self._own.includes(run):
            return
        evaluations = list(self._evaluations(run))
        self._verdicts += self._verdicts_of(run, evaluations)
        failures = failures_of(self._instance, run) if run.status is dg.DagsterRunStatus.FAILURE else []
        why = unasked_failure(failures, lambda: self._watch.who(run, evaluations))
        # What is looked at again was noted, and later runs may have ended its outage since.
        if is_new:
            self._watch.note(run, evaluations, ended, why)
        if run.status is not dg.DagsterRunStatus.SUCCESS:
            repeat_verdicts(self._instance, run, self._own.checks)
        if self._may_be_repeated(run, ended_seconds_ago):
            self.left.add(run.run_id)
        elif run.status is dg.DagsterRunStatus.FAILURE and not _is_told_elsewhere(run):
            self._failed(run, failures, why)
        if run.job_name == self._names.of(ROTATE_JOB):
            try:
                self.requests += followed(run, self._stacks.desired, self._names.of("on_rotation"))
            except SecretsPipelineError as error:
                # The repository cannot be read: who follows is not known.
                self._context.log.warning("run %s is looked at again: %s", run.run_id, error.diagnostics())
                self.left.add(run.run_id)

    def _failed(self, run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent], why: NotAsked | None) -> None:
        if why is not None:
            self._watch.wait_for(run)
            if is_repeatable(run, self._names, self._own):
                # The alert of the outage says it of all such runs.
                return
        else:
            match retried(self._instance, run, self._names, self._own):
                case dg.RunRequest() as request:
                    self.requests.append(request)
                    return
                case "by Dagster":
                    self.left.add(run.run_id)
                    return
        alert = failure_alert(run, failures, self._alerting, self._names)
        self._alerting.say(alert, self._instance, self._context.log)

    def tell(self, cursor: Cursor, is_late: Callable[[], bool]) -> Red:
        """Alert of each check that changed; return what is red, as far as it was told."""
        red = self._still_ours(cursor.red)
        changed = transitions(red, self._in_order(red))
        told = 0
        for one in changed:
            if is_late():
                break
            stage = stage_of(one.verdict.key.asset_key)
            link = self._alerting.link_to_check(one.verdict.key, one.verdict.stack)
            self._context.log.info("%s of %s: %s", one.verdict.key.name, stage, one.verdict.description)
            self._alerting.say(transition_alert(one, link), self._instance, self._context.log)
            told += 1
        self.left |= {one.verdict.run_id for one in changed[told:]}
        return after(red, changed[:told])

    def runs_by_stack(self) -> Mapping[str, set[str]]:
        """Return the stacks whose checks were evaluated, with the runs that did."""
        runs: dict[str, set[str]] = {}
        for one in self._verdicts:
            runs.setdefault(one.stack, set()).add(one.run_id)
        return runs

    def said(self, looked_at: int, red: Red) -> str:
        """What a tick that requests nothing has looked at."""
        count = sum(map(len, red.values()))
        waits = said_of(self._watch.outages, len(self._watch.waiting))
        return f"{looked_at} runs ended, {len(self._verdicts)} checks evaluated; red: {count}{waits}"

    def _may_be_repeated(self, run: dg.DagsterRun, ended_seconds_ago: float) -> bool:
        """Tell whether nobody knows yet if Dagster repeats a failed run: it says so in a tag, after the status."""
        undecided = self._instance.run_retries_enabled and WILL_RETRY_TAG not in run.tags
        if run.status is dg.DagsterRunStatus.FAILURE and undecided:
            return ended_seconds_ago < _DECIDED_SECONDS
        return bool(run.is_complete_and_waiting_to_retry) and ended_seconds_ago < _RETRIED_SECONDS

    def _still_ours(self, red: Red) -> Red:
        """Without stacks that were retired and checks that are no more: nothing will say that they are green."""
        stacks = self._names.stacks(self._instance) if red else set()
        names = {key.name for key in self._own.checks}
        return {
            stack: {check: at for check, at in checks.items() if check in names}
            for stack, checks in red.items()
            if stack in stacks
        }

    def _evaluations(self, run: dg.DagsterRun) -> Iterator[tuple[dg.AssetCheckEvaluation, float]]:
        """Evaluations of our checks, without those that say an earlier one again after a run broke."""
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        for record in self._instance.get_records_for_run(run.run_id, of_type=kind).records:
            evaluation = record.event_log_entry.get_dagster_event().asset_check_evaluation_data
            said_again = REPEATED in evaluation.metadata and not is_unknown(evaluation)
            ours = evaluation.asset_check_key in self._own.checks and not said_again
            if ours:
                yield evaluation, record.timestamp

    def _verdicts_of(
        self, run: dg.DagsterRun, evaluations: Sequence[tuple[dg.AssetCheckEvaluation, float]]
    ) -> Iterator[Verdict]:
        """The new verdicts. An earlier one that stands because AWS could not be asked is not new."""
        calls = tuple(map(str, calls_of(run)))
        for evaluation, told in evaluations:
            if evaluation.partition is not None and not is_unknown(evaluation):
                at = looked_at(evaluation, told)
                yield Verdict.of(evaluation, evaluation.partition, at, run.run_id, calls)

    def _in_order(self, red: Red) -> Iterator[Verdict]:
        """Those that no newer one has overtaken, which an earlier tick has told already."""
        here = {(one.key, one.stack, one.at) for one in self._verdicts}
        for one in self._verdicts:
            if one.red != (one.key.name in red.get(one.stack, {})):
                newest = last_evaluation(self._instance, one.key, one.stack)
                if newest is not None and newest.at > one.at and (one.key, one.stack, newest.at) not in here:
                    continue
            yield one


def _is_told_elsewhere(run: dg.DagsterRun) -> bool:
    """Tell whether its step alerted, or a run will that repeats it; who re-executes it hands its tags on."""
    return run.tags.get(ALERTED_TAG) == run.run_id or AUTO_RETRY_RUN_ID_TAG in run.tags
