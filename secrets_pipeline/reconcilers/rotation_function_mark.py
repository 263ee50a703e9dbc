"""Whose a rotation function or its role is, as its tags prove; and the note by which it is found later.

As with keys, a mark is `<digest>.<mac>`, bound to the ARN: the digest is of what was deployed last, empty for nothing
yet. Function and role bear the same name, which says the stack, so both are known before they are made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.aws import calling
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.marks import SPEC, STACK, same_text
from secrets_pipeline.reconcilers.outputs_document import ROOT, publish, published

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

_DIGITS = 32
_NOTE = re.compile(r"/rotation_function$")


def ownership(context: StackContext, arn: str, digest: str = "") -> dict[str, str]:
    """The tags that prove a function or role ours.

    Args:
        context: the stack.
        arn: of the function or role.
        digest: of what was deployed.
    """
    return {STACK: context.spec.stack, SPEC: f"{digest}.{_mac(context, arn, digest)}"}


def deployed(tags: Mapping[str, str]) -> str:
    """The digest of what was deployed last, as the tags of ours say; empty for nothing whole."""
    return tags.get(SPEC, "").partition(".")[0]


def foreign(context: StackContext, arn: str, tags: Mapping[str, str]) -> str:
    """Why a function or role is not ours; empty if it is."""
    stack, mark = tags.get(STACK), tags.get(SPEC)
    if stack is None and mark is None:
        return "exists without our tags: `apply --adopt` takes it over, code, role and all"
    if stack is not None and stack != context.spec.stack:
        return f"belongs to stack {stack}: write another rotation_function.name"
    digest, _, mac = (mark or "").partition(".")
    if context.fingerprinter is None or not same_text(mac, _mac(context, arn, digest)):
        return "bears tags of ours that do not prove it: find out who tagged it, then take them away"
    return ""


def is_adoptable(tags: Mapping[str, str]) -> bool:
    """Whether nobody claims it, so that an operator may take it over."""
    return STACK not in tags and SPEC not in tags


def digest_of(context: StackContext, *parts: str) -> str | None:
    """Keyed digest of what is to be deployed; None where nothing was ever applied."""
    fingerprinter = context.fingerprinter
    return fingerprinter.digest("rotation-function", *parts)[:_DIGITS] if fingerprinter else None


def _mac(context: StackContext, arn: str, digest: str) -> str:
    if context.fingerprinter is None:
        raise SpecError("nothing was applied in this account yet", remedy="Apply first.")
    return context.fingerprinter.digest("rotation-function-mark", arn, context.spec.stack, digest)[:_DIGITS]


def noted(context: StackContext) -> str | None:
    """The name of the function that an apply of this stack made; read with the stack's other parameters."""
    return next((value for name, value in published(context).items() if _NOTE.search(name)), None)


def note(context: StackContext, name: str) -> None:
    """Say that the stack has a function, before it is made."""
    if noted(context) != name:
        publish(context, _parameter(context), name)


def forget(context: StackContext) -> None:
    """Delete the note, after the function."""
    name, client = _parameter(context), context.account.client("ssm")
    context.inventory.forget("outputs")
    with calling("DeleteParameter", name):
        try:
            client.delete_parameter(Name=name)
        except client.exceptions.ParameterNotFound:
            return


def _parameter(context: StackContext) -> str:
    return f"{ROOT}/{context.spec.stack}/rotation_function"
