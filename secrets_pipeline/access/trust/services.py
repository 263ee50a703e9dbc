"""Describe what AWS services tell STS when they assume a role for what they run, as far as AWS says so.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html,
https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html,
https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.access.evaluator import Caller, PrincipalKind
from secrets_pipeline.access.trust.attempt import (
    ANYTHING,
    ASSUME,
    SET_SOURCE_IDENTITY,
    TAG_SESSION,
    Attempt,
    answer,
    request,
)
from secrets_pipeline.access.trust.role import AssumableRole
from secrets_pipeline.access.trust.verdict import Trust, Trusted, TrustUnknown, some

_SOURCE_ACCOUNT, _SOURCE_ARN = "aws:sourceaccount", "aws:sourcearn"
_SOURCE_ORGANIZATION = ("aws:sourceorgid", "aws:sourceorgpaths")
_CHINA = "aws-cn"


@dataclass(frozen=True, slots=True)
class Service:
    """A service principal.

    Attributes:
        name: for example `ecs-tasks.amazonaws.com`.
        actions: what it calls on STS, all of them.
        source: the ARN of what it runs, as `aws:SourceArn` has it, from service to resource; empty if unknown.
        tells_source: whether it is known to say `aws:SourceAccount` and `aws:SourceArn`.
    """

    name: str
    actions: tuple[str, ...] = (ASSUME,)
    source: str = ""
    tells_source: bool = False


EC2: Final = Service("ec2.amazonaws.com", source="ec2:{region}:{account}:instance/{anything}")
LAMBDA: Final = Service("lambda.amazonaws.com", source="lambda:{region}:{account}:function:{anything}")
ECS_TASKS: Final = Service("ecs-tasks.amazonaws.com", source="ecs:{region}:{account}:{anything}", tells_source=True)
EKS_PODS: Final = Service(
    "pods.eks.amazonaws.com",
    (ASSUME, TAG_SESSION),
    source="eks:{region}:{account}:cluster/{anything}",
    tells_source=True,
)
_ROLES_ANYWHERE: Final = Service("rolesanywhere.amazonaws.com", (ASSUME, TAG_SESSION, SET_SOURCE_IDENTITY))
_KNOWN = {one.name: one for one in (EC2, LAMBDA, ECS_TASKS, EKS_PODS, _ROLES_ANYWHERE)}


def service(name: str) -> Service:
    """A service by its principal's name; of one that is not listed here nothing else is known."""
    return _KNOWN.get(name, Service(name))


def assumed_by_service(role: AssumableRole, who: Service, tags: Mapping[str, tuple[str, ...]] | None = None) -> Trust:
    """Whether a service may assume a role for something that runs in the role's account.

    A role can only be passed inside its account, so `aws:SourceAccount`, where it is said, is that account.

    Args:
        role: the role.
        who: the service.
        tags: known condition keys beyond those, for example `aws:requesttag/kubernetes-namespace`.
    """
    names = [who.name]
    if role.partition == _CHINA and not who.name.endswith(".cn"):
        names.append(f"{who.name}.cn")
    answers = [_assumed_as(role, who, name, dict(tags or {})) for name in names]
    return some(answers) if any(isinstance(one, Trusted) for one in answers) else answers[0]


def _assumed_as(role: AssumableRole, who: Service, name: str, tags: dict[str, tuple[str, ...]]) -> Trust:
    caller = Caller(name, "", PrincipalKind.SERVICE)
    unknown = {_SOURCE_ARN, *_SOURCE_ORGANIZATION}
    silent = Attempt(name, caller, who.actions, request(tags, unknown=_SOURCE_ORGANIZATION))
    telling = Attempt(
        name, caller, who.actions, request({**tags, _SOURCE_ACCOUNT: (role.account_id,)}, unknown=unknown)
    )
    told = _with_source(role, who, telling)
    if who.tells_source:
        return told
    untold = answer(role, silent)
    if type(told) is type(untold):
        return told
    return TrustUnknown(
        f"whether {name} may call {who.actions[0]} depends on aws:SourceAccount or aws:SourceArn, which it may not say",
        told.statement or untold.statement,
    )


def _with_source(role: AssumableRole, who: Service, telling: Attempt) -> Trust:
    """The answer whatever the ARN of what runs; where that matters, a pattern may still let in all of the account's."""
    told = answer(role, telling)
    if not (isinstance(told, TrustUnknown) and who.source and role.region):
        return told
    source = who.source.format(region=role.region, account=role.account_id, anything=ANYTHING)
    with_any = answer(role, telling.knowing({_SOURCE_ARN: (f"arn:{role.partition}:{source}",)}))
    return with_any if isinstance(with_any, Trusted) else told
