"""Clear the mark's digest of a part by TagResource before the part is written, so that a crash shows.

Without this, a run that changes a policy and dies leaves a mark that says it is as it was; see `marks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import NotYetError, SkippedError
from secrets_pipeline.reconcilers.marks.secret_mark import Commit, Mark, Owner, Part, repository_tag
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret.tags import declared_keys_tag
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, KEPT, KEY, SPEC

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def withdraw_digest(stack: Stack, state: SecretState, part: Part) -> SecretState:
    """Clear the mark's digest of a part by TagResource; free where this run made the secret, or cleared it before.

    Args:
        stack: the stack.
        state: the secret as confirmed; it is ours.
        part: what is about to change.

    Raises:
        AwsError: if AWS refuses; nothing may be changed then.
    """
    mark = stack.ownership.marks.verify(state)
    if _vouches_for_nothing(mark, part) and mark.run == stack.run.id:
        return state
    run = stack.run.id
    if mark.commit is None or mark.owner is None:
        return withdraw_all_digests(stack, state)
    opened, owner = mark.commit.opened(part, run), _with_repository(stack, mark.owner)
    return _write(stack, state, owner, stack.ownership.marks.finished(state.arn, owner, opened))


def reread_own(stack: Stack, known: SecretState) -> SecretState:
    """Call DescribeSecret right before a tag is written: another run may have come first; refuse what is not ours.

    Args:
        stack: the stack.
        known: the secret as this run knew it.

    Raises:
        NotYetError: if no call shows it yet.
        SkippedError: if it is not ours any more.
        AwsError: if AWS refuses.
    """
    seen = stack.observed.secrets.refresh(known.name)
    if seen is None:
        stack.observed.secrets.note(known)
        raise NotYetError("is not visible yet", remedy="Run again.")
    if seen.deleted_at is not None or not stack.ownership.owns(seen):
        raise SkippedError(f"secret {known.name} is not ours any more")
    return seen


def withdraw_all_digests(stack: Stack, state: SecretState) -> SecretState:
    """Write a mark that vouches for nothing by TagResource, so that the next run reads all parts.

    Raises:
        AwsError: if AWS refuses.
    """
    owner = stack.ownership.marks.verify(state).owner
    if owner is None:
        return state
    owner = _with_repository(stack, owner)
    return _write(stack, state, owner, stack.ownership.marks.provisional(state.arn, owner, stack.run.id))


def write_finished_mark(stack: Stack, state: SecretState, secret: DesiredSecret, commit: Commit) -> SecretState:
    """Write the mark of a finished secret, and forget that a part is somebody else's where ours has taken its place.

    Not before: until then what is there may still be theirs.

    Raises:
        AwsError: if AWS refuses.
    """
    owner, marks = stack.ownership.owner(secret.spec), stack.ownership.marks
    # Beside declared replicas there may be others.
    taken = {part.word for part in Part if part is not Part.REPLICAS and secret.declares(part)}
    kept = marks.read_words(state, KEPT)
    more = {KEPT: marks.words(KEPT, state.arn, kept - taken)} if kept & taken else {}
    noted = declared_keys_tag(stack, secret.spec, state.tags)
    more |= {tag: text for tag, text in noted.items() if state.tags.get(tag) != text}
    return _write(stack, state, owner, marks.finished(state.arn, owner, commit), more)


def _write(
    stack: Stack, state: SecretState, owner: Owner, mark: str, more: Mapping[str, str] = MappingProxyType({})
) -> SecretState:
    """Write a mark, and what it speaks of, repository, component and key, which another run may just have changed.

    Not the stack: whoever takes that tag away takes the secret out of our hands, even at this moment.

    Raises:
        AwsError: if AWS refuses.
    """
    tags = {**more, **repository_tag(owner.repository), COMPONENT: owner.component, KEY: owner.key, SPEC: mark}
    with calling("TagResource", state.name):
        stack.account.client("secretsmanager").tag_resource(SecretId=state.arn, Tags=tag_list(tags))
    taken = replace(state, tags={**state.tags, **tags})
    stack.observed.secrets.note(taken)
    return taken


def _with_repository(stack: Stack, owner: Owner) -> Owner:
    """Whom a mark of ours names, with the repository that an older one did not."""
    return replace(owner, repository=stack.ownership.repository.id)


def _vouches_for_nothing(mark: Mark, part: Part) -> bool:
    return mark.commit is None or not mark.commit.digests[part]
