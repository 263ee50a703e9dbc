"""Find what an apply would stumble over that a plan can see: what values and policies name, and what does not exist.

What may not be looked at is left as it is planned; an apply then says what AWS says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from secrets_pipeline.access.policy_text.principals import principals
from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.names import PUBLISHED_PREFIX
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.model import Change, ChangeClass, NewReader, Resource
from secrets_pipeline.engine.only import Planned
from secrets_pipeline.engine.reason import Because, Missing, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.kms_key import reconciler as kms_key
from secrets_pipeline.reconcilers.kms_key.desired import declared_policy
from secrets_pipeline.reconcilers.secret import reconciler as secret
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, Rotation
from secrets_pipeline.reconcilers.secret_policy import reconciler as secret_policy
from secrets_pipeline.reconcilers.secret_rotation import reconciler as secret_rotation
from secrets_pipeline.reconcilers.state_output import unavailable

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_CONSUMERS = "consumer_policies"
KIND = "consumer"


def hindered(stack: Stack, planned: Planned) -> dict[str, tuple[Change, ...]]:
    """Return the plan of a stack with every change blocked that names something that does not exist.

    Consumers whose role does not exist are added.

    Args:
        stack: the stack.
        planned: its changes by stage, in the order in which they are applied.
    """
    looks, found = _Looks(stack), {}
    for stage, changes in planned.items():
        found[stage] = tuple(_looked_at(looks, change) for change in changes)
    found[_CONSUMERS] = (*found.get(_CONSUMERS, ()), *looks.consumers())
    return found


def _looked_at(looks: _Looks, change: Change) -> Change:
    why = looks.missing(change) if change.action.writes and not change.note else None
    if why is None:
        return change
    return replace(change, action=ChangeClass.BLOCKED, reasons=(why,), rewrites=False)


class _Looks:
    """Looks for what the changes of one stack name; each kind of thing is asked for once, and where it is named."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._secrets = {one.name: one for one in stack.spec.secrets}
        self._keys = {one.alias: one for one in stack.spec.keys}

    def missing(self, change: Change) -> Reason | None:
        """Find what a change names and does not exist; None for nothing, and where nobody may look."""
        kind, name = change.resource.kind, change.resource.name
        with suppress(AwsError):
            if kind == secret.KIND and change.action is ChangeClass.CREATE:
                return self._parameter(self._secrets[name]) or self._state_output(self._secrets[name])
            if kind == secret_policy.KIND:
                return self._principal(DesiredSecret(self._stack, self._secrets[name]).policy)
            if kind == kms_key.KIND and name in self._keys:
                return self._principal(declared_policy(self._stack, self._keys[name]))
            if kind == secret_rotation.KIND:
                return self._function(DesiredSecret(self._stack, self._secrets[name]))
        return None

    def consumers(self) -> Iterator[Change]:
        """Yield a blocked change for each consumer with a role of the stack's account that does not exist.

        Those whose role gets a policy have a change of their own.
        """
        for consumer in self._stack.spec.consumers:
            with suppress(AwsError):
                lacking = [] if consumer.attach_policies else self._absent(consumer.principals.values())
                if lacking:
                    why = Missing(
                        f"{_role(lacking[0])} does not exist, so it reads nothing and the checks fail",
                        "make it, for example with Terraform, or name another one",
                    )
                    resource = Resource(KIND, consumer.name, consumer.component)
                    names = [self._stack.spec.secret(ref).name for ref in consumer.secrets if self._stack.spec.has(ref)]
                    lets_read = tuple(NewReader(arn, name) for arn in lacking for name in names)
                    yield Change(resource, ChangeClass.BLOCKED, (why,), lets_read=lets_read)

    def _parameter(self, spec: SecretSpec) -> Reason | None:
        leaves = spec.value.leaves if isinstance(spec.value, DeclaredValue) else ()
        # What stacks publish may be written by the apply of another one, before this one.
        names = dict.fromkeys(
            name for leaf in leaves for name in leaf.ssm if not name.startswith(f"{PUBLISHED_PREFIX}/")
        )
        for name in names:
            if self._stack.observed.parameters.version(name) is None:
                place = f"in {self._stack.account.region}, or write the name of another one"
                return Missing(f"SSM parameter {name} does not exist", f"put it {place}")
        return None

    def _state_output(self, spec: SecretSpec) -> Reason | None:
        pending = unavailable(self._stack, spec)
        return None if pending is None else Because(pending.reason)

    def _principal(self, document: object) -> Reason | None:
        named = principals(document) if isinstance(document, Mapping) else ()
        for arn in self._absent(named):
            return Missing(
                f"{_role(arn)}, whom its policy names, does not exist, and AWS refuses such a policy",
                "make it, for example with Terraform, or take it out of the policy",
            )
        return None

    def _function(self, wanted: DesiredSecret) -> Reason | None:
        rotation = wanted.rotation
        if wanted.spec.rotation is None or wanted.spec.rotation.managed or not isinstance(rotation, Rotation):
            return None
        arn, home = Arn.match(rotation.lambda_arn), self._stack.account
        if arn is None or (arn.account_id, arn.region) != (home.account_id, home.region):
            return None
        if self._stack.observed.functions.configuration(rotation.lambda_arn) is not None:
            return None
        return Missing(f"rotation function {rotation.lambda_arn} does not exist", "deploy it, then plan again")

    def _absent(self, named: Iterable[str]) -> list[str]:
        """Those among some principals that are roles or users of the stack's account, and do not exist."""
        ours = [arn for arn in named if _is_of(arn, self._stack.account.account_id)]
        return [arn for arn in ours if arn not in self._existing] if ours else []

    @cached_property
    def _existing(self) -> frozenset[str]:
        return self._stack.observed.roles.principals()


def _is_of(arn: str, account_id: str) -> bool:
    """Whether it is the ARN of a role or a user of an account, which can be looked for."""
    parsed = Arn.match(arn)
    return parsed is not None and parsed.account_id == account_id and parsed.kind in ("role", "user")


def _role(arn: str) -> str:
    parsed = Arn.parse(arn)
    return f"{parsed.kind} {parsed.name}"
