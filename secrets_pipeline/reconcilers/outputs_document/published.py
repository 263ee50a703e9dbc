"""Read and write what a stack publishes in Parameter Store, all under `/secrets-pipeline/{stack}`, and say whose it is.

`/secrets-pipeline/{stack}/repository` says whose all of it is: two repositories may have a stack of one name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.marks.not_ours import way_out
from secrets_pipeline.reconcilers.marks.secret_mark import Owner

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_PARAMETER_LIMIT = 4096


def published(stack: Stack) -> Mapping[str, str]:
    """Read every parameter under the stack's path, by name; none where they are those of another repository."""
    return {} if taken_parameters(stack) else stack.observed.parameters.published()


def taken_parameters(stack: Stack) -> NotOurs | None:
    """Say whose the parameters under the stack's path are; None where they are ours, or nobody's.

    The stack's inline policies bear its name alone, so they are whose the parameters are.
    """
    holder, ours = stack.observed.parameters.holder(), stack.ownership.repository.id
    if stack.spec.retired and ours and not holder and not stack.run.options.adopts(stack.observed.parameters.folder):
        # Nobody declares the stack, so its name alone proves nothing.
        unnamed = bool(stack.observed.parameters.published())
        way = f"--adopt {stack.observed.parameters.folder} takes them over, if they are this repository's"
        return NotOurs("nothing says whose parameters these are", way) if unnamed else None
    if holder in ("", ours):
        return None
    owner, folder = Owner(stack.spec.stack, repository=holder), stack.observed.parameters.folder
    if not stack.ownership.repository.may_take(owner, lambda _spec: True):
        return NotOurs(f"belongs to {owner.home}", way_out(owner, Owner(owner.stack)))
    if stack.run.options.adopts(folder, of_another=True):
        return None
    way = f"rename the stack, or take it over: {adoption(stack.spec.stack, folder)}"
    return NotOurs(f"belongs to {owner.home}", way)


def publish(stack: Stack, name: str, text: str) -> None:
    """Write one parameter by PutParameter, and before the first one whose all are; nothing in it is secret.

    Raises:
        SkippedError: if they are those of another repository.
        AwsError: if Parameter Store refuses.
    """
    parameters, repository = stack.observed.parameters, stack.ownership.repository.id
    if taken := taken_parameters(stack):
        raise SkippedError(f"{parameters.folder} {taken}")
    if repository and parameters.holder() != repository:
        parameters.take(repository)
    if name != parameters.note:
        parameters.put(name, text)


def parts(entries: Mapping[str, str]) -> list[str]:
    """Write some entries as one JSON document, or as several where one parameter does not hold them."""
    parts: list[dict[str, str]] = []
    size = _PARAMETER_LIMIT
    for key, text in sorted(entries.items()):
        # `, ` stands where the braces of an entry of its own would: an entry adds what it takes alone.
        more = len(json.dumps({key: text}))
        if size + more > _PARAMETER_LIMIT:
            parts.append({})
            size = 0
        parts[-1][key] = text
        size += more
    return [json.dumps(part) for part in parts]
