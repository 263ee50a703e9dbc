"""Decide about received messages: request a run of the stack for each event, and delete it when that run exists.

AWS tells of one rotation twice: of the label as soon as it moves, and of RotationSucceeded, which CloudTrail brings up
to minutes later. A run for the first covers the second: it follows the version that is still AWSCURRENT.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/eventbridge.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html

What an apply itself brought about is told like all else, and has no run where that apply did all of it.

A message is deleted only when it is received again and its run exists: a daemon that is killed anywhere in between
loses nothing, as the message comes back, and repeats nothing, as the run is found by a tag.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.verdict import AccountConcern, Concern, Dismissed, Unread, Verdict
from secrets_pipeline.orchestration.rotation.access_runs import AccessRuns, never_started
from secrets_pipeline.orchestration.rotation.actors import actors_tag
from secrets_pipeline.orchestration.shared.busy import busy_stacks
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG, events_of, request_again, run_request
from secrets_pipeline.rotation.events.hints import Hint, HintKind, Poison
from secrets_pipeline.rotation.events.parsing import parse
from secrets_pipeline.rotation.events.queue import Message

MOST_ATTEMPTS = 3
"""Runs of one event that could not even be started; then its message is left to the dead-letter queue.

Put back from there, it is a new message, sent then, and has as many again.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
"""

KEPT = timedelta(days=15)
"""A queue keeps messages fourteen days: an event that says that it is older is not believed."""
CLOCKS_DIFFER = timedelta(hours=1)
"""Between AWS's clock and that of the run storage, generously."""

_FOLLOWED = frozenset({HintKind.ROTATED, HintKind.DATABASE})
"""What a run does by itself; who tampered, or why a rotation failed, does not wait for one."""

Concerned = Callable[[Hint], Verdict]
Cause = tuple[str, str]
"""Job and stack."""
Answered = tuple[str, str]
"""Stack and event, or stack and version."""


@dataclass(frozen=True)
class Decided:
    """The decision about some messages.

    Attributes:
        done: to be deleted.
        waiting: to be judged again later, when the run of their stack that is under way has ended, or stacks that have
            errors can be read.
        requests: runs to be made; their messages stay until the runs are known to exist.
        later: messages whose time has not come, with the seconds until then.
        notices: level (`debug`, `warning` …) and text, for the log.
    """

    done: Sequence[Message]
    waiting: Sequence[Message]
    requests: Sequence[dg.RunRequest]
    notices: Sequence[tuple[str, str]]
    later: Sequence[tuple[Message, int]] = ()


@dataclass
class Dispatcher:
    """Decides about the messages of one tick.

    Attributes:
        instance: knows the runs.
        sensor: the sensor's name; runs of others do not count.
        jobs: the job for each kind of event.
        concerned: says whom an event concerns; it asks AWS.
        max_receives: looks at a message before it is a dead letter.
        is_late: whether the tick has no time for further questions; what is left comes back.
        clock: now, with time zone.
        is_done: whether a run that has succeeded did what an event asks for of a stack.
    """

    instance: dg.DagsterInstance
    sensor: str
    jobs: Mapping[HintKind, str]
    concerned: Concerned
    max_receives: int
    is_late: Callable[[], bool]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    is_done: Callable[[Hint, Concern], bool] = lambda _hint, _concern: False
    _done: list[Message] = field(default_factory=list)
    _later: list[Message] = field(default_factory=list)
    _busy: frozenset[str] = frozenset()
    _notices: list[tuple[str, str]] = field(default_factory=list)
    _waiting: dict[Cause, dict[str, tuple[Hint, Concern, int]]] = field(default_factory=lambda: defaultdict(dict))
    _unsubmitted: dict[Answered, dg.DagsterRun] = field(default_factory=dict)
    _again: dict[str, dg.RunRequest] = field(default_factory=dict)
    _answering: dict[Answered, list[dg.RunRecord]] = field(default_factory=lambda: defaultdict(list))
    _following: dict[Answered, list[dg.RunRecord]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._access = AccessRuns(self.jobs.get(HintKind.ACCESS, ""), self.clock())
        self._access_later: list[tuple[Message, int]] = []

    def decide(self, messages: Sequence[Message]) -> Decided:
        """Decide about each message."""
        parsed = [(message, self._believed(message)) for message in messages]
        hints = [hint for _, hint in parsed if isinstance(hint, Hint)]
        if hints:
            self._find_runs(min(hint.at for hint in hints))
            self._busy = busy_stacks(self.instance)
        # What could not be asked about, where AWS does not answer for example, leaves the time to the others first.
        for message, one in sorted(parsed, key=lambda pair: pair[0].receives):
            self._look(message, one)
        requests = [*self._again.values(), *(self._request(*cause) for cause in sorted(self._waiting))]
        requests += self._access.requests()
        return Decided(self._done, self._later, requests, self._notices, self._access_later)

    def _believed(self, message: Message) -> Hint | Poison:
        """What a message says; nothing happened after the message reached the queue."""
        parsed = parse(message.body)
        if isinstance(parsed, Poison):
            return parsed
        return replace(parsed, at=min(parsed.at, message.sent or self.clock()))

    def _look(self, message: Message, parsed: Hint | Poison) -> None:
        if isinstance(parsed, Poison):
            if message.receives <= 1:
                text = f"message {message.message_id} {parsed.reason}: it is left to the dead-letter queue"
                self._notices.append(("error", text))
            return
        if self.is_late():
            return
        try:
            verdict = self.concerned(parsed)
        except SecretsPipelineError as error:
            self._notices.append(("warning", f"event {parsed.event_id}: {error.diagnostics()}"))
            return
        if isinstance(verdict, Dismissed):
            self._notices.append(("debug", f"event {parsed.event_id}: {verdict.reason}"))
            self._done.append(message)
        elif isinstance(verdict, Unread):
            self._look_at_unread(message, parsed, verdict)
        elif isinstance(verdict[0], AccountConcern):
            self._look_at_access(message, parsed, [one for one in verdict if isinstance(one, AccountConcern)])
        else:
            self._look_at_stacks(message, parsed, [one for one in verdict if isinstance(one, Concern)])

    def _look_at_stacks(self, message: Message, hint: Hint, concerns: Sequence[Concern]) -> None:
        if self._is_early(message, hint, concerns):
            self._later.append(message)
        elif self._is_covered(message, hint, concerns):
            self._done.append(message)

    def _look_at_unread(self, message: Message, hint: Hint, verdict: Unread) -> None:
        """Have the stacks that are known follow it, and keep it for the others: after its looks it is a dead letter."""
        if message.receives <= 1:
            self._notices.append(("warning", f"event {hint.event_id} waits: {verdict.reason}"))
        if not self._is_early(message, hint, verdict.known):
            self._is_covered(message, hint, verdict.known)
        self._later.append(message)

    def _look_at_access(self, message: Message, hint: Hint, concerns: Sequence[AccountConcern]) -> None:
        waits = [self._access.wait_for(one.account_id, hint) for one in concerns]
        if all(one is None for one in waits):
            self._done.append(message)
        elif later := min((one for one in waits if one), default=None):
            self._access_later.append((message, ceil(later.total_seconds())))

    def _is_early(self, message: Message, hint: Hint, concerns: Sequence[Concern]) -> bool:
        """Whether a run that is under way may be about to do what the event asks for."""
        # From half of its looks on it gets a run that waits in the queue, as it cannot wait here without end.
        in_time = message.receives * 2 < self.max_receives
        return (
            in_time
            and hint.kind in _FOLLOWED
            and any(
                concern.stack in self._busy and (concern.stack, hint.event_id) not in self._answering
                for concern in concerns
            )
        )

    def _is_covered(self, message: Message, hint: Hint, concerns: Sequence[Concern]) -> bool:
        """Whether every stack has its run, or needs none; runs are requested for those that have none."""
        job, covered = self.jobs[hint.kind], True
        for concern in concerns:
            tried = self._answering[concern.stack, hint.event_id]
            follow = [one for one in self._following[concern.stack, concern.version] if one.create_timestamp >= hint.at]
            if any(not never_started(one) for one in (*tried, *follow)):
                continue
            unsubmitted = self._unsubmitted.get((concern.stack, hint.event_id))
            if unsubmitted is None and self.is_done(hint, concern):
                self._notices.append(("debug", f"event {hint.event_id}: an apply of {concern.stack} did it itself"))
                continue
            covered = False
            if unsubmitted is not None:
                self._again[unsubmitted.run_id] = request_again(unsubmitted)
            elif sum(message.sent is None or one.create_timestamp >= message.sent for one in tried) < MOST_ATTEMPTS:
                self._waiting[job, concern.stack][hint.event_id] = (hint, concern, len(tried) + 1)
            else:
                text = f"event {hint.event_id}: {len(tried)} runs of stack {concern.stack} could not be started"
                self._notices.append(("error", text))
        return covered

    def _find_runs(self, oldest: datetime) -> None:
        """Every run of the sensor since the oldest event, by what it answers: one query for all messages."""
        since = max(oldest, self.clock() - KEPT) - CLOCKS_DIFFER
        made = dg.RunsFilter(tags={"dagster/sensor_name": self.sensor}, created_after=since)
        for record in self.instance.get_run_records(made):
            tags = record.dagster_run.tags
            if ACCOUNT_TAG in tags and PARTITION_TAG not in tags:
                self._access.learn(record)
                continue
            stack = tags.get(PARTITION_TAG, "")
            for event, version in events_of(tags).items():
                # One that is not started yet when a tick begins was left by a killed daemon.
                if record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED:
                    # A sensor may not ask for a job that is gone from the code.
                    if record.dagster_run.job_name in self.jobs.values():
                        self._unsubmitted[stack, event] = record.dagster_run
                    continue
                self._answering[stack, event].append(record)
                self._following[stack, version].append(record)

    def _request(self, job: str, stack: str) -> dg.RunRequest:
        waiting = sorted(self._waiting[job, stack].values(), key=lambda one: (one[0].at, one[0].event_id))
        events = {hint.event_id: concern.version for hint, concern, _ in waiting}
        secrets = {concern.secret for _, concern, _ in waiting if concern.secret}
        attempt = max(attempt for _, _, attempt in waiting)
        return run_request(
            job,
            stack,
            key=waiting[0][0].event_id,
            events=events,
            secrets=secrets,
            attempt=attempt,
            tags=actors_tag((hint, concern.secret) for hint, concern, _ in waiting),
        )
