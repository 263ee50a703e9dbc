"""Ask IAM's policy simulator what a role may do by its own policies (SimulatePrincipalPolicy).

It judges identity policies, permissions boundary and SCPs, under the condition keys that are sent; no RCPs and, for
roles, no policies of resources. Of a resource in another account it misses the policy that opens it.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from secrets_pipeline.access.evaluator import (
    Values,
)
from secrets_pipeline.access.snapshot.calls import at_once
from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import answers
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError

_ALLOWED: Final = "allowed"
_RESOURCES_A_CALL: Final = 50
_TYPES: Final[Mapping[str, str]] = {
    "aws:currenttime": "date",
    "aws:epochtime": "numeric",
    "aws:principalisawsservice": "boolean",
    "aws:securetransport": "boolean",
    "aws:viaawsservice": "boolean",
}
"""Types of condition keys that are no text."""


@dataclass(frozen=True, slots=True)
class OwnRight:
    """Ask what a role's own policies say to one action on one resource.

    Attributes:
        principal: ARN of the role.
        action: for example `kms:Decrypt`.
        resource: ARN of the secret or key.
        context: condition keys in lower case that its policies ask for, with values.
    """

    principal: str
    action: str
    resource: str
    context: tuple[tuple[str, Values], ...] = ()


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the simulator says.

    Attributes:
        decision: `allowed`, `explicitDeny` or `implicitDeny`.
    """

    decision: str

    @property
    def allowed(self) -> bool:
        """Whether it may."""
        return self.decision == _ALLOWED


@dataclass(frozen=True, slots=True)
class NotSaid:
    """AWS could not be asked, or had no answer.

    Attributes:
        reason: why.
    """

    reason: str


Answer: TypeAlias = Simulated | NotSaid
_ELSEWHERE: Final = NotSaid("not asked: the policy simulator misses the policies of a resource in another account")


def simulate(account: AwsAccount, rights: Iterable[OwnRight]) -> Mapping[OwnRight, Answer]:
    """What the simulator says to each; one call for a role, a context, and actions on the same things.

    Args:
        account: whose credentials are used; a right that involves another account is not asked about.
        rights: what is asked.
    """
    said: dict[OwnRight, Answer] = {}
    groups: defaultdict[tuple[object, ...], list[OwnRight]] = defaultdict(list)
    for one in dict.fromkeys(rights):
        if {account_of(one.principal), _owner(one.resource)} <= {account.account_id, ""}:
            groups[one.principal, one.action, one.context].append(one)
        else:
            said[one] = _ELSEWHERE
    together: defaultdict[tuple[object, ...], list[OwnRight]] = defaultdict(list)
    for (principal, _, context), group in groups.items():
        for at in range(0, len(group), _RESOURCES_A_CALL):
            part = group[at : at + _RESOURCES_A_CALL]
            together[principal, context, tuple(one.resource for one in part)] += part
    for found in at_once(partial(_simulated, account), together.values()):
        said.update(found)
    return said


def _owner(resource: str) -> str:
    """The account in an ARN; none in one of S3, of API Gateway, or in `*`."""
    return account_of(resource) if resource.startswith("arn:") else ""


def _simulated(account: AwsAccount, group: list[OwnRight]) -> Mapping[OwnRight, Answer]:
    """The answers to rights of one role and context, each action with the same resources."""
    first, resources = group[0], list(dict.fromkeys(one.resource for one in group))
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": _type_of(key, values)}
        for key, values in first.context
    ]
    found: dict[tuple[str, str], str] = {}
    try:
        with calling("SimulatePrincipalPolicy", f"of {first.principal}"):
            for answer in answers(
                account.client("iam"),
                "simulate_principal_policy",
                PolicySourceArn=first.principal,
                ActionNames=list(dict.fromkeys(one.action for one in group)),
                ResourceArns=resources,
                ContextEntries=entries,
            ):
                found.update(_decisions(answer, resources))
    except AwsError as error:
        return dict.fromkeys(group, NotSaid(error.message))
    silent = NotSaid("SimulatePrincipalPolicy gave no decision for it")
    decisions = {one: found.get((one.action, one.resource)) for one in group}
    return {one: Simulated(decision) if decision else silent for one, decision in decisions.items()}


def _decisions(answer: Mapping[str, Any], asked: Sequence[str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Action, resource, and the decision; of an action that knows no resource, AWS may give one decision alone.

    The result of an action as a whole names a template of ARNs, not a resource.
    """
    for result in answer["EvaluationResults"]:
        each = result.get("ResourceSpecificResults") or ()
        for one in each:
            yield (result["EvalActionName"], one["EvalResourceName"]), one["EvalResourceDecision"]
        if not each and list(asked) == ["*"]:
            yield (result["EvalActionName"], "*"), result["EvalDecision"]


def _type_of(key: str, values: Values) -> str:
    return _TYPES.get(key, "string" if len(values) == 1 else "stringList")
