"""Check KMS keys that secrets name and the stack does not make: usable, or an error that names the secrets under it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, Reason
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.reconcilers.kms_key.lookup import look_up
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def referenced_keys(stack: Stack, kind: str) -> Sequence[Change]:
    """Plan one change for each distinct key, whatever its spellings: none, or blocked with an error.

    Args:
        stack: the stack.
        kind: kind of the resources.
    """
    own = {key.alias for key in stack.spec.keys}
    named: dict[str, str] = {}
    components: dict[str, list[str]] = {}
    for secret in stack.spec.secrets:
        name = _named(stack, secret)
        if name is None or name in own:
            continue
        identity = _identity(stack, name)
        named.setdefault(identity, name)
        components.setdefault(identity, []).append(secret.ref.component)
    made = {key_id for alias in own if named for key_id in _made(stack, alias)}
    changes = []
    for identity, name in named.items():
        if identity not in made:
            resource = Resource(kind, name, ", ".join(dict.fromkeys(components[identity])))
            changes.append(planned(resource, partial(_plan, stack, resource, identity)))
    return changes


def unusable(stack: Stack, name: str, key_id: str, problem: Reason) -> SecretsPipelineError:
    """Make the error about a key, with every secret of the stack that is or is to be encrypted under it.

    Args:
        stack: the stack.
        name: the key as the stack names it.
        key_id: its id, where it has one.
        problem: see `KeyState.problem`.
    """
    names = ", ".join(_encrypted_under(stack, key_id)) or "no secret of this stack"
    return AwsError(f"KMS key {name} {problem.problem}; unreadable without it: {names}", remedy=problem.remedy)


def _named(stack: Stack, secret: SecretSpec) -> str | None:
    if secret.blocked or secret.kms_key is None:
        return None
    try:
        name = stack.resolve.text(secret.kms_key)
    except SecretsPipelineError:
        return None  # Said where the secret is planned.
    return None if isinstance(name, Pending) else name


def _identity(stack: Stack, name: str) -> str:
    try:
        return stack.observed.keys.key_id(name) or name
    except SecretsPipelineError:
        return name  # Said where the key is planned.


def _made(stack: Stack, alias: str) -> set[str]:
    """Ids of the keys that the plan of an alias tells of already."""
    try:
        found = look_up(stack, alias)
    except SecretsPipelineError:
        return set()
    return {key.state.key_id for key in (found.own, found.target) if key is not None}


def _plan(stack: Stack, resource: Resource, key_id: str) -> Change:
    problem = stack.observed.keys.problem(resource.name)
    if problem:
        raise unusable(stack, resource.name, key_id, problem)
    return Change(resource, ChangeClass.NONE, (Because("exists and is enabled"),))


def _encrypted_under(stack: Stack, key_id: str) -> list[str]:
    ids = stack.observed.keys.key_id
    declared = {
        secret.name
        for secret in stack.spec.secrets
        if (name := _named(stack, secret)) is not None and (ids(name) or name) == key_id
    }
    observed = {
        state.name
        for state in stack.observed.secrets.all().values()
        if state.kms_key_id and (ids(state.kms_key_id) or state.kms_key_id) == key_id
    }
    return sorted(declared | observed)
