"""One seed: a stack, its edits, who acts on it and when, and what goes wrong; then whether the rules still hold."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from pydantic import SecretStr

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.emulator.control.delays import Delay
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager import model
from secrets_pipeline.engine.apply import Reconciler, apply
from secrets_pipeline.engine.model import Outcome
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.consumer.refresh import InFlight, RefreshReconciler
from secrets_pipeline.reconcilers.observed.login import Address, Login
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.repository import Repository
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.bundle import NO_PASSWORDS, GeneratedPasswords
from tests.grants import TRUSTED
from tests.simulation import stacks
from tests.simulation.calls import Call
from tests.simulation.canary import leaks
from tests.simulation.cloud import Cloud
from tests.simulation.daemon import Daemon
from tests.simulation.ending import Ending
from tests.simulation.events import Events
from tests.simulation.faults import FaultKind, Faults
from tests.simulation.function import ManagedFunction
from tests.simulation.ledger import Ledger
from tests.simulation.messages import Messages
from tests.simulation.people import Human, Rotation
from tests.simulation.rds import TERRAFORMS
from tests.simulation.reach import Reach
from tests.simulation.scheduling import Actor, Endless, Killed, Scheduler
from tests.simulation.stacks import DATABASE, STACK, Intent
from tests.simulation.virtual_time import date, virtual
from tests.simulation.wire import ELSEWHERE, Wire

_WIRES: dict[str, Wire] = {}


ORDER: Sequence[str] = (*STAGES, "commit")
"""The order in which an apply runs its stages."""


@dataclass
class Report:
    """What became of a seed.

    Attributes:
        violations: rules that did not hold, each a sentence; empty if all held.
        trace: every call, in order, without a value.
        faults: how often each kind struck.
        kills: runs that were killed.
        rotations: how many came to their end.
        actions: what humans did, by kind.
        reached: what the others did, by kind.
    """

    seed: int
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    calls: int
    kills: int
    faults: Mapping[FaultKind, int]
    rotations: int
    actions: Mapping[str, int]
    reached: Mapping[str, int]
    seconds: float


@dataclass
class Simulation:
    """Everything of one seed.

    Attributes:
        rotations: ARN and token of the rotations that Secrets Manager started and nobody ran yet.
        newest: the last edit of the YAML, which the ending is held against.
        database_altered: whether a human changed the database's password.
        slowness: seconds that RDS takes at most.
        kills: runs that were killed.
        rotated: rotations that came to their end.
        actions: what humans did, by kind.
        runs: numbers the runs, for the marks that they write.
        interference: how likely a human changes something right after an apply has called Secrets Manager.
        reach: who takes part beside them.
        reached: what these did, by kind.
        events: the bus, where it takes part.
        function: the managed function, where it takes part.
        failing: how likely a consumer's rollout fails.
        flying: rollouts that the last run left on its way: those that `aws_polling_sensor` follows.
    """

    seed: int
    rng: random.Random
    scheduler: Scheduler
    newest: Intent
    ledger: Ledger
    faults: Faults
    reach: Reach
    rotations: list[tuple[str, str]] = field(default_factory=list)
    database_altered: bool = False
    slowness: float = 5.0
    interference: float = 0.0
    kills: int = 0
    rotated: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    events: Events | None = None
    function: ManagedFunction | None = None
    failing: float = 0.0
    flying: Sequence[InFlight] = ()
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    cloud: Cloud = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = Cloud(
            self.seed,
            clock=lambda: self.scheduler.clock,
            delay=lambda: self.rng.random() * self.slowness,
            watcher=self.ledger,
            rotates=lambda arn, token: self.rotations.append((arn, token)),
            fails=lambda: self.rng.random() < self.failing,
            messages=Messages(lambda: self.scheduler.clock, self.rng),
            called=lambda call: self.events.called(call) if self.events else None,
        )
        self.ledger.secret = self.cloud.secret
        self.ledger.clock = lambda: self.scheduler.clock
        self.ledger.instance = lambda: self.cloud.rds.instances.get(stacks.DATABASE)

    def line(self, name: str, actor: Actor | None, *, ends: bool = True) -> Line:
        """The way of one run to the cloud.

        Args:
            name: of the run.
            actor: whose turns it takes; None where nobody else acts.
            ends: whether the actor is over when the run is killed.
        """
        return Line(self, name, actor, ends=ends)

    def wire(self, line: Line) -> Wire:
        """The clients of a run; those who run one after another share them."""
        slot = "alone" if line.actor is None and line.name != "function" else line.name.split(".", maxsplit=1)[0]
        if slot not in _WIRES:
            _WIRES[slot] = Wire()
        return _WIRES[slot].fresh(line.answer)

    def stack(self, line: Line, intent: Intent, *, writing: bool = True, deep: bool = False) -> Stack:
        """The stack in a fresh run of the product, on a wire of its own."""
        name, actor, wire = line.name, line.actor, self.wire(line)

        def log_in(address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
            if actor is not None:
                self.scheduler.turn(actor)
            found = self.cloud.rds.log_in(address, password.get_secret_value())
            self.ledger.say(name, f"database login → {type(found).__name__}")
            return found

        def sleep(seconds: float) -> None:
            if actor is None:
                self.scheduler.clock += seconds
            else:
                self.scheduler.sleep(actor, seconds)

        repository = Repository(
            specs={intent.stack: intent.spec},
            read_leaf=intent.read_leaf,
            read_file=lambda path: path,
            read_state=lambda _path, _most: None,
            environment=lambda _name: None,
        )
        run = Run(
            # Functions and their roles are no part of this simulation.
            OperatorSettings(grants=TRUSTED, rotation_preflight=False),
            # Whoever has others make the database hands it over by name.
            ApplyOptions(adopt=() if intent.creates else (DATABASE,), prune=intent.prune, deep=deep),
            writes=writing,
            id=f"{next(self.runs):08x}",
            log_in=log_in,
            clock=lambda: self.scheduler.clock,
            sleep=sleep,
            now=lambda: date(self.scheduler.clock),
        )
        return Assembly(repository, wire.sessions, run).stack(intent.stack)

    def apply(self, name: str, intent: Intent, actor: Actor | None, *, deep: bool = False) -> list[Outcome]:
        """Every stage of an apply, its changes in an order that the seed chooses."""
        stack = self.stack(self.line(name, actor), intent, deep=deep)
        return self.stages(name, stack, ORDER, generate_passwords(stack))

    def stages(
        self, name: str, stack: Stack, stages: Collection[str], passwords: GeneratedPasswords = NO_PASSWORDS
    ) -> list[Outcome]:
        """Plan and apply some stages, one after another."""
        outcomes: list[Outcome] = []
        for stage in stages:
            make = STAGES.get(stage)
            reconciler: Reconciler = make(stack, passwords=passwords) if make else commit(stack)
            changes = list(reconciler.plan())
            self.rng.shuffle(changes)
            for outcome in apply(reconciler, changes, workers=1):
                outcomes.append(outcome)
                self.ledger.outcome(name, stage, outcome)
            if isinstance(reconciler, RefreshReconciler):
                self.flying = reconciler.in_flight
        return outcomes


class Line:
    """From one run to the cloud: turns are taken here, and faults strike.

    Attributes:
        name: of the run.
        actor: whose turns it takes.
    """

    def __init__(self, simulation: Simulation, name: str, actor: Actor | None, *, ends: bool) -> None:
        self._simulation = simulation
        self._ends = ends
        self._dead = False
        self.name = name
        self.actor = actor

    def answer(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Mapping[str, Any]:
        """See `wire.Answer`."""
        simulation, name, actor = self._simulation, self.name, self.actor
        if actor is None:
            answer = simulation.cloud.call(name, service, operation, params, region=region)
            simulation.ledger.answered(Call(name, service, operation, params, region))()
            return answer
        self._turn(actor)
        fault = simulation.faults.draw(f"{service}.{operation}")
        if fault is not None:
            simulation.ledger.faulted[name] = simulation.ledger.turn
            simulation.ledger.say(name, f"{service} {operation} is {fault}")
        match fault:
            case FaultKind.KILLED_BEFORE:
                self._kill(actor)
            case FaultKind.ERROR:
                raise Fault("InternalServiceError", "An error occurred on the server side.", 500)
            case FaultKind.THROTTLED:
                raise Fault("ThrottlingException", "Rate exceeded")
        lag = simulation.faults.lag(operation)
        if fault is FaultKind.TWICE:
            self._lost(service, operation, params, lag, region)
            self._turn(actor)
        answer = simulation.cloud.call(name, service, operation, params, lag=lag, region=region)
        learn = simulation.ledger.answered(Call(name, service, operation, params, region))
        if service == "secretsmanager" and simulation.rng.random() < simulation.interference:
            Human(simulation, simulation.rng).interfere(str(params.get("SecretId", "")))
        if fault is FaultKind.KILLED_AFTER:
            self._kill(actor)
        if fault is FaultKind.TIME_OUT:
            raise ReadTimeoutError(endpoint_url=f"https://{service}")
        learn()
        return answer

    def boundary(self) -> None:
        """Somewhere between two effects that are no calls of AWS: others may come first, and the run may be killed."""
        if self.actor is None:
            return
        self._turn(self.actor)
        if self._simulation.faults.draw_kill():
            self._simulation.ledger.faulted[self.name] = self._simulation.ledger.turn
            self._kill(self.actor)

    def _turn(self, actor: Actor) -> None:
        if self._dead:
            raise Killed
        self._simulation.scheduler.turn(actor)

    def _lost(self, service: str, operation: str, params: Mapping[str, Any], lag: int, region: str) -> None:
        try:
            self._simulation.cloud.call(self.name, service, operation, params, lag=lag, region=region)
        except Fault:
            return

    def _kill(self, actor: Actor) -> None:
        self._dead = True
        actor.killed = actor.killed or self._ends
        self._simulation.kills += 1
        raise Killed


def run(seed: int, reach: Reach | None = None) -> Report:
    """Simulate one seed.

    Args:
        seed: its number.
        reach: who takes part; None leaves it to the seed.
    """
    began = time.perf_counter()
    rng, reaching = random.Random(seed), random.Random(f"reach {seed}")  # noqa: S311 - the same for the same seed, on purpose
    reach = reach or Reach.draw(reaching)
    first = stacks.draw(rng)
    second = stacks.edited(rng, first)
    first = stacks.reaching(reaching, first, reach)
    second = stacks.reaching_otherwise(reaching, first, second, reach)
    scheduler = Scheduler(rng, rng.choice([0.05, 0.2, 0.5, 1.0]))
    faults = Faults(rng, rng.choice([0.0, 0.01, 0.03, 0.08]), rng.choice([0.0, 0.3, 0.8]))
    simulation = Simulation(seed, rng, scheduler, second, Ledger(lambda _: None), faults, reach)
    with _process_of(simulation) as patch:
        simulation.function = ManagedFunction(simulation, patch) if reach.managed else None
        try:
            _play(simulation, first, second, patch)
        except Endless as error:
            simulation.ledger.violated(str(error))
    tags = [str(secret.tags) for secret in simulation.cloud.store.all()]
    for leak in leaks(simulation.ledger.values, [*simulation.ledger.trace, *simulation.ledger.texts, *tags]):
        simulation.ledger.violated(leak)
    return Report(
        seed=seed,
        violations=tuple(simulation.ledger.violations),
        trace=tuple(simulation.ledger.trace),
        calls=simulation.cloud.calls,
        kills=simulation.kills,
        faults=faults.counts,
        rotations=simulation.rotated,
        actions=simulation.actions,
        reached=simulation.reached,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class _Lasting:
    """How long things take, as slow as the simulation's databases are at that moment."""

    simulation: Simulation
    ends: dict[tuple[str, float], float] = field(default_factory=dict)

    def is_over(self, _delay: Delay, subject: str, begun: float) -> bool:
        seconds = self.simulation.slowness * self.simulation.reach.replicas
        return CLOCK.now() >= self.ends.setdefault((subject, begun), begun + seconds)


@contextmanager
def _process_of(simulation: Simulation) -> Iterator[pytest.MonkeyPatch]:
    """This process for as long as it is the simulation's; afterwards it is as it was."""
    loggers = [logging.getLogger(name) for name in ("boto3", "botocore", "urllib3", "secrets_pipeline.rotation")]
    levels = [one.level for one in loggers]
    with ExitStack() as stack:
        # The managed function sets them, as it has a process of its own in Lambda.
        for logger, level in zip(loggers, levels, strict=True):
            stack.callback(logger.setLevel, level)
        patch = stack.enter_context(virtual(lambda: simulation.scheduler.clock))
        patch.setattr(model, "PACE", _Lasting(simulation))
        yield patch


def _play(simulation: Simulation, first: Intent, second: Intent, patch: pytest.MonkeyPatch) -> None:
    rng = simulation.rng
    _terraform(simulation, first)
    warm = rng.random() < 0.7
    if warm:
        simulation.apply("apply-0", first, None)
        simulation.scheduler.clock += 100
    _foreigners(simulation, second, warm=warm)
    daemon = Daemon(simulation) if simulation.reach.events else None
    if simulation.reach.events:
        simulation.events = Events(simulation)
        simulation.events.listen(patch)
    ending = Ending(simulation, first, second, daemon)
    ending.remember()
    simulation.slowness = rng.choice([2.0, 10.0, 40.0])
    simulation.ledger.say("all", f"the schedule begins; warm: {warm}")
    newer = rng.choice([1, 2])
    for number in (1, 2):
        intent = second if number >= newer else first
        _add_apply(simulation, f"apply-{number}", intent, attempts=rng.randrange(1, 3), wakes=rng.random() * 3)
    _add_people(simulation)
    if simulation.reach.consumers:
        simulation.failing = rng.choice([0.0, 0.6])
    if daemon is not None:
        daemon.begin()
    simulation.scheduler.run()
    ending.judge()


def _terraform(simulation: Simulation, intent: Intent) -> None:
    """What others have made before the first apply."""
    simulation.apply("other", stacks.other_stack(), None)
    if intent.database and not intent.creates:
        simulation.cloud.rds.add(stacks.DATABASE, TERRAFORMS)
    if simulation.reach.replicas:
        _replica_keys(simulation.cloud)
    if simulation.reach.consumers:
        simulation.cloud.consumers.make()


def _add_people(simulation: Simulation) -> None:
    rng = simulation.rng
    if rng.random() < 0.6:
        rotation = Rotation(simulation, rng, failing=rng.choice([0.0, 0.1, 0.3]))
        simulation.scheduler.add(Actor("rotation", rotation.act, simulation.scheduler.clock + rng.random() * 5))
    simulation.interference = rng.choice([0.0, 0.0, 0.02, 0.08])
    if rng.random() < 0.6:
        human = Human(simulation, rng)
        simulation.scheduler.add(Actor("human", human.act, simulation.scheduler.clock + rng.random() * 5))


def _replica_keys(cloud: Cloud) -> None:
    """A key of somebody else in each region of replicas."""
    for region in ELSEWHERE:
        made = cloud.call("others", "kms", "CreateKey", {"Tags": []}, region=region)["KeyMetadata"]
        named = {"AliasName": stacks.REPLICA_ALIAS, "TargetKeyId": made["KeyId"]}
        cloud.call("others", "kms", "CreateAlias", named, region=region)


def _add_apply(simulation: Simulation, name: str, intent: Intent, *, attempts: int, wakes: float) -> None:
    """An apply, started again as often as it is killed, if the seed says so."""

    def act(actor: Actor) -> None:
        try:
            simulation.apply(name, intent, actor)
        except Killed:
            simulation.ledger.say(name, "is dead")
        except SecretsPipelineError as error:
            simulation.ledger.say(name, f"stops: {error.message}")
            simulation.ledger.failure(error)
        else:
            return
        if attempts > 1:
            again = f"{name}.{attempts}"
            pause = simulation.rng.random() * 5
            _add_apply(simulation, again, intent, attempts=attempts - 1, wakes=pause)

    simulation.scheduler.add(Actor(name, act, simulation.scheduler.clock + wakes))


def _foreigners(simulation: Simulation, intent: Intent, *, warm: bool) -> None:
    """Secrets of others, some of which look like ours."""
    rng, cloud = simulation.rng, simulation.cloud
    ours = next((one for one in cloud.store.all() if one.name.startswith(f"{STACK}/")), None)
    copied = dict(ours.tags) if ours else {"secrets-pipeline:stack": STACK, "secrets-pipeline:spec": "new.0000"}
    names = [f"{STACK}/forged"] if rng.random() < 0.5 else []
    if not warm and rng.random() < 0.3:
        names.append(intent.name(rng.choice(list(intent.wishes))))
    for name in names:
        tags = copied if rng.random() < 0.6 else {}
        given = {"Name": name, "SecretString": "CANARY-foreign", "Tags": tag_list(tags)}
        cloud.call("others", "secretsmanager", "CreateSecret", given)
        simulation.ledger.fact(name).foreign_since = 0
    if rng.random() < 0.5:
        made = cloud.store.new("rds!db-1")
        made.owning_service, made.tags = "rds", copied
        simulation.ledger.fact(made.name).foreign_since = 0
    simulation.ledger.fact(f"{stacks.OTHER}/token").foreign_since = 0
