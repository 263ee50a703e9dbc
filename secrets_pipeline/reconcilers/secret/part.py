"""Share what the reconcilers of one part of each secret have in common: policy, rotation, replicas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Follows, Need, NotOurs, Waits
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.needed import needs_of, secret_named, skipped
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, desired_secrets
from secrets_pipeline.reconcilers.secret.ownership import is_adopted
from secrets_pipeline.reconcilers.secret_value.inputs import not_there, value_waits
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

Declared = TypeVar("Declared")
SECRET_NOT_OURS = NotOurs("the secret is not ours")
FOLLOWS = Follows("follows the secret")
UNREAD = Because("not read: `verify` and `plan --deep` do")


def plan_each(
    secrets: Sequence[DesiredSecret], kind: str, plan: Callable[[Resource, DesiredSecret], Change | None]
) -> Sequence[Change]:
    """Plan one part of each secret that is not blocked; None says that it does not concern it.

    Args:
        secrets: of a stack.
        kind: kind of the resources.
        plan: observes and compares one part of a secret.
    """
    changes = (
        planned(resource, partial(plan, resource, secret))
        for secret in secrets
        if not secret.spec.blocked
        for resource in [Resource(kind, secret.name, secret.spec.ref.component, secret.spec.ref.key)]
    )
    return [change for change in changes if change is not None]


class PartReconciler(ABC, Generic[Declared]):
    """Reconciles one part of each secret of a stack.

    A part that the mark speaks of is not read: the verification does that. With `deep`, every one is.

    Args:
        stack: the stack.
        deep: whether what marks vouch for is read; None as the options of the run say.

    Attributes:
        kind: kind of the resources.
        part: what a mark calls it.
    """

    kind: ClassVar[str]
    part: ClassVar[Part]

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._secrets = desired_secrets(stack)

    def plan(self) -> Sequence[Change]:
        """Plan one change a secret that has the part, or should."""
        return plan_each(list(self._secrets.values()), self.kind, self._plan)

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        secret = self._secrets[change.resource.name]
        state = self._stack.observed.secrets.confirm_again(secret.name)
        if state is None or state.deleted_at is not None:
            raise skipped(not_there(self._stack, secret.spec, secret_named(secret.name)))
        if not self._stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        declared = self.declared(secret)
        if isinstance(declared, Pending):
            raise skipped(declared)
        return self.write(secret, state, declared)

    def _plan(self, resource: Resource, secret: DesiredSecret) -> Change | None:
        ownership, declared = self._stack.ownership, self.declared(secret)
        state = self._stack.observed.secrets.get(secret.name)
        if isinstance(declared, Pending):
            needs = (*needs_of([declared]), *self._secret_first(secret, state))
            return Change(resource, ChangeClass.UPDATE, (Waits(declared.reason),), needs=needs)
        if state is None or state.deleted_at is not None:
            if declared is None:
                return None
            follows = self.follow(resource, secret)
            return replace(follows, needs=(*self._secret_first(secret, state), *follows.needs))
        if not (ownership.owns(state) or is_adopted(self._stack, state, secret.spec)):
            blocked = Change(resource, ChangeClass.BLOCKED, (SECRET_NOT_OURS,))
            return None if declared is None else blocked
        if declared is None and ownership.marks.keeps(state, self.part):
            return None
        change, needs = self.compare(resource, secret, state, declared), self._secret_first(secret, state)
        return replace(change, needs=(*needs, *change.needs)) if change is not None and needs else change

    def follow(self, resource: Resource, secret: DesiredSecret) -> Change:
        """Plan the part of a secret that is made first, as soon as its value has what it waits for."""
        waits = value_waits(self._stack, secret.spec)
        return Change(resource, ChangeClass.CREATE, tuple(Waits(one.reason) for one in waits) or (FOLLOWS,))

    def _secret_first(self, secret: DesiredSecret, state: SecretState | None) -> tuple[Need, ...]:
        """The need of a part for its secret; none if that exists and is ours."""
        on = secret_named(secret.name)
        if state is None or state.deleted_at is not None:
            return needs_of([not_there(self._stack, secret.spec, on)])
        return () if self._stack.ownership.owns(state) else needs_of([Pending(str(SECRET_NOT_OURS), on=on)])

    @abstractmethod
    def declared(self, secret: DesiredSecret) -> Declared | Pending | None:
        """Resolve what the stack asks for; None for nothing."""

    @abstractmethod
    def compare(
        self, resource: Resource, secret: DesiredSecret, state: SecretState, declared: Declared | None
    ) -> Change | None:
        """Plan the part of a secret of ours; None where there is nothing to say."""

    @abstractmethod
    def write(self, secret: DesiredSecret, state: SecretState, declared: Declared | None) -> str:
        """Write the part of a secret that was confirmed to be ours.

        Returns:
            What was done, for a human.

        Raises:
            SkippedError: if it has to wait.
            AwsError: if AWS refuses.
        """
