"""The policy simulator of IAM: a principal's own policies, its boundary and SCPs, and the context that is sent.

RCPs are not simulated, and a policy of the resource for users only.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.exceptions import NotFoundException

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    LayerOutcome,
    Policy,
    Request,
    TargetResource,
    UnreadPolicies,
    authorize,
)
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.enforcement.callers import of_principal
from secrets_pipeline.emulator.enforcement.documents import policy


class InvalidInput(ServiceException):
    """A parameter that the simulator refuses."""

    code = "InvalidInput"


@dataclass(frozen=True, slots=True)
class Simulation:
    """One call.

    Attributes:
        source: ARN of a role or user.
        actions: for example `secretsmanager:GetSecretValue`.
        resources: ARNs.
        context: key in lower case → values.
        resource_policy: JSON; None for none.
    """

    source: str
    actions: Sequence[str]
    resources: Sequence[str]
    context: Mapping[str, tuple[str, ...]]
    resource_policy: str | None = None

    def results(self, region: str) -> list[dict[str, Any]]:
        """EvaluationResults: one an action, with the decision for each resource.

        Raises:
            NotFoundException: NoSuchEntity.
            InvalidInput: a resource policy for a role.
        """
        client = of_principal(self.source, region)
        if client is None:
            raise NotFoundException(f"Entity {self.source} does not exist.")
        if self.resource_policy is not None and ":role/" in self.source:
            raise InvalidInput("Simulation of resource-based policies isn't supported for IAM roles.")
        caller = replace(client.caller, session=None, context=Context(self.context))
        return [self._of_action(caller, action) for action in self.actions]

    def _of_action(self, caller: Caller, action: str) -> dict[str, Any]:
        each = [self._of_resource(caller, action, resource) for resource in self.resources]
        order = ("explicitDeny", "implicitDeny", "allowed")
        strictest = min((one["EvalResourceDecision"] for one in each), key=order.index)
        missing = sorted({key for one in each for key in one["MissingContextValues"]})
        return {
            "EvalActionName": action,
            "EvalResourceName": "*",
            "EvalDecision": strictest,
            "MatchedStatements": [],
            "MissingContextValues": missing,
            "ResourceSpecificResults": each,
            **self._organizations(caller, action),
        }

    def _of_resource(self, caller: Caller, action: str, resource: str) -> dict[str, Any]:
        decision = self._decided(caller, action, resource)
        return {
            "EvalResourceName": resource,
            "EvalResourceDecision": _word(decision),
            "MatchedStatements": [],
            "MissingContextValues": sorted(set(_asked(caller, action)) - self.context.keys()),
        }

    def _decided(self, caller: Caller, action: str, resource: str) -> Decision:
        arn = Arn.match(resource)
        owner = (arn.account_id if arn else "") or caller.account_id
        target = TargetResource(resource, owner, Layer.SECRET_POLICY, policy("resource policy", self.resource_policy))
        return authorize(Request(action), caller, target)

    def _organizations(self, caller: Caller, action: str) -> dict[str, Any]:
        if not caller.scps:
            return {}
        votes = self._decided(caller, action, self.resources[0]).votes
        allowed = any((one.layer, one.outcome) == (Layer.SCP, LayerOutcome.ALLOWS) for one in votes)
        return {"OrganizationsDecisionDetail": {"AllowedByOrganizations": allowed}}


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.decided_by.outcome is LayerOutcome.DENIES else "implicitDeny"


def _asked(caller: Caller, action: str) -> Iterator[str]:
    """Keys in lower case that a principal's own policies ask for; those of SCPs are not told."""
    identity: Iterable[Policy] = () if isinstance(caller.identity, UnreadPolicies) else caller.identity
    for one in identity:
        for statement in one.about(action):
            yield from (key.lower() for key in statement.keys)


def simulated(parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The answer to SimulatePrincipalPolicy."""
    entries = parameters.get("ContextEntries") or ()
    found = Simulation(
        str(parameters["PolicySourceArn"]),
        tuple(parameters["ActionNames"]),
        tuple(parameters.get("ResourceArns") or ("*",)),
        {str(one["ContextKeyName"]).lower(): tuple(one.get("ContextKeyValues") or ()) for one in entries},
        parameters.get("ResourcePolicy"),
    )
    return {"EvaluationResults": found.results(region), "IsTruncated": False}
