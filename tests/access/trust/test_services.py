"""Trust policies of AWS's guides, and each of them broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.access.trust.role import Surroundings
from secrets_pipeline.access.trust.verdict import NotTrusted, Trusted, TrustUnknown
from secrets_pipeline.desired.consumer.model import PodSpec

if TYPE_CHECKING:
    from secrets_pipeline.desired.consumer.model import PrincipalRole
    from tests.access.trust.conftest import Desk


def by_service(name: str, **more: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"Service": name}, "Action": "sts:AssumeRole", **more}


LAMBDA = by_service("lambda.amazonaws.com")
"""Lambda Developer Guide, "Defining Lambda function permissions with an execution role"."""
ECS_EXECUTION = by_service("ecs-tasks.amazonaws.com", Sid="")
"""ECS Developer Guide, "Amazon ECS task execution IAM role"."""
ECS_TASK = by_service(
    "ecs-tasks.amazonaws.com",
    Condition={
        "ArnLike": {"aws:SourceArn": "arn:aws:ecs:eu-west-2:111122223333:*"},
        "StringEquals": {"aws:SourceAccount": "111122223333"},
    },
)
"""ECS Developer Guide, "Amazon ECS task IAM role"."""
EC2 = by_service("ec2.amazonaws.com")
"""EC2 User Guide, "IAM roles for Amazon EC2"."""
PODS = by_service(
    "pods.eks.amazonaws.com",
    Sid="AllowEksAuthToAssumeRoleForPodIdentity",
    Action=["sts:AssumeRole", "sts:TagSession"],
)
"""EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity"."""
PODS_OF_ONE_ACCOUNT = PODS | {
    "Condition": {
        "StringEquals": {
            "aws:RequestTag/kubernetes-namespace": ["payments"],
            "aws:RequestTag/kubernetes-service-account": ["orders"],
        }
    }
}
"""The same page, "Setting Conditions"."""


@pytest.mark.parametrize(
    ("kind", "role", "statement", "by"),
    [
        ("lambda", "role", LAMBDA, "lambda.amazonaws.com"),
        ("ecs", "execution_role", ECS_EXECUTION, "ecs-tasks.amazonaws.com"),
        ("ecs", "task_role", ECS_TASK, "ecs-tasks.amazonaws.com"),
        ("ec2", "role", EC2, "ec2.amazonaws.com"),
    ],
)
def test_a_role_of_awss_guides_is_trusted(
    desk: Desk, kind: str, role: PrincipalRole, statement: dict[str, Any], by: str
) -> None:
    assert desk.ask(kind, statement, role=role) == Trusted((by,), "#1")


@pytest.mark.parametrize(
    ("kind", "role", "by"),
    [
        ("lambda", "role", "lambda"),
        ("ecs", "execution_role", "ecs-tasks"),
        ("ecs", "task_role", "ecs-tasks"),
        ("ec2", "role", "ec2"),
    ],
)
def test_a_role_of_another_service_is_not_trusted(desk: Desk, kind: str, role: PrincipalRole, by: str) -> None:
    found = desk.ask(kind, by_service("codebuild.amazonaws.com"), role=role)
    allowed = f"the trust policy allows sts:AssumeRole to codebuild.amazonaws.com, not to {by}.amazonaws.com"
    assert found == NotTrusted(allowed)


def test_the_ecs_service_is_not_the_one_that_runs_tasks(desk: Desk) -> None:
    assert isinstance(desk.ask("ecs", by_service("ecs.amazonaws.com"), role="task_role"), NotTrusted)


def test_another_action_lets_nobody_in(desk: Desk) -> None:
    found = desk.ask("lambda", LAMBDA | {"Action": "sts:TagSession"})
    assert found == NotTrusted("the trust policy allows sts:AssumeRole to nobody, not to lambda.amazonaws.com")


def test_a_denial_is_named(desk: Desk) -> None:
    deny = {"Sid": "Frozen", "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    found = desk.ask("lambda", LAMBDA, deny)
    reason = "the trust policy denies sts:AssumeRole to lambda.amazonaws.com, statement Frozen"
    assert found == NotTrusted(reason, "Frozen")


def test_an_ec2_role_must_be_in_an_instance_profile(desk: Desk) -> None:
    desk.profiles = ()
    found = desk.ask("ec2", EC2)
    assert isinstance(found, NotTrusted)
    assert "role arn:aws:iam::111122223333:role/orders is in no instance profile" in found.reason
    assert isinstance(desk.ask("lambda", LAMBDA), Trusted)


def test_tasks_of_another_account_are_told_apart(desk: Desk) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": "444455556666"}}
    found = desk.ask("ecs", by_service("ecs-tasks.amazonaws.com", Condition=condition), role="task_role")
    reason = "the trust policy asks for aws:SourceAccount 444455556666, ecs-tasks.amazonaws.com has 111122223333"
    assert found == NotTrusted(reason)


@pytest.mark.parametrize(
    "arn", ["arn:aws:ecs:eu-west-1:111122223333:*", "arn:aws:ecs:eu-west-2:111122223333:cluster/main"]
)
def test_which_task_it_is_is_not_known(desk: Desk, arn: str) -> None:
    condition = {"ArnLike": {"aws:SourceArn": arn}}
    found = desk.ask("ecs", by_service("ecs-tasks.amazonaws.com", Condition=condition), role="task_role")
    assert isinstance(found, TrustUnknown)
    assert "allows depending on aws:SourceArn" in found.reason
    assert found.statement == "#1"


def test_which_organisation_a_task_belongs_to_is_not_known(desk: Desk) -> None:
    condition = {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}
    found = desk.ask("ecs", by_service("ecs-tasks.amazonaws.com", Condition=condition), role="task_role")
    assert isinstance(found, TrustUnknown)


def test_without_a_region_a_pattern_of_one_is_not_known(desk: Desk) -> None:
    desk.surroundings = Surroundings()
    assert isinstance(desk.ask("ecs", ECS_TASK, role="task_role"), TrustUnknown)


@pytest.mark.parametrize(("kind", "service"), [("lambda", "lambda"), ("ec2", "ec2")])
def test_whether_a_service_says_for_whom_it_acts_is_not_known_of_every_service(
    desk: Desk, kind: str, service: str
) -> None:
    def asking(account: str, operator: str = "StringEquals") -> dict[str, Any]:
        condition = {operator: {"aws:SourceAccount": account}}
        return by_service(f"{service}.amazonaws.com", Condition=condition)

    found = desk.ask(kind, asking("111122223333"))
    assert isinstance(found, TrustUnknown)
    assert "depends on aws:SourceAccount or aws:SourceArn, which it may not say" in found.reason
    assert found.statement == "#1"
    if_it_says = desk.ask(kind, asking("444455556666", "StringEqualsIfExists"))
    assert if_it_says == found
    wrong = desk.ask(kind, asking("444455556666"))
    assert isinstance(wrong, NotTrusted)
    assert "asks for aws:SourceAccount 444455556666" in wrong.reason


POD = PodSpec(service_account="payments/orders")


@pytest.mark.parametrize("pod", [PodSpec(), POD, PodSpec(identity="pod-identity", service_account="payments/orders")])
def test_a_pod_identity_role_of_awss_guide_is_trusted(desk: Desk, pod: PodSpec) -> None:
    assert desk.ask("eks", PODS, pod=pod) == Trusted(
        ("pods.eks.amazonaws.com",), "AllowEksAuthToAssumeRoleForPodIdentity"
    )


@pytest.mark.parametrize("missing", ["sts:TagSession", "sts:AssumeRole"])
def test_pod_identity_needs_both_actions(desk: Desk, missing: str) -> None:
    actions = [one for one in PODS["Action"] if one != missing]
    found = desk.ask("eks", PODS | {"Action": actions}, pod=POD)
    assert found == NotTrusted(f"the trust policy allows {missing} to nobody, not to pods.eks.amazonaws.com")


def test_pod_identity_tells_which_service_account_it_is(desk: Desk) -> None:
    assert isinstance(desk.ask("eks", PODS_OF_ONE_ACCOUNT, pod=POD), Trusted)
    other = desk.ask("eks", PODS_OF_ONE_ACCOUNT, pod=PodSpec(service_account="payments/refunds"))
    assert isinstance(other, NotTrusted)
    assert other.reason == (
        "the trust policy asks for aws:RequestTag/kubernetes-service-account orders, pods.eks.amazonaws.com has refunds"
    )
    both = desk.ask("eks", PODS_OF_ONE_ACCOUNT, pod=PodSpec(service_account="x/y"))
    assert isinstance(both, NotTrusted)
    assert "kubernetes-namespace payments, pods.eks.amazonaws.com has x and " in both.reason
    assert "kubernetes-service-account orders, pods.eks.amazonaws.com has y" in both.reason
    assert "aws:sourceaccount" not in both.reason.lower()
    undeclared = desk.ask("eks", PODS_OF_ONE_ACCOUNT)
    assert isinstance(undeclared, TrustUnknown)
    assert "aws:RequestTag/kubernetes-namespace" in undeclared.reason


def test_pod_identity_tells_the_cluster_only_by_a_pattern(desk: Desk) -> None:
    def of(cluster: str) -> dict[str, Any]:
        arn = f"arn:aws:eks:eu-west-2:111122223333:cluster/{cluster}"
        return PODS | {"Condition": {"ArnLike": {"aws:SourceArn": arn}}}

    assert isinstance(desk.ask("eks", of("*")), Trusted)
    assert isinstance(desk.ask("eks", of("main")), TrustUnknown)


def test_a_china_role_may_name_either_principal_of_a_service(desk: Desk) -> None:
    desk.arn = desk.arn.replace("arn:aws:", "arn:aws-cn:")
    assert isinstance(desk.ask("ec2", by_service("ec2.amazonaws.com.cn")), Trusted)
    assert isinstance(desk.ask("ec2", by_service("ec2.amazonaws.com")), Trusted)
    desk.arn = desk.arn.replace("arn:aws-cn:", "arn:aws:")
    assert isinstance(desk.ask("ec2", by_service("ec2.amazonaws.com.cn")), NotTrusted)


def rcp(**element: object) -> Policy:
    whole = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    return Policy("perimeter", {"Version": "2012-10-17", "Statement": [whole, {"Resource": "*", **element}]})


def test_a_resource_control_policy_keeps_a_service_out(desk: Desk) -> None:
    deny = rcp(Sid="NoSts", Effect="Deny", Principal="*", Action="sts:*")
    desk.surroundings = Surroundings(region="eu-west-2", rcps=((deny,),))
    found = desk.ask("lambda", LAMBDA)
    assert isinstance(found, NotTrusted)
    assert "the resource control policy perimeter denies sts:AssumeRole to lambda.amazonaws.com" in found.reason


def test_resource_control_policies_that_nobody_could_read_leave_it_unknown(desk: Desk) -> None:
    desk.surroundings = Surroundings(rcps=UnreadPolicies("Organizations may not be read"))
    found = desk.ask("lambda", LAMBDA)
    assert isinstance(found, TrustUnknown)
    assert "Organizations may not be read" in found.reason
    assert isinstance(desk.ask("lambda", EC2), NotTrusted)
