"""What must hold when everybody has left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access import same_policy
from secrets_pipeline.engine import Applied, Change, ChangeClass, Outcome, Unchanged, rows
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.local.corrections.secretsmanager.keys import same_key
from secrets_pipeline.local.corrections.secretsmanager.model import CURRENT, PENDING, Secret
from secrets_pipeline.reconcilers import plan_stack
from secrets_pipeline.reconcilers.marks import PREFIX

from .ledger import document
from .people import Rotation, password_of
from .rds import ACCOUNT, REGION
from .stacks import ALIAS, DATABASE, ROTATOR, STACK, Intent

if TYPE_CHECKING:
    from .simulation import Simulation

_NEEDS = {"config": "api", "url": "db"}


class Ending:
    """Judges the end of a seed.

    Args:
        simulation: the seed.
        first: what the YAML said at first.
        second: what it says now.
    """

    def __init__(self, simulation: Simulation, first: Intent, second: Intent) -> None:
        self._simulation = simulation
        self._first = first
        self._intent = second
        self._foreign: dict[str, Any] = {}

    def remember(self) -> None:
        """How what is not ours looks at the beginning."""
        for secret in self._simulation.cloud.store.all():
            if self._simulation.ledger.fact(secret.name).foreign_since is not None:
                self._foreign[secret.name] = _frozen(secret)

    def judge(self) -> None:
        """Hold the state, one more apply, and the plan after it against the rules."""
        simulation, ledger = self._simulation, self._simulation.ledger
        simulation.slowness = 2.0
        simulation.scheduler.clock += 1000
        simulation.cloud.rds.settle()
        if simulation.rng.random() < 0.7:
            self._finish_rotations()
        ledger.say("all", "the schedule ends")
        self._check_database("after the schedule")
        outcomes: list[Outcome] = []
        try:
            outcomes = simulation.apply("apply-9", self._intent, None)
        except SecretsPipelineError as error:
            ledger.violated(f"one more apply stops: {error.message}")
        self._check_outcomes(outcomes)
        self._check_plan()
        self._check_database("after one more apply")
        self._check_secrets()
        self._check_foreign()
        self._check_keys()

    def _secret(self, key: str) -> Secret | None:
        return self._simulation.cloud.secret(self._intent.name(key))

    def _finish_rotations(self) -> None:
        rotation = Rotation(self._simulation, self._simulation.rng, failing=0.0)
        for secret in self._simulation.cloud.store.all():
            pending = secret.staged(PENDING)
            if pending is not None and CURRENT not in pending.stages and secret.deleted is None:
                rotation.perform(None, secret.arn, pending.id)

    # What may be left over, because somebody wanted it so.

    def _blocked(self, key: str) -> bool:
        fact = self._simulation.ledger.fact(self._intent.name(key))
        return fact.foreign_since is not None or (key in _NEEDS and self._blocked(_NEEDS[key]))

    def _stuck(self, key: str) -> bool:
        secret = self._secret(key)
        pending = secret.staged(PENDING) if secret else None
        return pending is not None and CURRENT not in pending.stages

    def _password_is_somebodys(self) -> bool:
        """Whether the password of the database differs from its secret because somebody beside us wanted it."""
        fact = self._simulation.ledger.fact(self._intent.name("db"))
        return fact.ever_replaced or self._simulation.database_altered or self._stuck("db") or self._blocked("db")

    def _excused(self, change: Change, text: str) -> bool:
        name = change.resource.name
        key = name.removeprefix(f"{STACK}/")
        if name == DATABASE:
            if self._blocked("db"):
                return True
            return change.resource.kind == "database-endpoint" and self._password_is_somebodys()
        if key in self._intent.wishes and self._blocked(key):
            return True
        waits = change.resource.kind in ("secret", "credentials", "commit", "rotation")
        if key in self._intent.wishes and self._stuck(key) and waits:
            return True
        if key in _NEEDS and self._stuck(_NEEDS[key]) and text.startswith("value is rendered from"):
            return True
        if change.action is ChangeClass.ORPHAN:
            if change.resource.kind == "outputs":
                return all(self._blocked(one) for one in self._intent.wishes)
            return key in self._first.wishes and key not in self._intent.wishes and not self._intent.prune
        if change.resource.kind == "secret-policy":
            return self._simulation.ledger.fact(name).policy_touched and text.startswith("changed outside")
        return False

    # The rules.

    def _check_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Applied | Unchanged):
                continue
            row = rows([outcome])[0]
            if not self._excused(outcome.change, row["detail"]):
                said = row["detail"].splitlines()[0]
                self._simulation.ledger.violated(
                    f"one more apply: {row['kind']} {row['name']} {row['outcome']}: {said}"
                )

    def _check_plan(self) -> None:
        world = self._simulation.world("plan", self._intent, None, writing=False)
        for changes in plan_stack(world.context(STACK), deep=True).values():
            for change in changes:
                if change.action is not ChangeClass.NONE and not self._excused(change, change.reason):
                    said = f"{change.action.value} {change.resource}: {change.reason}"
                    self._simulation.ledger.violated(f"the next plan is not empty: {said}")

    def _check_database(self, when: str) -> None:
        instance, secret = self._simulation.cloud.rds.instances.get(DATABASE), self._secret("db")
        if instance is None or not self._intent.database or instance.password == "made by Terraform":
            return
        known = [secret.staged(stage) for stage in (CURRENT, PENDING)] if secret else []
        if any(version and password_of(version.string) == instance.password for version in known):
            return
        fact = self._simulation.ledger.fact(self._intent.name("db"))
        lost = "after the" in when and fact.destroyed
        if not (self._password_is_somebodys() or lost):
            self._simulation.ledger.violated(f"{when} the database's password is neither AWSCURRENT nor AWSPENDING")

    def _check_secrets(self) -> None:
        for key, wish in self._intent.wishes.items():
            name = self._intent.name(key)
            if self._blocked(key) or self._stuck(key):
                continue
            secret = self._secret(key)
            if secret is None or secret.deleted is not None or secret.staged(CURRENT) is None:
                self._simulation.ledger.violated(f"{name} has no value at the end")
                continue
            wrong = list(self._differences(key, secret))
            wanted = {**wish.tags}
            if {k: v for k, v in secret.tags.items() if not k.startswith(PREFIX)} != wanted:
                wrong.append("tags")
            self._simulation.ledger.violations.extend(f"at the end {name} has the wrong {part}" for part in wrong)

    def _differences(self, key: str, secret: Secret) -> Iterable[str]:
        wish, fact = self._intent.wishes[key], self._simulation.ledger.fact(secret.name)
        if secret.description != wish.description:
            yield "description"
        own = ALIAS if wish.own_key and self._intent.key else None
        current = secret.staged(CURRENT)
        if not same_key(secret.kms_key_id, own, ACCOUNT, REGION):
            yield "kms key"
        if current is not None and not same_key(current.kms_key_id, own, ACCOUNT, REGION):
            yield "kms key of its value"
        wanted = next(one for one in self._intent.spec.secrets if one.name == secret.name)
        document_ = {"Version": "2012-10-17", "Statement": list(wanted.policy)} if wanted.policy else None
        if not fact.policy_touched and not same_policy(secret.policy, document_):
            yield "policy"
        rotation = secret.rotation
        enabled = rotation is not None and rotation.enabled
        if enabled != bool(wish.days):
            yield "rotation"
        elif rotation is not None and wish.days:
            if rotation.lambda_arn != ROTATOR or rotation.rules.get("AutomaticallyAfterDays") != wish.days:
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

    def _check_keys(self) -> None:
        """No key is left without an alias, and none that is used is about to die."""
        bare = 0
        for key in self._simulation.cloud.keys.values():
            if key.key_manager == "AWS":
                continue
            bare += key.key_state == "Enabled" and not key.aliases
            if bare > self._simulation.ledger.lost_keys:
                self._simulation.ledger.violated("a KMS key without alias is left over")
            if key.key_state != "Enabled" and key.aliases:
                self._simulation.ledger.violated(f"the KMS key {', '.join(key.aliases)} is {key.key_state}")


def _frozen(secret: Secret) -> str:
    versions = {version.id: [version.string, sorted(version.stages)] for version in secret.versions.values()}
    rotation = astuple(secret.rotation) if secret.rotation else None
    about = [secret.description, secret.kms_key_id, secret.tags, versions, secret.policy, rotation, secret.deleted]
    return json.dumps(about, sort_keys=True)
