"""Judge whether what runs a consumer may assume its role, for each type of consumer.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html,
https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html
"""

from __future__ import annotations

from dataclasses import replace

from secrets_pipeline.access.snapshot.model import AccountSnapshot, PrincipalSnapshot
from secrets_pipeline.access.trust.attempt import ASSUME, TAG_SESSION
from secrets_pipeline.access.trust.federation import assumed_by_pod, oidc_providers
from secrets_pipeline.access.trust.principals import assumed_by_all, assumed_by_anybody
from secrets_pipeline.access.trust.role import AssumableRole, Surroundings
from secrets_pipeline.access.trust.services import EC2, ECS_TASKS, EKS_PODS, LAMBDA, Service, assumed_by_service
from secrets_pipeline.access.trust.verdict import NotTrusted, Trust, TrustUnknown, some
from secrets_pipeline.access.trust.width import warnings
from secrets_pipeline.desired.consumer.model import ConsumerSpec, PodSpec, PrincipalRole, ReaderType
from secrets_pipeline.errors import PolicyError

_RUN_BY: dict[ReaderType, Service] = {
    ReaderType.EC2: EC2,
    ReaderType.LAMBDA: LAMBDA,
    ReaderType.ECS: ECS_TASKS,
}


def trusted(
    consumer: ConsumerSpec,
    role: PrincipalRole,
    principal: PrincipalSnapshot | None,
    account: AccountSnapshot,
    surroundings: Surroundings | None = None,
) -> Trust:
    """Whether what runs a consumer may assume one of its roles.

    Args:
        consumer: who reads.
        role: which of its principals.
        principal: that role as it was read; None if there is none in the account.
        account: the role's account.
        surroundings: what else has a say; nothing if it is left out.
    """
    arn = consumer.principals[role]
    if account.unread:
        return TrustUnknown(account.unread)
    if principal is None:
        return NotTrusted(f"role {arn} does not exist")
    if principal.trust is None:
        return TrustUnknown(f"the trust policy of {arn} was not read")
    try:
        assumed = AssumableRole(principal.arn, account, principal.trust, surroundings or Surroundings())
    except PolicyError as error:
        return TrustUnknown(str(error))
    return replace(_assumed(consumer, principal, assumed), warnings=warnings(assumed))


def _assumed(consumer: ConsumerSpec, principal: PrincipalSnapshot, role: AssumableRole) -> Trust:
    if consumer.type is ReaderType.APP:
        return assumed_by_all(role, consumer.assumed_by) if consumer.assumed_by else assumed_by_anybody(role)
    if consumer.type is ReaderType.EKS:
        return _pods(role, consumer.pod)
    if consumer.type is ReaderType.EC2 and not principal.instance_profiles:
        return NotTrusted(f"role {principal.arn} is in no instance profile, so no instance can run under it")
    return assumed_by_service(role, _RUN_BY[consumer.type])


def _pods(role: AssumableRole, pod: PodSpec) -> Trust:
    """Pods by EKS Pod Identity or IRSA; where nobody said by which, by those that the trust policy speaks of."""
    ways = {"pod-identity", "irsa"} if pod.identity is None else {pod.identity}
    if pod.identity is None:
        spoken = set()
        if any(one.name.startswith(EKS_PODS.name) for one in role.named(ASSUME, TAG_SESSION)):
            spoken.add("pod-identity")
        if oidc_providers(role):
            spoken.add("irsa")
        ways = spoken or ways
    answers: list[Trust] = []
    if "pod-identity" in ways:
        answers.append(assumed_by_service(role, EKS_PODS, _session_tags(pod)))
    if "irsa" in ways:
        answers.append(assumed_by_pod(role, pod.issuer, pod.service_account))
    return some(answers)


def _session_tags(pod: PodSpec) -> dict[str, tuple[str, ...]]:
    """What EKS tells of a pod: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html."""
    if pod.service_account is None:
        return {}
    namespace, name = pod.service_account.split("/")
    return {
        "aws:requesttag/kubernetes-namespace": (namespace,),
        "aws:requesttag/kubernetes-service-account": (name,),
    }
