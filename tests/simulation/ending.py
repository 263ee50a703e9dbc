"""What must hold when everybody has left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.emulator.core.secret_key import DEFAULT_ALIAS, key_of
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, EmulatedSecret
from secrets_pipeline.emulator.services.secretsmanager.model import RotationConfiguration as SecretRotation
from secrets_pipeline.engine.model import Applied, ChangeClass, Outcome, Unchanged
from secrets_pipeline.engine.report import row as row_of
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from tests.simulation.consumers import FUNCTION, OTHER_VARIABLE, ROTATOR
from tests.simulation.excuses import Excuses
from tests.simulation.following import Following
from tests.simulation.ledger import MadeKey
from tests.simulation.people import Rotation
from tests.simulation.rds import ACCOUNT, REGION, TERRAFORMS
from tests.simulation.stacks import ALIAS, BY_HAND, DATABASE, REPLICA_ALIAS, VARIABLE, Intent
from tests.simulation.values import document, password_of
from tests.simulation.wire import ELSEWHERE

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon
    from tests.simulation.simulation import Simulation


class Ending:
    """Judges the end of a seed.

    Args:
        simulation: the seed.
        first: what the YAML said at first.
        second: what it says now.
        daemon: who follows events, where they take part.
    """

    def __init__(self, simulation: Simulation, first: Intent, second: Intent, daemon: Daemon | None) -> None:
        self._simulation = simulation
        self._intent = second
        self._daemon = daemon
        self._excuses = Excuses(simulation, first, second)
        self._foreign: dict[str, Any] = {}

    def remember(self) -> None:
        """How what is not ours looks at the beginning."""
        for secret in self._simulation.cloud.store.all():
            if self._simulation.ledger.fact(secret.name).foreign_since is not None:
                self._foreign[secret.name] = _frozen(secret)

    def judge(self) -> None:
        """Hold the state, one more apply, and the plan after it against the rules."""
        simulation, ledger = self._simulation, self._simulation.ledger
        simulation.slowness = 2.0 if not simulation.reach.consumers else 0.0
        simulation.failing = 0.0
        simulation.scheduler.clock += 1000
        simulation.cloud.rds.settle()
        if simulation.rng.random() < 0.7:
            self._finish_rotations()
        ledger.say("all", "the schedule ends")
        self._check_database("after the schedule")
        if self._daemon is not None:
            self._follow(self._daemon)
        self._converges("apply-9")
        self._check_database("after one more apply")
        unseen = any(fact.policy_touched or fact.overtaken or fact.replicas_touched for fact in ledger.facts.values())
        if unseen or ledger.consumers_touched:
            self._excuses.shallow = False
            self._converges("apply-10", deep=True)
        self._check_secrets()
        self._check_foreign()
        self._check_keys()
        self._check_replicas()
        self._check_consumers()

    def _follow(self, daemon: Daemon) -> None:
        """Every event is followed by a run, and what hangs on a new value by what the run does."""
        following = Following(self._simulation, daemon)
        following.check_runs(drained=daemon.drain())
        self._check_database("after the events")
        for key in following.followed():
            if self._excuses.foreign(key) or self._excuses.waits(key):
                continue
            for consumer in self._stale(key):
                if not self._excuses.told(consumer):
                    self._simulation.ledger.violated(f"{consumer} was not started anew after {key} had changed")

    def _converges(self, name: str, *, deep: bool = False) -> None:
        """One more apply does all that is left to do, and the plan after it is empty."""
        try:
            outcomes = self._simulation.apply(name, self._intent, None, deep=deep)
        except SecretsPipelineError as error:
            self._simulation.ledger.violated(f"{name} stops: {error.message}")
        else:
            self._check_outcomes(outcomes)
        self._check_plan()

    def _secret(self, key: str) -> EmulatedSecret | None:
        return self._simulation.cloud.secret(self._intent.name(key))

    def _finish_rotations(self) -> None:
        rotation = Rotation(self._simulation, self._simulation.rng, failing=0.0)
        for secret in self._simulation.cloud.store.all():
            pending = secret.staged(PENDING)
            if pending is not None and CURRENT not in pending.stages and secret.deleted is None:
                rotation.perform(None, secret.arn, pending.id)

    def _check_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Applied | Unchanged):
                continue
            row = row_of(outcome)
            if not self._excuses.allow(outcome.change, row["detail"]):
                said = row["detail"].splitlines()[0]
                self._simulation.ledger.violated(
                    f"one more apply: {row['kind']} {row['name']} {row['outcome']}: {said}"
                )

    def _check_plan(self) -> None:
        stack = self._simulation.stack(self._simulation.line("plan", None), self._intent, writing=False)
        for changes in plan_stack(stack, deep=True).values():
            for change in changes:
                self._simulation.ledger.texts.append(str(change))
                if change.action is not ChangeClass.NONE and not self._excuses.allow(change, change.reason):
                    said = f"{change.action.value} {change.resource}: {change.reason}"
                    self._simulation.ledger.violated(f"the next plan is not empty: {said}")

    def _check_database(self, when: str) -> None:
        instance, secret = self._simulation.cloud.rds.instances.get(DATABASE), self._secret("db")
        if instance is None or not self._intent.database or instance.password == TERRAFORMS:
            return
        known = [secret.staged(stage) for stage in (CURRENT, PENDING)] if secret else []
        if any(version and password_of(version.string) == instance.password for version in known):
            return
        fact = self._simulation.ledger.fact(self._intent.name("db"))
        lost = "after the" in when and fact.destroyed
        if not (self._excuses.password_is_somebodys() or lost):
            self._simulation.ledger.violated(f"{when} the database's password is neither AWSCURRENT nor AWSPENDING")

    def _check_secrets(self) -> None:
        for key, wish in self._intent.wishes.items():
            name = self._intent.name(key)
            if self._excuses.foreign(key) or self._excuses.rotating(key) or self._excuses.waits(key):
                continue
            secret = self._secret(key)
            if secret is None or secret.deleted is not None or secret.staged(CURRENT) is None:
                self._simulation.ledger.violated(f"{name} has no value at the end")
                continue
            wrong = list(self._differences(key, secret))
            # What a human has put there, and no YAML ever named, stays.
            theirs = {k for k, v in secret.tags.items() if k.startswith(PREFIX) or v == BY_HAND} - set(wish.tags)
            if {k: v for k, v in secret.tags.items() if k not in theirs} != wish.tags:
                wrong.append("tags")
            self._simulation.ledger.violations.extend(f"at the end {name} has the wrong {part}" for part in wrong)

    def _differences(self, key: str, secret: EmulatedSecret) -> Iterable[str]:
        wish, fact = self._intent.wishes[key], self._simulation.ledger.fact(secret.name)
        if secret.description != wish.description:
            yield "description"
        own = ALIAS if wish.own_key and self._intent.key else None
        current = secret.staged(CURRENT)
        if not _same_key(secret.kms_key_id, own, REGION):
            yield "kms key"
        if current is not None and not _same_key(current.kms_key_id, own, REGION):
            yield "kms key of its value"
        wanted = next(one for one in self._intent.spec.secrets if one.name == secret.name)
        document_ = {"Version": "2012-10-17", "Statement": list(wanted.policy)} if wanted.policy else None
        if not same_policy(secret.policy, document_):
            yield "policy"
        rotation = secret.rotation
        enabled = rotation is not None and rotation.enabled
        if enabled != bool(wish.days) and not (enabled and self._excuses.rotation(key)):
            yield "rotation"
        elif rotation is not None and wish.days and not _rotates(rotation, wish.days):
            yield "rotation rules"
        if not fact.ever_replaced and not self._as_declared(key, current.string if current else None):
            yield "value"

    def _as_declared(self, key: str, value: str | None) -> bool:
        wish = self._intent.wishes[key]
        match key:
            case "api":
                return value == wish.literal
            case "config":
                api = self._secret("api")
                held = api.staged(CURRENT) if api else None
                return document(value) == {"mode": wish.literal, "api": held.string if held else None}
            case "url":
                db, instance = self._secret("db"), self._simulation.cloud.rds.instances[DATABASE]
                held = db.staged(CURRENT) if db else None
                password = password_of(held.string if held else None)
                return value == f"postgresql://owner:{password}@{instance.address}:5432/{wish.literal}"
        found = document(value)
        if not wish.document:
            return found is None
        fields: dict[str, Any] = {"engine": "postgres", "username": "owner", "dbname": "orders"}
        if self._intent.database:
            fields |= {"host": self._simulation.cloud.rds.instances[DATABASE].address, "port": 5432}
        return found is not None and {k: v for k, v in found.items() if k != "password"} == fields

    def _check_foreign(self) -> None:
        for name, was in self._foreign.items():
            secret = self._simulation.cloud.secret(name)
            if secret is None or _frozen(secret) != was:
                self._simulation.ledger.violated(f"{name} is not ours and was changed")

    def _check_replicas(self) -> None:
        """Each declared replica is in step with its primary, and none of ours is left over."""
        for key, wish in self._intent.wishes.items():
            primary = self._secret(key)
            if primary is None or primary.deleted is not None or self._excuses.foreign(key):
                continue
            for region in ELSEWHERE:
                wrong = self._wrong_replica(primary, region, wish.replicas)
                if wrong and not (self._excuses.rotating(key) and wrong == "left over"):
                    self._simulation.ledger.violated(f"at the end the replica of {primary.name} in {region} is {wrong}")

    def _wrong_replica(self, primary: EmulatedSecret, region: str, wanted: Mapping[str, bool]) -> str:
        known, copied = primary.replicas.get(region), self._simulation.cloud.replica(primary.name, region)
        if region not in wanted:
            theirs = self._simulation.ledger.fact(primary.name).their_regions
            return "left over" if known is not None and region not in theirs else ""
        if known is None or copied is None or known.status != "InSync":
            return "missing"
        if {v.id: v.string for v in copied.versions.values()} != {v.id: v.string for v in primary.versions.values()}:
            return "not in step"
        wanted_key = REPLICA_ALIAS if wanted[region] else None
        return "" if _same_key(copied.kms_key_id, wanted_key, region) else "under the wrong key"

    def _check_consumers(self) -> None:
        """Consumers were told the ARN of now, begin after the value of now, and keep what is not the pipeline's."""
        consumers, violated = self._simulation.cloud.consumers, self._simulation.ledger.violated
        if consumers.functions and consumers.functions[FUNCTION].variables[OTHER_VARIABLE] != self._mode:
            violated("a variable of the function that is not ours was lost")
        for consumer, key in self._intent.readers.items():
            secret = self._secret(key)
            if secret is None or self._excuses.foreign(key) or self._excuses.waits(key):
                continue
            if self._told(consumer) != secret.arn:
                violated(f"at the end {consumer} was not told the ARN of {key}")
            if consumer in self._stale(key):
                violated(f"at the end {consumer} runs with an older value of {key}")

    @property
    def _mode(self) -> str:
        return self._simulation.ledger.mode

    def _told(self, consumer: str) -> str | None:
        consumers = self._simulation.cloud.consumers
        told = consumers.functions[FUNCTION].variables if consumer == "lambda" else consumers.delivered()
        return told.get(VARIABLE)

    def _stale(self, key: str) -> list[str]:
        """Consumers that read a secret and began before its value became the current one."""
        consumers, since = self._simulation.cloud.consumers, self._simulation.ledger.fact(self._intent.name(key)).since
        readers = [consumer for consumer, read in self._intent.readers.items() if read == key]
        began = {consumer: consumers.began(consumer) for consumer in readers}
        return [consumer for consumer in readers if began[consumer] < since]

    def _check_keys(self) -> None:
        """No key is left without an alias, and none that is used is about to die."""
        for key_id, key in self._simulation.cloud.keys.items():
            if key.key_manager == "AWS":
                continue
            if key.key_state == "Enabled" and not key.aliases and not self._lost_a_race(key_id):
                self._simulation.ledger.violated("a KMS key without alias is left over")
            if key.key_state != "Enabled" and key.aliases:
                self._simulation.ledger.violated(f"the KMS key {', '.join(key.aliases)} is {key.key_state}")

    def _lost_a_race(self, key_id: str) -> bool:
        """Whether two runs that could not see each other's key made one, and the loser died; see `excuses`."""
        ledger, cloud = self._simulation.ledger, self._simulation.cloud
        lost = ledger.keys[key_id]
        others = [ledger.keys[other] for other, key in cloud.keys.items() if key.aliases and other in ledger.keys]
        raced = any(other.purpose == lost.purpose and _unseen(lost, other) for other in others)
        return raced and ledger.faulted.get(lost.caller, -1) >= lost.turn - 1


def _unseen(one: MadeKey, other: MadeKey) -> bool:
    earlier, later = sorted([one, other], key=lambda made: made.turn)
    return later.searched < earlier.turn


def _rotates(rotation: SecretRotation, days: int) -> bool:
    return rotation.lambda_arn == ROTATOR and rotation.rules.get("AutomaticallyAfterDays") == days


def _frozen(secret: EmulatedSecret) -> str:
    versions = {version.id: [version.string, sorted(version.stages)] for version in secret.versions.values()}
    rotation = astuple(secret.rotation) if secret.rotation else None
    about = [secret.description, secret.kms_key_id, secret.tags, versions, secret.policy, rotation, secret.deleted]
    return json.dumps(about, sort_keys=True)


def _same_key(one: str | None, other: str | None, region: str) -> bool:
    """Whether two KmsKeyId values name one key; None is `aws/secretsmanager`."""
    first, second = (key_of(name or DEFAULT_ALIAS, ACCOUNT, region) for name in (one, other))
    return bool(first.arn == second.arn)
