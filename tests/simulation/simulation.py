"""One seed: a stack, its edits, who acts on it and when, and what goes wrong; then whether the rules still hold."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ReadTimeoutError
from pydantic import SecretStr

from secrets_pipeline.engine import Outcome, Reconciler, apply
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.local.corrections.faults import Fault
from secrets_pipeline.reconcilers import (
    STAGES,
    ApplyOptions,
    Surroundings,
    World,
    commit,
    generate_passwords,
)
from secrets_pipeline.reconcilers.login import Address, Login
from secrets_pipeline.reconcilers.states import tag_list
from secrets_pipeline.spec import OperatorSettings

from . import stacks
from .calls import Call
from .canary import leaks
from .cloud import Cloud
from .ending import Ending
from .faults import FaultKind, Faults
from .ledger import Ledger
from .people import Human, Rotation
from .rds import TERRAFORMS
from .scheduling import Actor, Endless, Killed, Scheduler
from .stacks import STACK, Intent
from .wire import Wire

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
    """

    seed: int
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    calls: int
    kills: int
    faults: Mapping[FaultKind, int]
    rotations: int
    actions: Mapping[str, int]
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
    """

    seed: int
    rng: random.Random
    scheduler: Scheduler
    newest: Intent
    ledger: Ledger
    faults: Faults
    rotations: list[tuple[str, str]] = field(default_factory=list)
    database_altered: bool = False
    slowness: float = 5.0
    interference: float = 0.0
    kills: int = 0
    rotated: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    cloud: Cloud = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = Cloud(
            self.seed,
            clock=lambda: self.scheduler.clock,
            delay=lambda: self.rng.random() * self.slowness,
            watcher=self.ledger,
            rotates=lambda arn, token: self.rotations.append((arn, token)),
        )
        self.ledger.secret = self.cloud.secret

    def world(
        self, name: str, intent: Intent, actor: Actor | None, *, writing: bool = True, deep: bool = False
    ) -> World:
        """A fresh run of the product on a wire of its own."""
        slot = name.split(".", maxsplit=1)[0]
        if slot not in _WIRES:
            _WIRES[slot] = Wire()
        wire = _WIRES[slot]
        wire.fresh(_Line(self, name, actor).answer)

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

        return World(
            specs={intent.stack: intent.spec},
            read_leaf=intent.read_leaf,
            read_file=lambda path: path,
            environment=lambda _name: None,
            sessions=wire.sessions,
            # Functions and their roles are no part of this world.
            settings=OperatorSettings(rotation_preflight=False),
            options=ApplyOptions(prune=intent.prune, deep=deep),
            writing=writing,
            run=f"{next(self.runs):08x}",
            surroundings=Surroundings(log_in=log_in, clock=lambda: self.scheduler.clock, sleep=sleep),
        )

    def apply(self, name: str, intent: Intent, actor: Actor | None, *, deep: bool = False) -> list[Outcome]:
        """Every stage of an apply, its changes in an order that the seed chooses."""
        context = self.world(name, intent, actor, deep=deep).context(intent.stack)
        context.guard()
        context.passwords = generate_passwords(context)
        outcomes: list[Outcome] = []
        for stage in ORDER:
            reconciler: Reconciler = STAGES[stage](context) if stage in STAGES else commit(context)
            changes = list(reconciler.plan())
            self.rng.shuffle(changes)
            for outcome in apply(reconciler, changes, workers=1):
                outcomes.append(outcome)
                self.ledger.outcome(name, stage, outcome)
        return outcomes


class _Line:
    """From one run to the cloud: turns are taken here, and faults strike."""

    def __init__(self, simulation: Simulation, name: str, actor: Actor | None) -> None:
        self._simulation = simulation
        self._name = name
        self._actor = actor

    def answer(self, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        simulation, name, actor = self._simulation, self._name, self._actor
        if actor is None:
            answer = simulation.cloud.call(name, service, operation, params)
            simulation.ledger.answered(Call(name, service, operation, params))()
            return answer
        simulation.scheduler.turn(actor)
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
            self._lost(service, operation, params, lag)
            simulation.scheduler.turn(actor)
        answer = simulation.cloud.call(name, service, operation, params, lag=lag)
        learn = simulation.ledger.answered(Call(name, service, operation, params))
        if service == "secretsmanager" and simulation.rng.random() < simulation.interference:
            Human(simulation, simulation.rng).interfere(str(params.get("SecretId", "")))
        if fault is FaultKind.KILLED_AFTER:
            self._kill(actor)
        if fault is FaultKind.TIME_OUT:
            raise ReadTimeoutError(endpoint_url=f"https://{service}")
        learn()
        return answer

    def _lost(self, service: str, operation: str, params: Mapping[str, Any], lag: int) -> None:
        try:
            self._simulation.cloud.call(self._name, service, operation, params, lag=lag)
        except Fault:
            return

    def _kill(self, actor: Actor) -> None:
        actor.killed = True
        self._simulation.kills += 1
        raise Killed


def run(seed: int) -> Report:
    """Simulate one seed."""
    began = time.perf_counter()
    rng = random.Random(seed)  # noqa: S311 - the same for the same seed, on purpose
    first = stacks.draw(rng)
    second = stacks.edited(rng, first)
    scheduler = Scheduler(rng, rng.choice([0.05, 0.2, 0.5, 1.0]))
    faults = Faults(rng, rng.choice([0.0, 0.01, 0.03, 0.08]), rng.choice([0.0, 0.3, 0.8]))
    simulation = Simulation(seed, rng, scheduler, second, Ledger(lambda _: None), faults)
    try:
        _play(simulation, first, second)
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
        seconds=time.perf_counter() - began,
    )


def _play(simulation: Simulation, first: Intent, second: Intent) -> None:
    rng, ledger = simulation.rng, simulation.ledger
    simulation.apply("other", stacks.other_stack(), None)
    ending = Ending(simulation, first, second)
    if first.database and not first.creates:
        simulation.cloud.rds.add(stacks.DATABASE, TERRAFORMS)
    warm = rng.random() < 0.7
    if warm:
        simulation.apply("apply-0", first, None)
        simulation.scheduler.clock += 100
    _foreigners(simulation, second, warm=warm)
    ending.remember()
    simulation.slowness = rng.choice([2.0, 10.0, 40.0])
    ledger.say("all", f"the schedule begins; warm: {warm}")
    newer = rng.choice([1, 2])
    for number in (1, 2):
        intent = second if number >= newer else first
        _add_apply(simulation, f"apply-{number}", intent, attempts=rng.randrange(1, 3), wakes=rng.random() * 3)
    if rng.random() < 0.6:
        rotation = Rotation(simulation, rng, failing=rng.choice([0.0, 0.1, 0.3]))
        simulation.scheduler.add(Actor("rotation", rotation.act, simulation.scheduler.clock + rng.random() * 5))
    simulation.interference = rng.choice([0.0, 0.0, 0.02, 0.08])
    if rng.random() < 0.6:
        human = Human(simulation, rng)
        simulation.scheduler.add(Actor("human", human.act, simulation.scheduler.clock + rng.random() * 5))
    simulation.scheduler.run()
    ending.judge()


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
