"""Take a secret before a part of it changes that no list shows: from then on its mark does not vouch for that part.

Without this, a run that changes a policy and dies leaves a mark that says it is as it was; see `marks`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws import NEW_RESOURCE
from secrets_pipeline.reconcilers.marks import COMPONENT, KEPT, KEY, SPEC, Mark, Owner, Part
from secrets_pipeline.reconcilers.states import SecretState, tag_list

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext


def take(context: StackContext, state: SecretState, part: Part) -> SecretState:
    """Say that this run changes a part; free where it made the secret, or said so before.

    Args:
        context: the stack.
        state: the secret as confirmed; it is ours.
        part: what is about to change.

    Raises:
        AwsError: if AWS refuses; nothing may be changed then.
    """
    mark = context.marks.verify(state)
    if _vouches_for_nothing(mark, part) and mark.run == context.world.run:
        return state
    run = context.world.run
    if mark.commit is None or mark.owner is None:
        return give_up(context, state)
    opened = mark.commit.opened(part, run)
    return write(context, state, mark.owner, context.marks.finished(state.arn, mark.owner, opened))


def give_up(context: StackContext, state: SecretState) -> SecretState:
    """Leave a mark that vouches for nothing, so that the next run reads all parts.

    Raises:
        AwsError: if AWS refuses.
    """
    owner = context.marks.verify(state).owner
    if owner is None:
        return state
    return write(context, state, owner, context.marks.provisional(state.arn, owner, context.world.run))


def replace_kept(context: StackContext, state: SecretState, part: Part) -> SecretState:
    """Forget that a part is somebody else's, before the declared one takes its place: that one is ours to take away.

    Raises:
        AwsError: if AWS refuses.
    """
    kept = context.marks.read_words(state, KEPT)
    if part.value not in kept:
        return state
    return _tag(context, state, {KEPT: context.marks.words(KEPT, state.arn, kept - {part.value})})


def write(context: StackContext, state: SecretState, owner: Owner, mark: str) -> SecretState:
    """Write a mark, and the component and key that it speaks of, which another run may just have changed.

    Not the stack: whoever takes that tag away takes the secret out of our hands, even at this moment.

    Raises:
        AwsError: if AWS refuses.
    """
    return _tag(context, state, {COMPONENT: owner.component, KEY: owner.key, SPEC: mark})


def _tag(context: StackContext, state: SecretState, tags: dict[str, str]) -> SecretState:
    client = context.account.client("secretsmanager")
    tag = partial(client.tag_resource, SecretId=state.arn, Tags=tag_list(tags))
    context.world.patience.until_visible("TagResource", state.name, tag, lag=NEW_RESOURCE)
    taken = replace(state, tags={**state.tags, **tags})
    context.inventory.note(taken)
    return taken


def _vouches_for_nothing(mark: Mark, part: Part) -> bool:
    return mark.commit is None or not mark.commit.digests[part]
