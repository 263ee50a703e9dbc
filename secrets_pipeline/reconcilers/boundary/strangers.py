"""Refuse a stack before its first write if a function or key under a name that it declares is a stranger's.

A stranger is whoever made the thing without the pipeline, or from another repository. Another stack of this repository
is not a stranger. If it took the name first, only that one thing is blocked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.errors import GuardError
from secrets_pipeline.reconcilers.kms_key.lookup import foreign_key
from secrets_pipeline.reconcilers.marks.secret_mark import OURS, MarkState, Owner
from secrets_pipeline.reconcilers.outputs_document.published import published
from secrets_pipeline.reconcilers.rotation_function.ownership import (
    adopts_function,
    foreign_function,
    function_proof,
    noted_function,
)

if TYPE_CHECKING:
    from secrets_pipeline.desired.kms_key.model import KeySpec
    from secrets_pipeline.reconcilers.stack import Stack


def strangers(stack: Stack) -> list[GuardError]:
    """Return an error for each declared function or key that a stranger made.

    Raises:
        AwsError: if AWS does not show a function, an alias or its tags.
    """
    keys = (error for key in stack.spec.keys if (error := _of_key(stack, key)))
    function = _of_function(stack)
    return [*keys, *([function] if function else [])]


def _of_key(stack: Stack, key: KeySpec) -> GuardError | None:
    found = foreign_key(stack, key)
    if found is None:
        return None
    theirs, why = found
    # Whoever may tag could take the marks away: what this stack has published is no stranger's.
    ours = any(theirs.state.key_id in value for value in published(stack).values())
    if ours or not _is_strangers(stack, theirs.mark.state, theirs.mark.owner):
        return None
    return _error(f"component {', '.join(key.components)}: KMS key {key.alias}", why)


def _of_function(stack: Stack) -> GuardError | None:
    declared = stack.spec.rotation_function
    state = stack.observed.functions.function(declared.name) if declared is not None else None
    if declared is None or state is None:
        return None
    arn = stack.account.function_arn(declared.name)
    why = foreign_function(stack, arn, state.tags)
    if why is None or adopts_function(stack, arn, state.tags) or noted_function(stack) == declared.name:
        return None
    if not _is_strangers(stack, *function_proof(stack, arn, state.tags)):
        return None
    return _error(f"settings.secrets_pipeline.rotation_function: Lambda function {declared.name}", why)


def _is_strangers(stack: Stack, state: MarkState, owner: Owner | None) -> bool:
    if state is MarkState.UNMARKED:
        return True
    return state in OURS and owner is not None and stack.ownership.repository.is_another(owner.repository)


def _error(subject: str, why: NotOurs) -> GuardError:
    return GuardError(f"{subject} {why.problem}", remedy=f"{why.remedy[:1].upper()}{why.remedy[1:]}.")
