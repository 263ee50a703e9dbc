"""Stacks and their edits, drawn by the seed: what the YAML says when an apply starts."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.consumer.model import Delivery, EcsDelivery, LambdaDelivery
from secrets_pipeline.desired.consumer.refresh_model import EcsRefresh, LambdaRefresh, RefreshSpec
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue, Leaf, PasswordPolicy
from secrets_pipeline.references.model import Expression, Literal
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.walk import outputs, ssm_parameters
from tests.simulation.consumers import CLUSTER, CONTAINER, FUNCTION, ROTATOR, SERVICE
from tests.simulation.reach import Reach
from tests.simulation.values import LETTERS
from tests.simulation.wire import ELSEWHERE, TARGET
from tests.statements import TLS_ONLY

STACK, OTHER = "sim-dev", "other-dev"
DATABASE = "sim-dev-orders"
ALIAS = "alias/sim-dev"
REPLICA_ALIAS = "alias/sim-replicas"
COMPONENTS = {"secrets": "secretsmanager", "rds": "rds", "kms": "kms"}
VARIABLE = "SECRET_ARN"
"""What a consumer is told the ARN of a secret in."""

_POLICY = PasswordPolicy(length=20, alphabet={"lower": LETTERS}, minima={"lower": 20})
_FIELDS = {
    "engine": "postgres",
    "host": "${output.rds.address}",
    "port": "${output.rds.port}",
    "username": "owner",
    "dbname": "orders",
}
_DECLARED: Mapping[str, Mapping[str, str] | str] = {
    "api": "LITERAL",
    "config": {"mode": "LITERAL", "api": "${output.secrets.secret_values.api}"},
    "url": "postgresql://owner:${output.secrets.generated_passwords.db}@${output.rds.endpoint}/LITERAL",
}
NEEDS = {"config": "api", "url": "db"}
"""What a secret is rendered from, by key."""
NEVER_DECLARED, BY_HAND = "Console", "by hand"
"""A tag that no YAML names, and the value of those that a human puts."""


@dataclass(frozen=True)
class Wish:
    """What the YAML says of one secret.

    Attributes:
        document: for a generated one: whether it is JSON with fields beside the password.
        literal: for a declared one: the part of its text that an edit changes.
        replicas: regions, and whether the replica there has a key of its own.
    """

    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    own_key: bool = False
    policy: bool = False
    days: int | None = None
    document: bool = False
    literal: str = "CANARY-one"
    replicas: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """What the YAML of a stack says.

    Attributes:
        number: which edit it is, for the trace.
        wishes: by key of the secret, in dependency order.
        database: whether there is an RDS instance with the secret `db` as master password.
        creates: whether the stack creates the instance.
        prune: whether `--prune` is given.
        readers: consumer (`lambda`, `ecs`) → key of the secret that it reads.
        self_heal: whether what is tampered with is narrowed again by itself.
    """

    number: int
    wishes: Mapping[str, Wish]
    key: bool = False
    database: bool = False
    creates: bool = True
    prune: bool = False
    readers: Mapping[str, str] = field(default_factory=dict)
    self_heal: bool = False
    stack: str = STACK

    @property
    def spec(self) -> StackSpec:
        """The desired state."""
        return StackSpec(
            stack=self.stack,
            target=TARGET,
            components=COMPONENTS | {kind: kind for kind in self.readers},
            keys=(KeySpec(components=("kms",), alias=ALIAS),) if self.key else (),
            secrets=tuple(self._secret(key, wish) for key, wish in self.wishes.items()),
            databases=(self._database(),) if self.database else (),
            deliveries=tuple(_delivery(kind, key) for kind, key in self.readers.items()),
            refreshes=tuple(_refresh(kind, key) for kind, key in self.readers.items()),
            self_heal=("secrets",) if self.self_heal else (),
        )

    def read_leaf(self, _stack: str, _component: str, leaf: Leaf) -> Expression:
        """What the YAML says at a leaf."""
        key = str(leaf.source[0])
        texts = _DECLARED[key]
        text = texts if isinstance(texts, str) else texts[str(leaf.path[0])]
        return _parsed(text.replace("LITERAL", self.wishes[key].literal))

    def name(self, key: str) -> str:
        """The secret's name."""
        return f"{self.stack}/{key}"

    def _secret(self, key: str, wish: Wish) -> SecretSpec:
        value: Any = self._declared(key) if key in _DECLARED else self._generated(wish)
        needs = (SecretRef(component="secrets", key=NEEDS[key]),) if key in NEEDS else ()
        rules = {"lambda_arn": ROTATOR, "automatically_after_days": wish.days}
        return SecretSpec(
            ref=SecretRef(component="secrets", key=key),
            name=self.name(key),
            value=value,
            description=wish.description,
            tags=wish.tags,
            kms_key=_parsed("${output.kms.key_arn}") if wish.own_key and self.key else None,
            policy=(TLS_ONLY,) if wish.policy else (),
            rotation=RotationSpec(**rules) if wish.days else None,
            needs_endpoint=key == "url",
            depends_on=needs,
            replicas=tuple(
                ReplicaSpec(region=region, kms_key_id=REPLICA_ALIAS if own else None)
                for region, own in wish.replicas.items()
            ),
        )

    def _generated(self, wish: Wish) -> GeneratedValue:
        fields = _FIELDS if wish.document else {}
        if not self.database:
            fields = {name: text for name, text in fields.items() if "rds" not in text}
        late = {name: _parsed(text) if "${" in text else text for name, text in fields.items()}
        return GeneratedValue(policy=_POLICY, fields=late)

    def _declared(self, key: str) -> DeclaredValue:
        texts = _DECLARED[key]
        at = {(): texts} if isinstance(texts, str) else {(name,): text for name, text in texts.items()}
        leaves = []
        for path, text in at.items():
            expression = _parsed(text)
            found, parameters = outputs(expression), ssm_parameters(expression)
            leaves.append(Leaf(path=path, source=(key, *path), outputs=found, ssm=parameters))
        return DeclaredValue(document=isinstance(texts, Mapping), leaves=tuple(leaves))

    def _database(self) -> DatabaseSpec:
        return DatabaseSpec(
            component="rds",
            identifier=DATABASE,
            engine="postgres",
            username="owner",
            password=SecretRef(component="secrets", key="db"),
            create=self.creates,
            db_name="orders",
        )


def _delivery(kind: str, key: str) -> Delivery:
    told = {VARIABLE: _parsed(f"${{output.secrets.secret_arns.{key}}}")}
    if kind == "lambda":
        return LambdaDelivery(component=kind, deliver=True, refresh=True, function_name=FUNCTION, environment=told)
    where = {"cluster": CLUSTER, "service": SERVICE, "family": SERVICE, "container": CONTAINER}
    return EcsDelivery(component=kind, deliver=True, refresh=True, secrets=told, **where)


def _refresh(kind: str, key: str) -> RefreshSpec:
    means = LambdaRefresh(function_name=FUNCTION) if kind == "lambda" else EcsRefresh(cluster=CLUSTER, service=SERVICE)
    return RefreshSpec(component=kind, means=means, secrets=(SecretRef(component="secrets", key=key),))


@lru_cache
def _parsed(text: str) -> Expression:
    return parse(text, COMPONENTS) if "${" in text else Literal(text)


def draw(rng: random.Random) -> Intent:
    """A stack."""
    database = rng.random() < 0.75
    wishes = {}
    if database or rng.random() < 0.5:
        days = 30 if rng.random() < 0.6 else None
        wishes["db"] = _vary(rng, Wish(days=days, document=rng.random() < 0.7))
    if rng.random() < 0.6:
        wishes["token"] = _vary(rng, Wish(days=30 if rng.random() < 0.4 else None))
    if rng.random() < 0.7 or not wishes:
        wishes["api"] = _vary(rng, Wish())
        if rng.random() < 0.6:
            wishes["config"] = _vary(rng, Wish())
    if database and rng.random() < 0.6:
        wishes["url"] = _vary(rng, Wish())
    return Intent(0, wishes, key=rng.random() < 0.5, database=database, creates=rng.random() < 0.7)


def edited(rng: random.Random, intent: Intent) -> Intent:
    """The same stack after some edits of its YAML."""
    wishes = dict(intent.wishes)
    for _ in range(rng.randrange(4)):
        key = rng.choice(list(wishes))
        wishes[key] = _edited(rng, wishes[key], number=intent.number + 1)
    if rng.random() < 0.15 and len(wishes) > 1:
        gone = rng.choice([key for key in wishes if key == "token" or key in NEEDS] or [None])
        if gone:
            del wishes[gone]
    if rng.random() < 0.2 and "token" not in wishes:
        wishes = {"token": Wish(), **wishes}
    with_key = intent.key or rng.random() < 0.3
    return replace(intent, number=intent.number + 1, wishes=wishes, key=with_key, prune=rng.random() < 0.3)


def reaching(rng: random.Random, intent: Intent, reach: Reach) -> Intent:
    """The same stack with replicas and consumers, as far as they take part."""
    wishes = dict(intent.wishes)
    for key in wishes if reach.replicas else ():
        if rng.random() < 0.5:
            wishes[key] = replace(wishes[key], replicas=_regions(rng))
    kinds = [kind for kind in ("lambda", "ecs") if reach.consumers and rng.random() < 0.8]
    readers = {kind: rng.choice(list(wishes)) for kind in kinds}
    return replace(intent, wishes=wishes, readers=readers, self_heal=reach.events and rng.random() < 0.5)


def reaching_otherwise(rng: random.Random, first: Intent, second: Intent, reach: Reach) -> Intent:
    """An edit of the YAML: what the first one says of replicas and consumers, with other regions and readers."""
    wishes = {
        key: replace(wish, replicas=first.wishes[key].replicas) if key in first.wishes else wish
        for key, wish in second.wishes.items()
    }
    for key in wishes if reach.replicas else ():
        if rng.random() < 0.3:
            wishes[key] = replace(wishes[key], replicas=_regions(rng))
    readers = {kind: key for kind, key in first.readers.items() if key in wishes and rng.random() < 0.9}
    for kind in readers:
        if rng.random() < 0.2:
            readers[kind] = rng.choice(list(wishes))
    return replace(second, wishes=wishes, readers=readers, self_heal=first.self_heal)


def _regions(rng: random.Random) -> Mapping[str, bool]:
    return {region: rng.random() < 0.3 for region in ELSEWHERE if rng.random() < 0.6}


def other_stack() -> Intent:
    """Another stack of the same account."""
    return Intent(0, {"token": Wish()}, stack=OTHER)


def _vary(rng: random.Random, wish: Wish) -> Wish:
    return replace(
        wish,
        description=rng.choice(["", "first"]),
        tags=rng.choice([{}, {"Team": "orders"}, {"Team": "orders", "Cost": "7"}]),
        own_key=rng.random() < 0.5,
        policy=rng.random() < 0.4,
    )


def _edited(rng: random.Random, wish: Wish, *, number: int) -> Wish:
    match rng.randrange(6):
        case 0:
            return replace(wish, description=f"edit {number}")
        case 1:
            return replace(wish, tags=rng.choice([{}, {"Team": f"edit {number}"}, {"Cost": "8"}]))
        case 2:
            return replace(wish, own_key=not wish.own_key)
        case 3:
            return replace(wish, policy=not wish.policy)
        case 4 if wish.days:
            return replace(wish, days=rng.choice([None, 60]))
        case _:
            return replace(wish, literal=f"CANARY-edit{number}")
