"""Dagster's daemon and its run workers: the product's dispatcher on a queue, and the runs that it asks for.

The run storage is simulated, the product's part of it is not: `orchestration.rotation.event_runs` decides, and the runs
do what the jobs' ops and assets do, one run of the stack after the other, as the run queue has it.
Sources: https://docs.dagster.io/guides/automate/sensors (run keys) and
https://docs.dagster.io/guides/operate/managing-concurrency (tags of queued runs)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import dagster as dg

from secrets_pipeline.engine.model import Applied, Unchanged
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.concerned_stacks import EventStacks
from secrets_pipeline.operations.narrow_policies import NarrowedPolicy, narrow_policies, sentences
from secrets_pipeline.operations.repair_rotation import UnfinishedRotation, repair_rotations
from secrets_pipeline.operations.reread_secrets import reread_secrets
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.orchestration.provisioning.options import STACK_REPORT
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING
from secrets_pipeline.orchestration.rotation.event_runs import Dispatcher
from secrets_pipeline.orchestration.sensors import EVENT_JOBS
from secrets_pipeline.orchestration.shared.names import ROTATION_EVENT_SENSOR
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import events_of, secrets_of
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.rotation.events.queue import EventQueue
from tests.simulation.messages import MOST_RECEIVES, QUEUE_URL
from tests.simulation.scheduling import Actor, Killed
from tests.simulation.stacks import STACK
from tests.simulation.virtual_time import date
from tests.simulation.wire import TARGET

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

Status = dg.DagsterRunStatus
_STAGES = ["commit" if asset == STACK_REPORT else asset for asset in FOLLOWING]
_WAITS = Status.STARTING
"""Of a run in the queue: Dagster lets nobody make one that is QUEUED without a code location."""
_HIDDEN_SECONDS, _LATE_SECONDS = 5, 15.0
_NEVER_STARTED = 0.05
_MOST_TICKS = 60
"""Until every message is done with, once nothing goes wrong any more."""


@dataclass
class Run:
    """A run that the sensor asked for.

    Attributes:
        key: its run key.
        asked: turn at which it was made.
        began: turn at which it started, None before that.
        lost: turn at which it could not be started.
        clean: whether it did all that it had to do.
    """

    number: int
    key: str
    job: str
    tags: Mapping[str, str]
    made: float
    asked: int
    status: dg.DagsterRunStatus = Status.NOT_STARTED
    began: int | None = None
    lost: int | None = None
    clean: bool = False

    @property
    def stack(self) -> str:
        """Whose it is."""
        return self.tags[PARTITION_TAG]

    @property
    def as_dagster(self) -> dg.DagsterRun:
        """As Dagster knows it."""
        return dg.DagsterRun(job_name=self.job, run_id=f"run-{self.number}", status=self.status, tags=self.tags)

    def answers(self, event_id: str) -> bool:
        """Whether it was asked for because of an event."""
        return event_id in events_of(self.tags)

    def is_about(self, secret: str, job: str) -> bool:
        """Whether it does that job because of events of a secret."""
        return self.job == job and secret in secrets_of(self.as_dagster)

    def record(self) -> dg.RunRecord:
        """As the run storage shows it."""
        made = date(self.made)
        started = None if self.began is None else made.timestamp()
        return dg.RunRecord(self.number, self.as_dagster, made, made, start_time=started)


@dataclass
class Runs:
    """The run storage.

    Attributes:
        looked: turn at which somebody looked last.
        turn: now.
    """

    made: list[Run] = field(default_factory=list)
    looked: int = 0
    turn: Callable[[], int] = lambda: 0

    def get_run_records(self, filters: dg.RunsFilter) -> list[dg.RunRecord]:
        """See `dg.DagsterInstance`; by tags and the time of creation."""
        self.looked = self.turn()
        after, tags = filters.created_after, dict(filters.tags)
        found = [run for run in reversed(self.made) if tags.items() <= run.tags.items()]
        return [run.record() for run in found if after is None or date(run.made) > after]

    def get_runs(self, filters: dg.RunsFilter) -> list[dg.DagsterRun]:
        """See `dg.DagsterInstance`; by statuses, of which that of a run in the queue is another one in truth."""
        self.looked = self.turn()
        wanted = set(filters.statuses) - {_WAITS}
        return [run.as_dagster for run in reversed(self.made) if run.status in wanted]


class Daemon:
    """The daemon of one deployment.

    Args:
        simulation: the seed.

    Attributes:
        storage: the runs.
        covered: event → turn at which the runs were looked at by which its message was found to be done with.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._healed: Counter[str] = Counter()
        self.storage = Runs(turn=lambda: simulation.ledger.turn)
        self.covered: dict[str, int] = {}

    def begin(self) -> None:
        """Take part in the schedule."""
        simulation, rng = self._simulation, self._simulation.rng
        simulation.cloud.messages.losing = rng.choice([0.0, 0.2])
        now = simulation.scheduler.clock
        simulation.scheduler.add(Actor("sensor", self._watch, now + rng.random() * 5))
        simulation.scheduler.add(Actor("runs", self._work, now + rng.random() * 5))

    def drain(self) -> bool:
        """Go on, where nothing goes wrong any more, until the queue is empty; whether it is then."""
        simulation = self._simulation
        simulation.cloud.messages.losing = 0.0
        for _ in range(_MOST_TICKS):
            self._tick(None)
            while self._next() is not None:
                self._run(None)
            if not simulation.cloud.messages.waiting:
                return True
            simulation.scheduler.clock += 2 * _HIDDEN_SECONDS
        return False

    def _watch(self, actor: Actor) -> None:
        rng = self._simulation.rng
        for _ in range(rng.randrange(2, 7)):
            self._surviving("sensor", lambda: self._tick(actor))
            self._simulation.scheduler.sleep(actor, 1 + rng.random() * 12)

    def _work(self, actor: Actor) -> None:
        rng = self._simulation.rng
        for _ in range(rng.randrange(2, 7)):
            if self._next() is not None:
                self._surviving("runs", lambda: self._run(actor))
            self._simulation.scheduler.sleep(actor, 1 + rng.random() * 10)

    def _surviving(self, name: str, act: Callable[[], None]) -> None:
        """Somebody starts the process again."""
        try:
            act()
        except Killed:
            if self._simulation.scheduler.endless:
                raise
            self._simulation.ledger.say(name, "is dead")

    # the sensor

    def _tick(self, actor: Actor | None) -> None:
        simulation = self._simulation
        line = simulation.line("sensor", actor, ends=False)
        sessions, storage = simulation.wire(line).sessions, cast("dg.DagsterInstance", self.storage)

        def clock() -> float:
            return simulation.scheduler.clock

        began = clock()
        dispatcher = Dispatcher(
            storage,
            ROTATION_EVENT_SENSOR,
            EVENT_JOBS,
            EventStacks({STACK: simulation.newest.spec}, UnreadStacks(), sessions).concerned,
            MOST_RECEIVES,
            lambda: clock() - began > _LATE_SECONDS,
            lambda: date(clock()),
        )
        try:
            queue = EventQueue(sessions.for_target(TARGET).client("sqs"), QUEUE_URL)
            messages = queue.receive(200, hidden_for=_HIDDEN_SECONDS, seconds=4.0, clock=clock)
            decided = dispatcher.decide(messages)
            for _, text in decided.notices:
                simulation.ledger.texts.append(text)
            self.covered |= {json.loads(one.body)["id"]: self.storage.looked for one in decided.done}
            queue.delete(decided.done)
        except SecretsPipelineError as error:
            simulation.ledger.failure(error)
            simulation.ledger.say("sensor", "fails")
            return
        for request in decided.requests:
            line.boundary()
            run = self._made(request)
            line.boundary()
            if run is not None:
                run.status = _WAITS

    def _made(self, request: dg.RunRequest) -> Run | None:
        """The run of a request, made once for each key; None where there is nothing left to submit."""
        key = request.run_key or ""
        same = [run for run in self.storage.made if run.key == key]
        if same:
            return same[0] if same[0].status is Status.NOT_STARTED else None
        tags = {**request.tags, "dagster/run_key": key, "dagster/sensor_name": ROTATION_EVENT_SENSOR}
        number, job = len(self.storage.made) + 1, request.job_name or ""
        run = Run(number, key, job, tags, self._simulation.scheduler.clock, self._simulation.ledger.turn)
        self.storage.made.append(run)
        self._simulation.ledger.say("sensor", f"asks for run {number}: {job} of {run.stack}")
        return run

    # the run queue

    def _next(self) -> Run | None:
        return next((run for run in self.storage.made if run.status is _WAITS), None)

    def _run(self, actor: Actor | None) -> None:
        """Start the oldest run that waits, and go on until it ends."""
        simulation, run = self._simulation, self._next()
        if run is None:
            return
        if actor is not None and simulation.rng.random() < _NEVER_STARTED:
            run.status, run.lost = Status.FAILURE, simulation.ledger.turn
            simulation.ledger.say("runs", f"run {run.number} cannot be started")
            return
        run.status, run.began = Status.STARTED, simulation.ledger.turn
        simulation.reached[run.job] += 1
        try:
            run.clean = self._performed(run, actor)
            run.status = Status.SUCCESS
        except SecretsPipelineError as error:
            simulation.ledger.failure(error)
            simulation.ledger.say("runs", f"run {run.number} fails")
        finally:
            if run.status is Status.STARTED:
                run.status = Status.FAILURE

    def _performed(self, run: Run, actor: Actor | None) -> bool:
        """What the job does; whether all of it was done."""
        name, simulation = f"apply-e.{run.number}", self._simulation
        simulation.ledger.say(name, f"is run {run.number}: {run.job}")
        line = simulation.line(name, actor, ends=False)
        context = simulation.stack(line, simulation.newest, writing=run.job != "on_outside_change")
        about = secrets_of(run.as_dagster)
        reread_secrets(context, about)
        match run.job:
            case "on_rotation":
                outcomes = simulation.stages(name, context, _STAGES)
                return all(isinstance(one, Applied | Unchanged) for one in outcomes)
            case "on_outside_change":
                return self._heal(context)
            case "on_rotation_failure":
                return self._mend(context, about)
        raise NotImplementedError(run.job)

    def _heal(self, context: Stack) -> bool:
        treated = narrow_policies(context, self._healed)
        self._simulation.ledger.texts += sentences(treated)
        healed = [one.resource.name for one in treated if isinstance(one, NarrowedPolicy)]
        self._healed.update(healed)
        self._simulation.reached["healed"] += len(healed)
        return True

    def _mend(self, context: Stack, about: Collection[str]) -> bool:
        found = repair_rotations(context, about, lambda _name, _version: self._simulation.rng.random() < 0.8)
        self._simulation.ledger.texts += map(str, found)
        self._simulation.reached["rotations tried again"] += sum(
            isinstance(one, UnfinishedRotation) and one.retried for one in found
        )
        return True
