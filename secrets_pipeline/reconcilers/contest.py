"""Decide whether a stack may make a thing under a name that another stack of the repository may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import Boundary, ContestedKind
from secrets_pipeline.desired.settings.grants import grant_line
from secrets_pipeline.engine.reason import NotOurs

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def lost_contest(stack: Stack, kind: ContestedKind, name: str) -> NotOurs | None:
    """Return why the stack must not make or claim this thing; None if it may.

    Only this one thing is blocked: a stack that declares the names of another one must not stop it.

    Args:
        stack: which declares the name.
        kind: of the thing.
        name: the secret's name, the database's identifier, the function's name or the key's alias.

    Raises:
        AwsError: if STS does not tell the account.
    """
    for one in stack.spec.contested:
        if (one.kind, one.name) != (kind, name) or one.owners == (stack.spec.stack,):
            continue
        if one.account_id not in (None, stack.account.account_id):
            continue
        if one.stacks:
            said = f"is declared by stack {', '.join(one.stacks)} too, and no mark says that it is this stack's"
        else:
            others = ", ".join(owner for owner in one.owners if owner != stack.spec.stack)
            said = f"is named after stack {others}, which owns that prefix"
        way = "write another name here"
        if kind is ContestedKind.SECRET:
            line = grant_line(stack.spec.stack, Boundary.SECRET, name)
            way += ", or tell the names of the stacks apart by settings.secrets_pipeline.name_template"
            way += "" if one.stacks else f", or let the operator write under grants: {line}"
        return NotOurs(said, way)
    return None
