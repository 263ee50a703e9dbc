"""Write and verify the tags that prove whose a rotation function or its role is, and the note that finds it later.

As with keys, a mark is `<digest>.<mac>`, bound to the ARN: the digest is of what was deployed last, empty for nothing
yet. Function and role bear the same name, which says the stack, so both are known before they are made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.apply_options import adoption, function_named
from secrets_pipeline.reconcilers.marks.mac import Mac
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Owner, repository_tag, stack_parts
from secrets_pipeline.reconcilers.outputs_document.published import publish, published
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, SPEC, STACK

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_DIGITS = 32
_NOTE = re.compile(r"/rotation_function$")


def function_tags(stack: Stack, arn: str, digest: str = "") -> dict[str, str]:
    """Make the tags that prove a function, role or log group ours, beside those of the operator's settings.

    Args:
        stack: the stack.
        arn: of the function, role or log group.
        digest: of what was deployed.
    """
    ours = Owner(stack.spec.stack, repository=stack.ownership.repository.id)
    mark = f"{digest}.{_mac(stack).of(*_about(arn, ours, digest))}"
    return {**stack.run.settings.tags, STACK: ours.stack, **repository_tag(ours.repository), SPEC: mark}


def deployed_digest(tags: Mapping[str, str]) -> str:
    """Read the digest of what was deployed last, as the tags of ours say; empty for nothing whole."""
    return tags.get(SPEC, "").partition(".")[0]


def function_proof(stack: Stack, arn: str, tags: Mapping[str, str]) -> tuple[MarkState, Owner]:
    """Verify the tags of a function or role: what they prove, and whom they name."""
    owner = Owner(tags.get(STACK, ""), repository=tags.get(REPOSITORY, ""))
    if not any(tag in tags for tag in (STACK, REPOSITORY, SPEC)):
        return MarkState.UNMARKED, owner
    digest, _, mac = tags.get(SPEC, "").partition(".")
    if not _mac(stack).proves(mac, *_about(arn, owner, digest)):
        return MarkState.FORGED, owner
    return MarkState.FINISHED if digest else MarkState.UNFINISHED, owner


def foreign_function(stack: Stack, arn: str, tags: Mapping[str, str]) -> NotOurs | None:
    """Say why a function or role is not ours; None if it is."""
    state, owner = function_proof(stack, arn, tags)
    take = f"{adoption(stack.spec.stack, function_named(_name(arn)))} takes it over, code, role and all"
    if state is MarkState.UNMARKED:
        return NotOurs("exists without our tags", take)
    if state is MarkState.FORGED:
        return NotOurs("bears tags of ours that do not prove it", "find out who tagged it, then take them away")
    if stack.ownership.claims(owner):
        return None
    rename = "write another rotation_function.name"
    way = f"{rename}, or {take}" if _may_take(stack, owner, _name(arn)) else rename
    return NotOurs(f"belongs to {owner.home}", way)


def is_named(stack: Stack, tags: Mapping[str, str]) -> bool:
    """Whether the tags name the repository, as far as it has an id."""
    return tags.get(REPOSITORY, "") == stack.ownership.repository.id


def adopts_function(stack: Stack, arn: str, tags: Mapping[str, str]) -> bool:
    """Whether the operator takes a function or role over that is not ours: nobody's, or another's who may lose it."""
    state, owner = function_proof(stack, arn, tags)
    of_another = stack.ownership.repository.is_another(owner.repository)
    if state is MarkState.FORGED or not stack.run.options.adopts_function(_name(arn), of_another=of_another):
        return False
    return state is MarkState.UNMARKED or (not stack.ownership.claims(owner) and _may_take(stack, owner, _name(arn)))


def _may_take(stack: Stack, owner: Owner, name: str) -> bool:
    return stack.ownership.repository.may_take(
        owner, lambda spec: spec.rotation_function is not None and spec.rotation_function.name == name
    )


def _name(arn: str) -> str:
    return re.split("[:/]", arn)[-1]


def function_digest(stack: Stack, *parts: str) -> str | None:
    """Digest what is to be deployed under the fingerprint key; None where nothing was ever applied."""
    fingerprinter = stack.ownership.fingerprinter
    return fingerprinter.digest("rotation-function", *parts)[:_DIGITS] if fingerprinter else None


def _mac(stack: Stack) -> Mac:
    return Mac(stack.ownership.fingerprinter, "rotation-function-mark", digits=_DIGITS)


def _about(arn: str, owner: Owner, digest: str) -> tuple[str, ...]:
    """What the proof of a mark is over."""
    return (arn, *stack_parts(owner.stack, owner.repository), digest)


def noted_function(stack: Stack) -> str | None:
    """Read the name of the function that an apply of this stack made, with the stack's other parameters."""
    return next((value for name, value in published(stack).items() if _NOTE.search(name)), None)


def note_function(stack: Stack, name: str) -> None:
    """Note by PutParameter that the stack has a function, before it is made."""
    if noted_function(stack) != name:
        publish(stack, function_note(stack), name)


def forget_function(stack: Stack) -> None:
    """Delete the note by DeleteParameter, after the function."""
    stack.observed.parameters.delete(function_note(stack))


def function_note(stack: Stack) -> str:
    """Name the parameter that notes which function the stack has."""
    return f"{stack.observed.parameters.folder}/rotation_function"
