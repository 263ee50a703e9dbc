"""Who acts beside the applies: a human at the console, and the rotation that Secrets Manager starts."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager import announce
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, PREVIOUS, EmulatedSecret
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from tests.simulation.consumers import CLUSTER, FUNCTION, OTHER_VARIABLE, SERVICE
from tests.simulation.rds import REGION
from tests.simulation.stacks import BY_HAND, DATABASE, NEVER_DECLARED, STACK
from tests.simulation.values import document, new_password, password_of, with_password
from tests.simulation.wire import ELSEWHERE

if TYPE_CHECKING:
    from tests.simulation.ledger import Fact
    from tests.simulation.scheduling import Actor
    from tests.simulation.simulation import Simulation


ACTIONS: Mapping[str, int] = {
    "put_value": 3,
    "add_key": 2,
    "tag": 1,
    "untag": 1,
    "delete_policy": 1,
    "put_policy": 1,
    "describe_otherwise": 1,
    "move_key": 1,
    "delete": 2,
    "restore": 1,
    "cancel_rotation": 1,
    "disown": 1,
    "destroy": 1,
    "alter_role": 1,
}
"""What a human does, and how often beside the others."""
REPLICA_ACTIONS: Mapping[str, int] = {"add_replica": 2, "remove_replica": 3, "move_replica_key": 1}
CONSUMER_ACTIONS: Mapping[str, int] = {"change_variable": 2, "drop_delivery": 2, "deploy_again": 3, "roll_back": 1}
"""The same of replicas and consumers, where they take part."""


class Human:
    """Somebody at the console who changes one thing after the other."""

    def __init__(self, simulation: Simulation, rng: random.Random) -> None:
        self._simulation = simulation
        self._rng = rng
        reach = simulation.reach
        more = {
            **(REPLICA_ACTIONS if reach.replicas else {}),
            **(CONSUMER_ACTIONS if reach.consumers else {}),
        }
        self._actions: tuple[Callable[[EmulatedSecret], None], ...] = tuple(
            getattr(self, f"_{name}") for name, often in {**ACTIONS, **more}.items() for _ in range(often)
        )

    def act(self, actor: Actor) -> None:
        """Some changes, one after another."""
        busy = self._rng.random() < 0.4
        most, pause = (12, 1.5) if busy else (4, 8.0)
        for _ in range(self._rng.randrange(1, most)):
            self._simulation.scheduler.turn(actor)
            ours = [one for one in self._simulation.cloud.store.all() if self._concerned(one)]
            if not ours:
                continue
            self._touch(self._rng.choice(ours))
            self._simulation.scheduler.sleep(actor, self._rng.random() * pause)

    def interfere(self, secret_id: str) -> None:
        """Change something right after an apply has looked at it: the moment at which it hurts most."""
        ours = [one for one in self._simulation.cloud.store.all() if self._concerned(one)]
        meant = self._simulation.cloud.secret(secret_id)
        if ours:
            self._touch(meant if meant in ours else self._rng.choice(ours))

    def _touch(self, secret: EmulatedSecret) -> None:
        action, before = self._rng.choice(self._actions), self._simulation.cloud.changes
        # Where the console shows an error, the human goes on to something else.
        with contextlib.suppress(Fault):
            action(secret)
            if self._simulation.cloud.changes > before:
                self._simulation.actions[action.__name__.removeprefix("_")] += 1

    def _concerned(self, secret: EmulatedSecret) -> bool:
        return secret.name.startswith(f"{STACK}/") and self._simulation.ledger.fact(secret.name).foreign_since is None

    def _call(self, operation: str, secret: EmulatedSecret, **params: object) -> None:
        self._simulation.cloud.call("human", "secretsmanager", operation, {"SecretId": secret.arn, **params})

    def _current(self, secret: EmulatedSecret) -> str | None:
        held = secret.staged(CURRENT)
        return held.string if held else None

    def _put_value(self, secret: EmulatedSecret) -> None:
        self._put(secret, with_password(self._current(secret), new_password(self._rng)))

    def _add_key(self, secret: EmulatedSecret) -> None:
        found = document(self._current(secret))
        if found is not None:
            self._put(secret, json.dumps({**found, f"note{self._rng.randrange(99)}": new_password(self._rng)}))

    def _put(self, secret: EmulatedSecret, value: str) -> None:
        self._call("PutSecretValue", secret, SecretString=value)
        fact = self._simulation.ledger.fact(secret.name)
        fact.replaced_by_human = fact.ever_replaced = True

    def _tag(self, secret: EmulatedSecret) -> None:
        key = self._rng.choice(["Team", "Cost", NEVER_DECLARED])
        self._call("TagResource", secret, Tags=[{"Key": key, "Value": BY_HAND}])

    def _untag(self, secret: EmulatedSecret) -> None:
        theirs = [key for key in secret.tags if not key.startswith(PREFIX)]
        if theirs:
            self._call("UntagResource", secret, TagKeys=[self._rng.choice(theirs)])

    def _delete_policy(self, secret: EmulatedSecret) -> None:
        if secret.policy is not None:
            self._call("DeleteResourcePolicy", secret)
            self._simulation.ledger.fact(secret.name).policy_touched = True

    def _put_policy(self, secret: EmulatedSecret) -> None:
        statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._call("PutResourcePolicy", secret, ResourcePolicy=policy)
        self._simulation.ledger.fact(secret.name).policy_touched = True

    def _describe_otherwise(self, secret: EmulatedSecret) -> None:
        self._call("UpdateSecret", secret, Description="by hand")

    def _move_key(self, secret: EmulatedSecret) -> None:
        self._call("UpdateSecret", secret, KmsKeyId="alias/aws/secretsmanager")

    def _delete(self, secret: EmulatedSecret) -> None:
        self._call("DeleteSecret", secret, RecoveryWindowInDays=7)

    def _restore(self, secret: EmulatedSecret) -> None:
        deleted = [
            one for one in self._simulation.cloud.store.all() if one.deleted is not None and self._concerned(one)
        ]
        if deleted:
            self._call("RestoreSecret", secret if secret in deleted else deleted[0])

    def _cancel_rotation(self, secret: EmulatedSecret) -> None:
        if secret.rotation is not None:
            self._call("CancelRotateSecret", secret)

    def _disown(self, secret: EmulatedSecret) -> None:
        """Take a secret over: from now on it is none of the pipeline's business."""
        if self._rng.random() < 0.5:
            return
        ours = [key for key in secret.tags if key.startswith(PREFIX)]
        if ours:
            self._call("UntagResource", secret, TagKeys=ours)
            self._simulation.ledger.fact(secret.name).foreign_since = self._simulation.ledger.turn

    def _destroy(self, secret: EmulatedSecret) -> None:
        """Delete a secret for good: its values are lost, on purpose."""
        if self._rng.random() < 0.5:
            return
        self._call("DeleteSecret", secret, ForceDeleteWithoutRecovery=True)
        self._simulation.ledger.fact(secret.name).destroyed = True

    def _alter_role(self, _secret: EmulatedSecret) -> None:
        instance = self._simulation.cloud.rds.instances.get(DATABASE)
        if instance is not None:
            self._simulation.cloud.rds.set_password(instance, new_password(self._rng))
            self._simulation.cloud.changes += 1
            self._simulation.ledger.say("human", "database ALTER ROLE")
            self._simulation.database_altered = True

    def _add_replica(self, secret: EmulatedSecret) -> None:
        region = self._rng.choice(ELSEWHERE)
        self._call("ReplicateSecretToRegions", secret, AddReplicaRegions=[{"Region": region}])
        self._touched(secret).their_regions.add(region)

    def _remove_replica(self, secret: EmulatedSecret) -> None:
        if secret.replicas:
            region = self._rng.choice(list(secret.replicas))
            self._call("RemoveRegionsFromReplication", secret, RemoveReplicaRegions=[region])
            self._touched(secret).their_regions.discard(region)

    def _move_replica_key(self, secret: EmulatedSecret) -> None:
        if secret.replicas:
            region = self._rng.choice(list(secret.replicas))
            moved = {"SecretId": secret.arn.replace(REGION, region), "KmsKeyId": "alias/aws/secretsmanager"}
            self._simulation.cloud.call("human", "secretsmanager", "UpdateSecret", moved, region=region)
            self._touched(secret)

    def _touched(self, secret: EmulatedSecret) -> Fact:
        fact = self._simulation.ledger.fact(secret.name)
        fact.replicas_touched = True
        return fact

    def _change_variable(self, _secret: EmulatedSecret) -> None:
        """Somebody configures the function: what the pipeline does not own."""
        function = self._simulation.cloud.consumers.functions[FUNCTION]
        self._configure({**function.variables, OTHER_VARIABLE: f"by hand {self._rng.randrange(99)}"})
        self._simulation.ledger.mode = function.variables[OTHER_VARIABLE]

    def _drop_delivery(self, _secret: EmulatedSecret) -> None:
        function = self._simulation.cloud.consumers.functions[FUNCTION]
        self._configure({OTHER_VARIABLE: function.variables[OTHER_VARIABLE]})
        self._simulation.ledger.consumers_touched = True

    def _configure(self, variables: Mapping[str, str]) -> None:
        given = {"FunctionName": FUNCTION, "Environment": {"Variables": variables}}
        self._simulation.cloud.call("human", "lambda", "UpdateFunctionConfiguration", given)

    def _deploy_again(self, _secret: EmulatedSecret) -> None:
        self._update_service({"forceNewDeployment": True})
        # It may fail.
        self._simulation.ledger.consumers_touched = True

    def _roll_back(self, _secret: EmulatedSecret) -> None:
        first = self._simulation.cloud.consumers.revisions[0]["taskDefinitionArn"]
        self._update_service({"taskDefinition": first})
        self._simulation.ledger.consumers_touched = True

    def _update_service(self, how: Mapping[str, object]) -> None:
        given = {"cluster": CLUSTER, "service": SERVICE, **how}
        self._simulation.cloud.call("human", "ecs", "UpdateService", given)


class Rotation:
    """Rotations that Secrets Manager starts: by the managed function, or by the four steps of AWS's templates.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    """

    def __init__(self, simulation: Simulation, rng: random.Random, *, failing: float) -> None:
        self._simulation = simulation
        self._rng = rng
        self._failing = failing

    def act(self, actor: Actor) -> None:
        """Rotate some secrets, each to its end or to where the function fails."""
        managed = self._simulation.function is not None
        for _ in range(self._rng.randrange(1, 5 if managed else 3)):
            self._simulation.scheduler.turn(actor)
            self._start(actor)
            while self._simulation.rotations:
                arn, token = self._simulation.rotations.pop()
                # Secrets Manager attempts again what failed.
                if not self.perform(actor, arn, token) and managed and self._rng.random() < 0.5:
                    self._simulation.scheduler.sleep(actor, self._rng.random() * 5)
                    self.perform(actor, arn, token)

    def _start(self, actor: Actor) -> None:
        """Let the time of one secret have come."""
        store = self._simulation.cloud.store
        found = [s for s in store.all() if s.rotation is not None and s.rotation.enabled and s.deleted is None]
        if not found:
            self._simulation.scheduler.sleep(actor, 3)
            return
        secret = self._rng.choice(found)
        try:
            self._simulation.cloud.call("rotation", "secretsmanager", "RotateSecret", {"SecretId": secret.arn})
        except Fault:
            self._simulation.ledger.say("rotation", f"refused for {secret.name}")

    def perform(self, actor: Actor | None, arn: str, token: str) -> bool:
        """All four steps; whether they succeeded."""
        secret, function = self._simulation.cloud.secret(arn), self._simulation.function
        if secret is None or function is None or not self._is_managed(secret):
            return self._by_template(actor, arn, token)
        if not function.rotate(actor, secret, token):
            return False
        self._ended(secret, token)
        self._simulation.reached["rotations by the managed function"] += 1
        return True

    def _is_managed(self, secret: EmulatedSecret) -> bool:
        """A master password that is no JSON cannot be given to the managed function: it would not find the database."""
        current = secret.staged(CURRENT)
        return not self._serves_database(secret.arn) or document(current.string if current else None) is not None

    def _by_template(self, actor: Actor | None, arn: str, token: str) -> bool:
        for step in (self._create, self._set, self._test, self._finish):
            if actor is not None:
                self._simulation.scheduler.turn(actor)
            if self._rng.random() < self._failing:
                self._simulation.ledger.say("rotation", f"dies before {step.__name__.strip('_')}Secret")
                return self._failed(arn, token)
            try:
                if not step(actor, arn, token):
                    self._simulation.ledger.say("rotation", f"fails in {step.__name__.strip('_')}Secret")
                    return self._failed(arn, token)
            except Fault as fault:
                self._simulation.ledger.say("rotation", f"stops: {fault.error_type}")
                return self._failed(arn, token)
        return True

    def _failed(self, arn: str, token: str) -> bool:
        secret = self._simulation.cloud.secret(arn)
        if secret is not None:
            announce.rotation("RotationFailed", secret, token, "Error when executing lambda")
        return False

    def _ended(self, secret: EmulatedSecret, token: str) -> None:
        """What Secrets Manager notes and tells of a rotation that succeeded."""
        if secret.rotation is None:
            return
        secret.rotation.last_date = CLOCK.now()
        secret.touch()
        self._simulation.cloud.store.note(secret.name)
        self._simulation.ledger.fact(secret.name).rotated = True
        self._simulation.rotated += 1
        announce.rotation("RotationSucceeded", secret, token)

    def _call(self, actor: Actor | None, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if actor is not None:
            self._simulation.scheduler.turn(actor)
        return self._simulation.cloud.call("rotation", "secretsmanager", operation, params)

    def _value(self, actor: Actor | None, arn: str, stage: str) -> str | None:
        try:
            answer = self._call(actor, "GetSecretValue", {"SecretId": arn, "VersionStage": stage})
        except Fault as fault:
            if fault.error_type != "ResourceNotFoundException":
                raise
            return None
        return str(answer["SecretString"])

    def _create(self, actor: Actor | None, arn: str, token: str) -> bool:
        if self._value(actor, arn, PENDING) is None:
            current = self._value(actor, arn, CURRENT)
            if current is None:
                return False
            value = with_password(current, new_password(self._rng))
            given = {"SecretId": arn, "ClientRequestToken": token, "SecretString": value, "VersionStages": [PENDING]}
            self._call(actor, "PutSecretValue", given)
        return True

    def _database(self, arn: str) -> Any:  # noqa: ANN401 - an instance or None
        return self._simulation.cloud.rds.instances.get(DATABASE) if self._serves_database(arn) else None

    def _serves_database(self, arn: str) -> bool:
        secret = self._simulation.cloud.secret(arn)
        return secret is not None and secret.name == f"{STACK}/db" and self._simulation.newest.database

    def _set(self, actor: Actor | None, arn: str, _token: str) -> bool:
        if not self._serves_database(arn):
            return self._simulation.cloud.secret(arn) is not None
        instance, rds = self._database(arn), self._simulation.cloud.rds
        wanted = password_of(self._value(actor, arn, PENDING))
        if instance is None or wanted is None or not rds.available(instance):
            return False
        if instance.password == wanted:
            return True
        for stage in (CURRENT, PREVIOUS):
            if instance.password == password_of(self._value(actor, arn, stage)):
                rds.set_password(instance, wanted)
                self._simulation.ledger.say("rotation", "database ALTER ROLE")
                return True
        return False

    def _test(self, actor: Actor | None, arn: str, _token: str) -> bool:
        instance = self._database(arn)
        return instance is None or instance.password == password_of(self._value(actor, arn, PENDING))

    def _finish(self, actor: Actor | None, arn: str, token: str) -> bool:
        versions = self._call(actor, "DescribeSecret", {"SecretId": arn})["VersionIdsToStages"]
        current = next((version for version, stages in versions.items() if CURRENT in stages), None)
        if current == token:
            return True
        if token not in versions or PENDING not in versions[token]:
            return False
        move = {"SecretId": arn, "VersionStage": CURRENT, "MoveToVersionId": token, "RemoveFromVersionId": current}
        self._call(actor, "UpdateSecretVersionStage", move)
        secret = self._simulation.cloud.secret(arn)
        if secret is not None:
            self._ended(secret, token)
        if self._rng.random() < 0.5:
            done = {"SecretId": arn, "VersionStage": PENDING, "RemoveFromVersionId": token}
            self._call(actor, "UpdateSecretVersionStage", done)
        return True
