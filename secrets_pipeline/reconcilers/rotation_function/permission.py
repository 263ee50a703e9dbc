"""Let Secrets Manager invoke rotation functions that a stack names, where their component is delivered to.

A function whose policy lacks it is only looked at while a secret does not rotate by it yet, or in deep plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.rotation_function.invocation import invocation_problem, let_in
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret, Rotation

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "rotation-permission"


class RotationPermissions:
    """Plans and adds statements in the policies of one stack's own functions."""

    def __init__(self, stack: Stack, *, deep: bool) -> None:
        self._stack = stack
        self._deep = deep

    def plan(self) -> Sequence[Change]:
        """Plan one change a function that is delivered to and that Secrets Manager may not invoke yet."""
        changes = (
            planned(resource, partial(self._plan, resource, function))
            for function, component in dict(self._functions()).items()
            for resource in [Resource(KIND, function, component)]
        )
        return [change for change in changes if change is not None]

    def apply(self, change: Change) -> str:
        """Call AddPermission for one function; see `engine.Reconciler`."""
        return let_in(self._stack, change.resource.name)

    def _plan(self, resource: Resource, function: str) -> Change:
        problem = invocation_problem(self._stack, function)
        return Change(
            resource, ChangeClass.UPDATE if problem else ChangeClass.NONE, (Because(problem),) if problem else ()
        )

    def _functions(self) -> Iterator[tuple[str, str]]:
        """ARN → component of the functions of this account that may have to be looked at."""
        stack = self._stack
        home = (stack.account.region, stack.account.account_id)
        delivered = {
            one.function_name: one.component
            for one in stack.spec.deliveries
            if isinstance(one, LambdaDelivery) and one.deliver
        }
        for secret in stack.spec.secrets if delivered else ():
            if secret.blocked or secret.rotation is None or secret.rotation.managed:
                continue
            try:
                wanted = DesiredSecret(stack, secret).rotation
            except SecretsPipelineError:
                continue  # Said where the rotation is planned.
            if not isinstance(wanted, Rotation):
                continue
            function = Arn.match(wanted.lambda_arn)
            if function is None or (function.region, function.account_id) != home:
                continue
            state = stack.observed.secrets.get(secret.name)
            turns = state is not None and state.rotation_enabled and state.rotation_lambda_arn == wanted.lambda_arn
            if function.name in delivered and (self._deep or not turns):
                yield wanted.lambda_arn, delivered[function.name]
