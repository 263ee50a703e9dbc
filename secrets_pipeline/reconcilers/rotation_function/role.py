"""Make the role of the managed rotation function, by CreateRole and PutRolePolicy.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.access.granting.attached import ROTATION_POLICY, differences, inline_text
from secrets_pipeline.access.granting.identity import PolicyDocument
from secrets_pipeline.access.granting.rotation import rotation_trust
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.observed.roles import RoleState
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.rotation_function.desired import DESCRIPTION, WantedFunction, trust_text
from secrets_pipeline.reconcilers.rotation_function.ownership import adopts_function, foreign_function, function_tags

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class FunctionRole(RoleState):
    """The role of a rotation function.

    Attributes:
        policy: its inline policy under our name; None for none.
    """

    policy: PolicyDocument | None


def role_state(stack: Stack, name: str) -> FunctionRole | None:
    """Read the role of that name by GetRole now; None where there is none."""
    roles = stack.observed.roles
    role = roles.role_now(name)
    if role is None:
        return None
    return FunctionRole(role.arn, role.tags, role.trust, role.boundary, roles.policy_now(name, ROTATION_POLICY))


def role_problem(stack: Stack, state: FunctionRole, wanted: WantedFunction) -> NotOurs | None:
    """Say why a role of that name is not to be touched; None if it is ours, or may be taken over."""
    if state.arn != wanted.role_arn:
        return NotOurs(f"role {wanted.name} is {state.arn}, which the pipeline has not made", "write another name")
    problem = foreign_function(stack, state.arn, state.tags)
    if problem is None or adopts_function(stack, state.arn, state.tags):
        return None
    return NotOurs(f"role {wanted.name} {problem.problem}", problem.remedy)


def role_differences(state: FunctionRole | None, wanted: WantedFunction) -> list[str]:
    """Compare a role with the one that is asked for, for a human."""
    if state is None:
        return ["role is missing"]
    found = []
    if differences(state.trust, rotation_trust()):
        found.append("trust policy of the role differs")
    if state.lacks_boundary(wanted.boundary):
        found.append("permissions boundary of the role differs")
    if wanted.policy is not None and (state.policy is None or differences(state.policy, wanted.policy)):
        found.append("policy of the role differs")
    return found


def deploy_role(stack: Stack, wanted: WantedFunction) -> None:
    """Call CreateRole, or make ours as it is asked for.

    Raises:
        SkippedError: if a role of that name is not ours.
        AwsError: if IAM refuses.
    """
    client = stack.account.client("iam")
    state = role_state(stack, wanted.name)
    tags = function_tags(stack, wanted.role_arn)
    if state is not None and (problem := role_problem(stack, state, wanted)):
        raise SkippedError(str(problem))
    if state is None:
        bounded: Any = {"PermissionsBoundary": wanted.boundary} if wanted.boundary else {}
        with calling("CreateRole", wanted.name):
            answer = client.create_role(
                RoleName=wanted.name,
                AssumeRolePolicyDocument=trust_text(),
                Description=DESCRIPTION,
                Tags=cast("Any", tag_list(tags)),
                **bounded,
            )
        stack.observed.roles.made[wanted.name] = RoleState(
            answer["Role"]["Arn"], tags, rotation_trust(), wanted.boundary
        )
    else:
        if any(state.tags.get(key) != value for key, value in tags.items()):
            with calling("TagRole", wanted.name):
                client.tag_role(RoleName=wanted.name, Tags=cast("Any", tag_list(tags)))
        if differences(state.trust, rotation_trust()):
            with calling("UpdateAssumeRolePolicy", wanted.name):
                client.update_assume_role_policy(RoleName=wanted.name, PolicyDocument=trust_text())
        if wanted.boundary and state.lacks_boundary(wanted.boundary):
            with calling("PutRolePermissionsBoundary", wanted.name):
                client.put_role_permissions_boundary(RoleName=wanted.name, PermissionsBoundary=wanted.boundary)
    policy = wanted.policy
    if policy is not None and (state is None or state.policy is None or differences(state.policy, policy)):
        text = inline_text(policy, role=wanted.name, consumers=["managed rotation"])
        with calling("PutRolePolicy", f"{ROTATION_POLICY} of role {wanted.name}"):
            client.put_role_policy(RoleName=wanted.name, PolicyName=ROTATION_POLICY, PolicyDocument=text)
        stack.observed.roles.learn_policy(wanted.name, ROTATION_POLICY, policy)


def delete_role(stack: Stack, name: str, arn: str) -> str:
    """Delete the role with its policy by DeleteRolePolicy and DeleteRole, if it is ours; what was done, for a human."""
    client = stack.account.client("iam")
    state = role_state(stack, name)
    if state is None:
        return "role was gone already"
    if state.arn != arn or foreign_function(stack, state.arn, state.tags):
        return "role is not ours and stays"
    if state.policy is not None:
        with calling("DeleteRolePolicy", f"{ROTATION_POLICY} of role {name}"):
            client.delete_role_policy(RoleName=name, PolicyName=ROTATION_POLICY)
    with calling("DeleteRole", name):
        client.delete_role(RoleName=name)
    return "role deleted"
