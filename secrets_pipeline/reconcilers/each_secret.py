"""Plan one part of every secret of a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, Resource

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def plan_secrets(stack: Stack, kind: str, plan: Callable[[Resource, SecretSpec], Change | None]) -> Sequence[Change]:
    """What `plan` says of each declared secret that is not blocked; None says that it does not concern it.

    Args:
        stack: the stack.
        kind: kind of the resources.
        plan: observes and compares one part of a secret.
    """
    changes = (
        planned(resource, partial(plan, resource, secret))
        for secret in stack.spec.secrets
        if not secret.blocked
        for resource in [Resource(kind, secret.name, secret.ref.component, secret.ref.key)]
    )
    return [change for change in changes if change is not None]
