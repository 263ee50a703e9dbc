"""Tell tags of a secret that its stack declared from those of others, which stay; see `marks.declared_tags`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.desired.tags import TAGS as MOST_TAGS
from secrets_pipeline.desired.tags import leaves_room
from secrets_pipeline.engine.reason import Because, Differs, Reason
from secrets_pipeline.reconcilers.marks.declared_tags import DeclaredTags
from secrets_pipeline.reconcilers.marks.not_ours import NOT_MARKED, UNNAMED
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Part
from secrets_pipeline.reconcilers.observed.tags import surplus_tags, tag_details
from secrets_pipeline.reconcilers.tag_keys import (
    INPUTS,
    KEPT,
    PREFIX,
    REPLICAS,
    REPOSITORY,
    SPEC,
    STACK,
    TAGS,
    VALUE_KEY,
    VALUE_VERSION,
)

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
    from secrets_pipeline.reconcilers.stack import Stack


def declared_keys_tag(stack: Stack, secret: SecretSpec, held: Mapping[str, str]) -> dict[str, str]:
    """Make the tag that says which tags the stack declares, or did; none where they leave no room for it.

    Args:
        stack: the stack.
        secret: one of its secrets.
        held: the tags that the secret has.
    """
    room = leaves_room(secret.tags, TAGS)
    return _declared(stack, secret.name).record(secret.tags, held) if room else {}


def left_tags(stack: Stack, state: SecretState, secret: DesiredSecret) -> list[str]:
    """Find the tags that the stack declared once and does not any more: only those are taken away.

    Secrets of older versions do not say which were declared. Those versions took away what nobody declared: as long as
    the declared ones are those of the last apply, what else is there was added since, and stays.
    """
    surplus = surplus_tags(state.tags, secret.tags)
    if not surplus or stack.ownership.marks.verify(state).state is MarkState.UNMARKED:
        return []
    if TAGS not in state.tags:
        return [] if secret.made(state, Part.TAGS) else surplus
    return _declared(stack, state.name).recorded(surplus, state.tags)


def tag_differences(stack: Stack, state: SecretState, secret: DesiredSecret) -> list[Reason]:
    """Compare a secret's tags with the declared ones and the pipeline's own; those of others are left out."""
    observed, found = state.tags, list[Reason]()
    unmarked = STACK in secret.tags and STACK not in observed
    if unmarked:
        found.append(NOT_MARKED)
    for key, value in secret.tags.items():
        if unmarked and key.startswith(PREFIX) and key not in observed:
            continue
        if key == REPOSITORY and key not in observed:
            found.append(UNNAMED)
        elif key not in observed:
            found.append(Because(f"tag {key} is missing", details=tag_details(key, None, value)))
        elif observed[key] != value:
            found.append(Differs(f"tag {key}", repr(observed[key]), repr(value)))
    found.extend(
        Because(f"tag {key} is not declared any more", details=tag_details(key, observed[key], None))
        for key in left_tags(stack, state, secret)
    )
    return found


def too_many_tags(stack: Stack, state: SecretState, secret: DesiredSecret, *, rewrites: bool) -> Reason | None:
    """Say that a secret would have more tags than AWS takes: those of others stay beside the stack's and our own.

    Args:
        stack: the stack.
        state: the secret, about to be changed.
        secret: what the stack declares of it.
        rewrites: whether its value is written, of which tags speak.
    """
    own = {SPEC, TAGS} if leaves_room(secret.spec.tags, TAGS) else {SPEC}
    own |= {KEPT} if stack.ownership.marks.verify(state).state is MarkState.UNMARKED else set()
    own |= {VALUE_VERSION, VALUE_KEY, INPUTS} if rewrites else set()
    own |= {REPLICAS} if secret.spec.replicas else set()
    stay = state.tags.keys() - set(left_tags(stack, state, secret))
    count = sum(not key.startswith("aws:") for key in stay | secret.tags.keys() | own)
    if count <= MOST_TAGS:
        return None
    theirs = len(surplus_tags(state.tags, secret.tags))
    said = f"would have {count} tags, {theirs} of which nobody declares, and AWS takes {MOST_TAGS}"
    return Because(said, f"take {count - MOST_TAGS} away that nobody needs: aws secretsmanager untag-resource")


def _declared(stack: Stack, name: str) -> DeclaredTags:
    return DeclaredTags(stack.ownership.fingerprinter, name)
