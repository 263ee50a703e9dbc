"""Put the inline policy that lets consumers read, on roles of our account whose component says `attach_policies: true`.

Its name, `secrets-pipeline-<stack>`, makes it the stack's own; a role has one for each stack, for all its consumers.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.granting.attached import (
    attachable,
    differences,
    inline_policy_name,
    inline_text,
    is_as_attached,
    readable_arns,
)
from secrets_pipeline.access.granting.identity import PolicyDocument, Readable
from secrets_pipeline.access.policy_text.differences import policy_details
from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.limits import INLINE_POLICY_CHARACTERS
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, NewReader, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Missing, Need, NotOurs, Reason, Waits
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.apply_options import pruning
from secrets_pipeline.reconcilers.consumer_policy.notes import forget_role, note_role, noted_roles
from secrets_pipeline.reconcilers.event_queue.part import EVENTS_TAG
from secrets_pipeline.reconcilers.left import left
from secrets_pipeline.reconcilers.needed import any_of, skipped
from secrets_pipeline.reconcilers.outputs_document.published import taken_parameters
from secrets_pipeline.reconcilers.secret.readable import readable, secret_arn, there_soon
from secrets_pipeline.reconcilers.tag_keys import SPEC, STACK
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "consumer-policy"
_OF_AWS = ("aws-service-role/", "aws-reserved/")
"""Paths of roles that AWS lets nobody change."""


@dataclass(frozen=True, slots=True)
class _Role:
    """A role, with all consumers that read under it."""

    arn: str
    consumers: tuple[ConsumerSpec, ...]
    secrets: tuple[SecretSpec, ...]

    @property
    def path_and_name(self) -> str:
        return self.arn.split(":role/", 1)[1]

    @property
    def name(self) -> str:
        return self.arn.rsplit("/", 1)[1]


@dataclass(frozen=True, slots=True)
class _WantedPolicy:
    """What a role may be let read now.

    Attributes:
        ready: the secrets.
        pending: ARN pattern of each other secret → what it waits for.
    """

    ready: tuple[Readable, ...]
    pending: Mapping[str, Pending]

    @property
    def waits(self) -> Mapping[str, str]:
        return {arn: one.reason for arn, one in self.pending.items()}

    @property
    def document(self) -> dict[str, Any] | None:
        """The policy; None where nothing is ready."""
        return attachable(self.ready) if self.ready else None

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.waits.values()))

    @property
    def needs(self) -> tuple[Need, ...]:
        """One secret that is not readable yet is enough for a change; all of them are waited for."""
        return any_of(self.pending.values())

    def withdrawn(self, observed: PolicyDocument) -> str:
        """A secret that would be taken away although it only waits, and why it does; empty if there is none.

        A tag that somebody removed from a secret must not lock its readers out.
        """
        kept = sorted(readable_arns(observed) & set(self.waits))
        return self.waits[kept[0]] if kept else ""


_ANOTHER = "let another role read"


class ConsumerPolicyReconciler:
    """Puts and deletes the inline policies of one stack's consumers.

    Each is read, whether deep or not: no list shows it and no mark vouches for it. A stack without `attach_policies`
    costs no call to IAM.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._roles = {role.path_and_name: role for role in _roles(stack)}
        self._noted: frozenset[str] = frozenset()

    def plan(self) -> Sequence[Change]:
        """Plan one change a role, then the roles that left the stack with its policy on them."""
        self._noted = noted_roles(self._stack)
        changes = [
            planned(resource, partial(self._plan, role, resource))
            for name, role in self._roles.items()
            for resource in [Resource(KIND, name, ", ".join(dict.fromkeys(one.component for one in role.consumers)))]
        ]
        # Of many alike one sentence is told.
        deletes = pruning(self._stack.spec, self._stack.run.options)
        takes = "`apply --prune` takes the policy away" if not self._stack.spec.retired else f"{deletes}, at once"
        reason = Because("reads nothing under this stack any more", takes)
        gone = sorted(self._noted - {role.name for role in self._roles.values()})
        action, reasons = left(self._stack, reason)
        return [*changes, *(Change(Resource(KIND, name), action, reasons, act=True) for name in gone)]

    def apply(self, change: Change) -> str:
        """Call PutRolePolicy or DeleteRolePolicy for one role; see `engine.Reconciler`."""
        if change.action is ChangeClass.PRUNE:
            return self._prune(change.resource.name)
        role = self._roles[change.resource.name]
        wanted = self._wanted(role)
        if wanted.document is None:
            raise skipped(*wanted.pending.values(), one_is_enough=True)
        text = self._text(role, wanted.document)
        observed = self._observed(role.name)
        if observed is not None and (why := wanted.withdrawn(observed)):
            raise SkippedError(why)
        if refusal := self._refusal(role):
            raise SkippedError(str(refusal))
        if role.name not in self._noted:
            note_role(self._stack, role.name)
        if observed is None or differences(observed, wanted.document):
            self._put(role, text)
            name = inline_policy_name(self._stack.spec.stack)
            self._stack.observed.roles.learn_policy(role.name, name, wanted.document)
        left_out = "".join(f"; without: {reason}" for reason in wanted.reasons)
        count = len(wanted.ready)
        return f"reads {count} secret{'s' if count > 1 else ''}{left_out}"

    def _plan(self, role: _Role, resource: Resource) -> Change:
        taken = taken_parameters(self._stack)
        return Change(resource, ChangeClass.BLOCKED, (taken,)) if taken else self._compared(role, resource)

    def _compared(self, role: _Role, resource: Resource) -> Change:
        wanted = self._wanted(role)
        # Too long is said before IAM is asked, and before the secrets exist.
        self._text(role, attachable([*wanted.ready, *map(Readable, wanted.waits)]))
        observed = self._observed(role.name)
        if observed is None:
            return self._plan_new(role, resource, wanted)
        if why := wanted.withdrawn(observed):
            return self._plan_withdrawn(role, resource, wanted, why)
        found = differences(observed, wanted.document) if wanted.document else []
        if found:
            gained = readable_arns(wanted.document or {}) - readable_arns(observed)
            lets_read = self._new_readers(role, gained)
            return self._plan_update(role, resource, found, lets_read, outside=not is_as_attached(observed))
        if wanted.waits:
            return Change(resource, *self._waiting(role, wanted, ChangeClass.UPDATE), needs=wanted.needs)
        if role.name not in self._noted:
            return Change(resource, ChangeClass.UPDATE, (Because("is attached, and not noted yet"),))
        return Change(resource, ChangeClass.NONE)

    def _plan_withdrawn(self, role: _Role, resource: Resource, wanted: _WantedPolicy, why: str) -> Change:
        if all(there_soon(self._stack, role.secrets)):
            return Change(resource, ChangeClass.UPDATE, (Waits(why),), needs=wanted.needs)
        left = Because(f"is left as it is: {why}", "unblock that secret")
        return Change(resource, ChangeClass.BLOCKED, (left,))

    def _plan_update(
        self,
        role: _Role,
        resource: Resource,
        found: Sequence[str],
        lets_read: tuple[NewReader, ...],
        *,
        outside: bool,
    ) -> Change:
        if refusal := self._refusal(role):
            return Change(resource, ChangeClass.BLOCKED, (refusal,))
        said = tuple(ChangedOutside(Because(one)) if outside else Because(one) for one in found)
        return Change(resource, ChangeClass.UPDATE, said, drift=outside, lets_read=lets_read)

    def _plan_new(self, role: _Role, resource: Resource, wanted: _WantedPolicy) -> Change:
        if refusal := self._refusal(role):
            lets_read = tuple(NewReader(role.arn, one.name) for one in role.secrets)
            return Change(resource, ChangeClass.BLOCKED, (refusal,), lets_read=lets_read)
        if wanted.document is None:
            return Change(resource, *self._waiting(role, wanted, ChangeClass.CREATE), needs=wanted.needs)
        new = Because("new policy", details=policy_details(None, wanted.document))
        left_out = (Because(f"without: {reason}") for reason in wanted.reasons)
        lets_read = self._new_readers(role, readable_arns(wanted.document))
        return Change(resource, ChangeClass.CREATE, (new, *left_out), lets_read=lets_read)

    def _new_readers(self, role: _Role, arns: AbstractSet[str]) -> tuple[NewReader, ...]:
        return tuple(NewReader(role.arn, one.name) for one in role.secrets if secret_arn(self._stack, one) in arns)

    def _waiting(
        self, role: _Role, wanted: _WantedPolicy, action: ChangeClass
    ) -> tuple[ChangeClass, tuple[Reason, ...]]:
        """What is planned where only secrets are missing: they may be made, restored or taken over in the same run."""
        if any(there_soon(self._stack, role.secrets)):
            return action, (Waits("; ".join(wanted.reasons)),)
        return ChangeClass.BLOCKED, tuple(map(Because, wanted.reasons))

    def _wanted(self, role: _Role) -> _WantedPolicy:
        found = {secret_arn(self._stack, one): readable(self._stack, one) for one in role.secrets}
        ready = tuple(one for one in found.values() if isinstance(one, Readable))
        return _WantedPolicy(ready, {arn: one for arn, one in found.items() if not isinstance(one, Readable)})

    def _text(self, role: _Role, document: PolicyDocument) -> str:
        names = list(dict.fromkeys(one.name for one in role.consumers))
        return inline_text(document, role=role.path_and_name, consumers=names)

    def _observed(self, role: str) -> PolicyDocument | None:
        """The role's policy under our name; None where there is none, or no such role."""
        return self._stack.observed.roles.policy(role, inline_policy_name(self._stack.spec.stack))

    def _refusal(self, role: _Role) -> Reason | None:
        """Why a policy cannot be put on a role; None if it can."""
        if role.path_and_name.startswith(_OF_AWS):
            return NotOurs(f"role {role.path_and_name} belongs to AWS, which lets nobody change it", _ANOTHER)
        found = self._stack.observed.roles.role_now(role.name)
        if found is None:
            make = "make it, for example with Terraform, then apply again"
            return Missing(f"role {role.path_and_name} does not exist", make)
        if any(tag in (SPEC, STACK, *EVENTS_TAG) for tag in found.tags):
            return NotOurs(f"role {role.path_and_name} is one of the pipeline's own, by its tags", _ANOTHER)
        if (actual := found.arn) != role.arn:
            return Because(f"role {role.name} is {actual}, and the stack names {role.arn}", "write the ARN that it has")
        return None

    def _put(self, role: _Role, text: str) -> None:
        name = inline_policy_name(self._stack.spec.stack)
        client = self._stack.account.client("iam")
        try:
            with calling("PutRolePolicy", f"{name} of role {role.name}"):
                client.put_role_policy(RoleName=role.name, PolicyName=name, PolicyDocument=text)
        except AwsError as error:
            if error.code != "LimitExceeded":
                raise
            raise AwsError(
                error.message,
                code=error.code,
                operation=error.operation,
                remedy=f"All inline policies of a role share {INLINE_POLICY_CHARACTERS} characters: turn its others "
                "into managed policies, or let another role read.",
            ) from None

    def _prune(self, role: str) -> str:
        name, client = inline_policy_name(self._stack.spec.stack), self._stack.account.client("iam")
        said = f"{name} deleted"
        with calling("DeleteRolePolicy", f"{name} of role {role}"):
            try:
                client.delete_role_policy(RoleName=role, PolicyName=name)
            except client.exceptions.NoSuchEntityException:
                said = "was gone already"
        self._stack.observed.roles.forget_policy(role, name)
        forget_role(self._stack, role)
        return said


def _roles(stack: Stack) -> list[_Role]:
    """The roles of our own account that get a policy; those of other accounts are handed theirs."""
    reading: dict[str, list[ConsumerSpec]] = {}
    for consumer in stack.spec.consumers:
        # Who reads nothing any more has left: an empty list must not leave the policy as it was.
        for arn in consumer.readers if consumer.attach_policies and consumer.secrets else ():
            if account_of(arn) == stack.account.account_id:
                reading.setdefault(arn, []).append(consumer)
    roles = []
    for arn, consumers in sorted(reading.items()):
        refs = dict.fromkeys(ref for consumer in consumers for ref in consumer.secrets)
        roles.append(_Role(arn, tuple(consumers), tuple(stack.spec.secret(ref) for ref in refs)))
    return roles
