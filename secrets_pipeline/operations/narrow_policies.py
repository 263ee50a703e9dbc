"""Report what somebody changed behind our back, and narrow such policies again where the stack wants that.

A policy is narrowed where the mark proves that it was made as the stack declares it now: what differs was changed by
somebody else, and not by a run of ours, nor by an edit of the YAML that nobody applied yet. What is put in its place is
proven to allow no request that the policy there refuses (`access.narrowing`): no denial is removed, nothing is allowed,
restored or enabled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from secrets_pipeline.access.policy_text.canonical import compact, same_policy
from secrets_pipeline.access.policy_text.narrow import is_narrower, narrowed
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.limits import KEY_POLICY_BYTES, POLICY_BYTES
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.kms_key import reconciler as kms_key
from secrets_pipeline.reconcilers.kms_key.desired import declared_policy
from secrets_pipeline.reconcilers.kms_key.lookup import look_up
from secrets_pipeline.reconcilers.marks.secret_mark import Part
from secrets_pipeline.reconcilers.observed.kms_keys import key_policy
from secrets_pipeline.reconcilers.secret.desired import DesiredSecret
from secrets_pipeline.reconcilers.secret_policy import reconciler as secret_policy
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

MOST_A_DAY = 3
"""How often one resource is narrowed in 24 hours; whoever changes it more often than that no fourth one stops."""


@dataclass(frozen=True, slots=True)
class NarrowedPolicy:
    """A policy that was narrowed.

    Attributes:
        whole: whether it is as declared again; what is left would widen it.
    """

    resource: Resource
    reason: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Reported:
    """Something was changed outside and is left to a human.

    Attributes:
        why: why nothing was done.
        fought_over: whether it was narrowed too often.
        compared: whether it could be looked at; if not, nobody knows that somebody changed it.
    """

    resource: Resource
    reason: str
    why: str
    fought_over: bool = False
    compared: bool = True


Treatment: TypeAlias = NarrowedPolicy | Reported


def narrow_policies(stack: Stack, narrowed_today: Mapping[str, int]) -> tuple[Treatment, ...]:
    """Plan a stack deeply, and narrow or report everything in it that was changed outside.

    Args:
        stack: the stack, of a run that need not write, since nothing is made.
        narrowed_today: name of a resource → how often it was narrowed within 24 hours.

    Raises:
        GuardError: if the credentials belong to another account.
        AwsError: if AWS cannot be read. What nobody could ask AWS about is neither narrowed nor reported, unless that
            is so of everything: the checks say it.
    """
    changes = [change for stage in plan_stack(stack, deep=True).values() for change in stage]
    unasked = [change.error for change in changes if change.error is not None and change.error.unasked]
    if unasked and len(unasked) == len(changes):
        raise unasked[0]
    return tuple(_treated(stack, change, narrowed_today) for change in changes if _is_foreign(change))


def _is_foreign(change: Change) -> bool:
    """Whether somebody else made a difference, as against the YAML having changed."""
    if change.error is not None:
        return not change.error.unasked
    return change.drift or change.action is ChangeClass.RESTORE


def _treated(stack: Stack, change: Change, narrowed_today: Mapping[str, int]) -> Treatment:
    resource = change.resource
    if change.error:
        return Reported(resource, change.error.diagnostics(), "it cannot be compared", compared=False)
    reason = change.reason or change.action.value
    if hindrance := _hindrance(stack, change):
        return Reported(resource, reason, hindrance)
    if narrowed_today.get(resource.name, 0) >= MOST_A_DAY:
        return Reported(resource, reason, f"it was healed {MOST_A_DAY} times within a day", fought_over=True)
    put = _secret_policy if resource.kind == secret_policy.KIND else _key_policy
    try:
        whole = put(stack, resource.name)
    except SecretsPipelineError as error:
        return Reported(resource, reason, error.diagnostics())
    if whole is None:
        return Reported(resource, reason, "to make it as declared would allow something, or nobody can prove otherwise")
    return NarrowedPolicy(resource, reason, whole)


def _hindrance(stack: Stack, change: Change) -> str:
    """Why something is not for us to undo; empty where it may be."""
    if change.resource.kind not in (secret_policy.KIND, kms_key.KIND) or not change.drift:
        return "only policies are narrowed by themselves"
    if set(change.resource.component.split(", ")).isdisjoint(stack.spec.self_heal):
        return "settings.secrets_pipeline.self_heal is not true"
    return ""


def _secret_policy(stack: Stack, name: str) -> bool | None:
    """Narrow the resource policy of a secret; whether it is as declared then, None where there is nothing to narrow."""
    secret = next(one for one in stack.spec.secrets if one.name == name)
    # An event and a list are hints.
    state = stack.observed.secrets.refresh(name)
    wanted = DesiredSecret(stack, secret)
    declared = wanted.policy
    if (
        state is None
        or state.deleted_at is not None
        or not stack.ownership.owns(state)
        or isinstance(declared, Pending)
    ):
        return None
    if not wanted.made(state, Part.POLICY):
        return None
    client = stack.account.client("secretsmanager")
    left = _left(stack.observed.secrets.policy_now(state), declared)
    if left is None:
        return None
    (document,) = left
    if document is None:
        with calling("DeleteResourcePolicy", name):
            client.delete_resource_policy(SecretId=state.arn)
    else:
        text = compact(document, longest=POLICY_BYTES)
        with calling("PutResourcePolicy", name):
            client.put_resource_policy(SecretId=state.arn, ResourcePolicy=text, BlockPublicPolicy=True)
    stack.observed.secrets.note(replace(state, policy=compact(document, longest=POLICY_BYTES) if document else None))
    return same_policy(document, declared)


def _key_policy(stack: Stack, alias: str) -> bool | None:
    """As `_secret_policy`, for a key of the stack; a policy that nobody could repair is never put."""
    key = next(one for one in stack.spec.keys if one.alias == alias)
    own = look_up(stack, alias).own
    declared = declared_policy(stack, key)
    if own is None or own.state.problem or isinstance(declared, Pending):
        return None
    client = stack.account.client("kms")
    left = _left(key_policy(stack.account, own.state.key_id), declared)
    if left is None:
        return None
    (document,) = left
    if document is None or not _can_be_repaired(document, declared):
        return None
    with calling("PutKeyPolicy", alias):
        client.put_key_policy(
            KeyId=own.state.key_id, PolicyName="default", Policy=compact(document, longest=KEY_POLICY_BYTES)
        )
    stack.observed.keys.forget(own.state.key_id)
    return same_policy(document, declared)


def _left(observed: str | None, declared: dict[str, Any] | None) -> tuple[dict[str, Any] | None] | None:
    """What to put in place of an observed policy; None where that is nothing else, or not proven to be narrower."""
    document = narrowed(observed, declared)
    if same_policy(document, declared):
        # In the words of the YAML.
        document = declared
    if same_policy(document, observed) or not is_narrower(document, observed):
        return None
    return (document,)


def _can_be_repaired(document: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    """Whether the account's root keeps what the declared policy lets it do."""
    allowed = {**document, "Statement": [one for one in document["Statement"] if one["Effect"] == "Allow"]}
    return is_narrower({**declared, "Statement": declared["Statement"][:1]}, allowed)


def sentences(treatments: tuple[Treatment, ...]) -> Iterator[str]:
    """Say each treatment in one line, for logs and alerts."""
    for one in treatments:
        match one:
            case NarrowedPolicy(whole=True):
                yield f"{one.resource}: {one.reason}: narrowed, as declared again"
            case NarrowedPolicy():
                yield f"{one.resource}: {one.reason}: narrowed; what is left would allow more, and is yours to apply"
            case Reported():
                yield f"{one.resource}: {one.reason}: left alone, since {one.why}"
