"""What may be left over after one more apply, because somebody beside the applies wanted it so.

The whole list; each names what the product cannot know, or must not do:

- A secret that is not ours (made by others, or disowned by a human) stays as it is, and so does what needs its value:
  what is rendered from it, and the database whose master password it is.
- A rotation that began and never ended leaves AWSPENDING on another version. The value, the credentials, the rotation
  rules and hence the mark of that secret wait, and so does what is rendered from it or yet to be made from it: a write
  in the middle would be undone by the rotation's end. Whoever owns the function ends it. The plan of a write that
  waits has what would follow from it: who reads the secret is started anew.
- A password that a human wrote into the secret, or set in the database, or that such a rotation set, is not ours:
  the endpoint is then reported and its password not proven. Nothing in AWS tells which of the two is right.
- A secret that was deleted for good took the database's password with it; the next apply sets a new one, so this holds
  between the schedule's end and that apply only.
- What left the YAML is an orphan until `--prune`.
- A policy that a human changed under a mark that vouches for it is read by `--deep` only: a shallow apply leaves it,
  and a deep one has to mend it.
- Tags know no compare-and-swap: between the last look at a mark and the writing of the next one, another run with other
  YAML may take the secret, change it and mark it. What it did then counts as changed outside: a policy as above, and a
  rotation that nobody declares is left alone, and said. The same holds where that other run made the secret (it changes
  the parts of what it made without taking it first), and from creation on for a secret with policy and rotation: four
  calls leave none for that, or for a look. Locks keep two runs of a stack apart; this is beyond them.
- CreateSecret answers alike where it made the secret and where an earlier try of the very same request had. A run whose
  list is too old to show the secret writes to it until DescribeSecret shows that a human has taken it over since.
- Replicas and deliveries that a human changed are, like a policy, looked at by `--deep` only. Replicas that a human
  added are theirs, in each region to which they did; and a secret that has one is not pruned, as AWS refuses to
  delete it: whoever reads theirs goes on reading, and the run says in which region it is.
- A secret that is not ours, or not made yet, keeps its consumers waiting; what a consumer was told that left the YAML
  stays until `--prune`.
- A label that was moved back to an older version has no date: for a deep look the secret's last change stands for it,
  and may start a consumer once more.
- ECS may give a deployment up after the run that asked for it has ended. What ran before goes on with the older value,
  and nobody is left in the dark: the product has to find that deployment failed, of which `aws_polling_sensor`
  alerts, and one more apply to start another one.
- CreateKey takes no token. Where two runs look for a key, both find none, both make one, and the run whose alias came
  second dies, or loses its connection, before it gives its own key up, that key is left, unused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, PREVIOUS, EmulatedSecret
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.reconcilers.consumer.interface import Progress
from secrets_pipeline.reconcilers.consumer.refresh import rollout_now
from tests.simulation.stacks import DATABASE, NEEDS, STACK, Intent

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_WAITING = ("secret", "credentials", "commit", "rotation")
_OF_CONSUMERS = ("lambda", "ecs", "delivered", "refresh", "refreshed")


class Excuses:
    """The excuses of one seed.

    Args:
        simulation: the seed.
        first: what the YAML said at first.
        second: what it says now.

    Attributes:
        shallow: whether only a shallow apply was made since a human changed policies.
    """

    def __init__(self, simulation: Simulation, first: Intent, second: Intent) -> None:
        self._simulation = simulation
        self._first = first
        self._intent = second
        self.shallow = True

    def foreign(self, key: str) -> bool:
        """Whether a secret, or what it is rendered from, is not ours."""
        fact = self._simulation.ledger.fact(self._intent.name(key))
        return fact.foreign_since is not None or (key in NEEDS and self.foreign(NEEDS[key]))

    def rotating(self, key: str) -> bool:
        """Whether a rotation of a secret began and did not end."""
        secret = self._secret(key)
        pending = secret.staged(PENDING) if secret else None
        return pending is not None and CURRENT not in pending.stages

    def waits(self, key: str) -> bool:
        """Whether a secret is not made, or taken back, while what it is rendered from is being rotated."""
        secret = self._secret(key)
        return self._source_rotates(key) and (secret is None or secret.deleted is not None)

    def _source_rotates(self, key: str) -> bool:
        return key in NEEDS and self.rotating(NEEDS[key])

    def password_is_somebodys(self) -> bool:
        """Whether the database's password may differ from its secret."""
        fact = self._simulation.ledger.fact(self._intent.name("db"))
        return fact.ever_replaced or self._simulation.database_altered or self.rotating("db") or self.foreign("db")

    def policy(self, name: str) -> bool:
        """Whether a change of a policy was not looked for yet."""
        fact = self._simulation.ledger.fact(name)
        return self.shallow and (fact.policy_touched or fact.overtaken)

    def rotation(self, key: str) -> bool:
        """Whether a rotation that nobody declares is left alone."""
        return self._intent.wishes[key].days is None and self._simulation.ledger.fact(self._intent.name(key)).overtaken

    def told(self, consumer: str) -> bool:
        """Whether the product says of a consumer that it could not be started anew, after the run that asked for it."""
        simulation = self._simulation
        context = simulation.stack(simulation.line("rollouts", None), self._intent, writing=False)
        ended = [rollout_now(context, one) for one in simulation.flying if one.component == consumer]
        return any(one is not None and one.progress is Progress.FAILED for one in ended)

    def allow(self, change: Change, text: str) -> bool:
        """Whether a change may be planned or skipped still.

        Args:
            change: as planned.
            text: why, or what became of it.
        """
        if change.resource.kind in _OF_CONSUMERS:
            return self._consumer_may_wait(change, text)
        if change.resource.name == DATABASE:
            endpoint = change.resource.kind == "database-endpoint"
            return self.foreign("db") or (endpoint and self.password_is_somebodys())
        if change.action is ChangeClass.ORPHAN:
            return self._orphan(change)
        if change.action is ChangeClass.PRUNE:
            return change.resource.kind == "secret" and self._has_their_replica(change.resource.name)
        key = change.resource.name.removeprefix(f"{STACK}/")
        if key not in self._intent.wishes:
            # Of what looks like ours and is not the plan says so, and nothing is done.
            return change.resource.kind == "secret" and change.action is ChangeClass.BLOCKED and self.foreign(key)
        return self._secret_may_wait(change, key, text)

    def _secret_may_wait(self, change: Change, key: str, text: str) -> bool:
        if self.foreign(key):
            return True
        if self.rotating(key) and change.resource.kind in _WAITING:
            return True
        if self.waits(key) or (self._source_rotates(key) and text.startswith("value is rendered from")):
            return True
        if change.resource.kind == "replica":
            return self.shallow and self._simulation.ledger.fact(change.resource.name).replicas_touched
        is_policy = change.resource.kind == "secret-policy" and text.startswith("changed outside")
        return is_policy and self.policy(change.resource.name)

    def _consumer_may_wait(self, change: Change, text: str) -> bool:
        """Who reads a secret that is not ours, or waits for the end of a rotation."""
        follows = change.action is ChangeClass.UPDATE and text.startswith("is started anew, as")
        waits = [
            key
            for key in self._intent.readers.values()
            if self.foreign(key) or self.waits(key) or (follows and self.rotating(key))
        ]
        if change.action is ChangeClass.ORPHAN:
            return not self._intent.readers and not self._intent.prune
        # A deep apply alone looks at consumers whose start is noted.
        undone = self.shallow and self._simulation.ledger.consumers_touched
        return bool(waits) or undone or self._undated(change)

    def _undated(self, change: Change) -> bool:
        """Whether a value became current again, or after a later one was made: its last change stands for the date."""
        if change.resource.kind not in ("refresh", "refreshed"):
            return False
        secrets = [self._secret(key) for key in self._intent.readers.values()]
        dated = [(one.staged(CURRENT), one.staged(PREVIOUS)) for one in secrets if one is not None]
        return any(current and previous and previous.created > current.created for current, previous in dated)

    def _orphan(self, change: Change) -> bool:
        if change.resource.name.endswith("/delivered"):
            return change.resource.name.split("/")[-2] not in self._intent.readers and not self._intent.prune
        if change.resource.kind == "outputs":
            return all(self.foreign(key) for key in self._intent.wishes)
        key = change.resource.name.removeprefix(f"{STACK}/")
        left = key in self._first.wishes and key not in self._intent.wishes
        return left and (not self._intent.prune or self.foreign(key))

    def _has_their_replica(self, name: str) -> bool:
        secret, theirs = self._simulation.cloud.secret(name), self._simulation.ledger.fact(name).their_regions
        return secret is not None and not theirs.isdisjoint(secret.replicas)

    def _secret(self, key: str) -> EmulatedSecret | None:
        return self._simulation.cloud.secret(self._intent.name(key))
