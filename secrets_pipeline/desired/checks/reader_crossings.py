"""Note whom a stack lets read its secrets or use its keys; of other accounts, only whom the operator grants."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from typing import Any

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.policy.principals import Admitted, account_of_principal, admitted, is_public
from secrets_pipeline.desired.reading.crossing import crosses, note
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.grants import GrantRule, grant_line, granted
from secrets_pipeline.references.model import Path

_DECLARED = "declared in its own account"
_ANYBODY = "*"


def cross_readers(
    stack: StackScope,
    target: Target,
    secrets: Iterable[SecretSpec],
    keys: Iterable[KeySpec],
    consumers: Iterable[ConsumerSpec],
    *,
    organization_id: str | None,
) -> None:
    """Note each reader, and collect an error for one of another account that no grant names.

    Where the stack's account is not known, who is of another account is judged before the first write.

    Args:
        stack: where crossings and errors are collected.
        target: where the stack lives.
        secrets: with the statements of their policies.
        keys: the same.
        consumers: of the stack.
        organization_id: that readers of other accounts have to belong to, by a condition of our own.
    """
    for consumer in consumers:
        scope, path = stack.components[consumer.component], _place_of(stack, consumer)
        names = {ref: secret.name for secret in secrets for ref in [secret.ref]}
        read = tuple(names[ref] for ref in consumer.secrets if ref in names)
        for arn in consumer.readers if consumer.secrets else ():
            _cross(scope, target, path, Admitted(arn, account_of_principal(arn)), read, within=organization_id)
    for secret in secrets:
        scope, path = stack.components[secret.ref.component], ("vars", "secrets", secret.ref.key)
        _cross_statements(scope, target, (*path, "policy"), secret.policy, (secret.name,))
        function = secret.rotation.lambda_arn if secret.rotation else None
        if isinstance(function, str):
            rotating = Admitted(function, account_of_principal(function))
            _cross(scope, target, (*path, "rotation"), rotating, (secret.name,))
    for key in keys:
        _cross_statements(stack.components[key.components[0]], target, ("vars", "policy"), key.policy, (key.alias,))


def not_let_in(
    statements: Iterable[Mapping[str, Any]], account_id: str, stack: str, grants: Iterable[GrantRule]
) -> str:
    """Why statements of a policy may not stand, now that every part of them is known; empty if they may.

    What references stood for while the desired state was built, nobody could judge then.

    Args:
        statements: without references.
        account_id: the stack's.
        stack: its name.
        grants: the operator's.
    """
    rules = tuple(grants)
    for statement in statements:
        if is_public(statement):
            return "lets everybody in, which only its references show"
        for one in admitted(statement, account_id):
            known = one.owner or _ANYBODY
            if known != account_id and not granted(rules, stack, Boundary.FOREIGN_READER, known):
                line = grant_line(stack, Boundary.FOREIGN_READER, glob.escape(known))
                return f"lets in {one.name}, and no grant of the operator names it: write under grants: {line}"
    return ""


def _place_of(stack: StackScope, consumer: ConsumerSpec) -> Path:
    declared = stack.components[consumer.component].component.vars.get("consumers")
    if isinstance(declared, Mapping) and consumer.name in declared:
        return ("vars", "consumers", consumer.name)
    return ("vars",)


def _cross_statements(
    scope: ComponentScope,
    target: Target,
    path: Path,
    statements: Iterable[Mapping[str, Any]],
    subjects: tuple[str, ...],
) -> None:
    for statement in statements:
        for one in admitted(statement, target.account_id):
            _cross(scope, target, path, one, subjects)


def _cross(
    scope: ComponentScope,
    target: Target,
    path: Path,
    one: Admitted,
    subjects: tuple[str, ...],
    *,
    within: str | None = None,
) -> None:
    if one.owner is not None and one.owner == target.account_id:
        note(scope, Boundary.READER, path, one.name, subjects=subjects, allowed_by=_DECLARED)
        return
    known = [name for name in (one.owner, within) if name]
    crosses(
        scope,
        Boundary.FOREIGN_READER,
        path,
        one.name,
        *(known or [_ANYBODY]),
        subjects=subjects,
        later=target.account_id is None and account_of_principal(one.name) is not None,
    )
