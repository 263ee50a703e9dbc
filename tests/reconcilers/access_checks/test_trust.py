"""May what runs a consumer assume its role, for each type of consumer, and may anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.consumer.model import PodSpec, ReaderType
from secrets_pipeline.reconcilers.access_checks.checks import consumers_are_trusted
from secrets_pipeline.reconcilers.finding import Verdict
from tests.reconcilers.readers import AWAY, BY_LAMBDA, told

if TYPE_CHECKING:
    from secrets_pipeline.desired.consumer.model import ConsumerSpec
    from secrets_pipeline.reconcilers.finding import Finding
    from tests.reconcilers.readers import Readers, Statement

ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
SUBJECT, AUDIENCE = f"{ISSUER}:sub", f"{ISSUER}:aud"
POD = PodSpec(identity="irsa", service_account="shop/orders", issuer=ISSUER)
TOKEN = {SUBJECT: "system:serviceaccount:shop:orders", AUDIENCE: "sts.amazonaws.com"}


def by_service(name: str, *actions: str) -> Statement:
    return {
        "Sid": "Run",
        "Effect": "Allow",
        "Principal": {"Service": name},
        "Action": ["sts:AssumeRole", *actions],
    }


def by_token(readers: Readers, tokens: dict[str, str]) -> Statement:
    """Whoever has a token of the cluster that says this."""
    provider = f"arn:aws:iam::{readers.account_id}:oidc-provider/{ISSUER}"
    return {
        "Sid": "Run",
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": tokens},
    }


def judged(readers: Readers, *consumers: ConsumerSpec) -> list[Finding]:
    """Nobody has to apply a stack for this: roles are there before their secrets."""
    bench = readers.bench
    return consumers_are_trusted(readers.look(bench.spec(bench.declared("a"), consumers=consumers)))


def of_type(readers: Readers, kind: ReaderType, trust: Statement, **more: object) -> list[Finding]:
    arn = readers.role("reader", trust=(trust,))
    return judged(readers, readers.consumer(arn, "a", type=kind, **more))


def in_profile(readers: Readers, name: str = "reader") -> None:
    readers.iam().create_instance_profile(InstanceProfileName=name)
    readers.iam().add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def cluster(readers: Readers) -> None:
    readers.iam().create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])


SERVICES: dict[ReaderType, Statement] = {
    ReaderType.LAMBDA: by_service("lambda.amazonaws.com"),
    ReaderType.EC2: by_service("ec2.amazonaws.com"),
    ReaderType.EKS: by_service("pods.eks.amazonaws.com", "sts:TagSession"),
}


@pytest.mark.parametrize("kind", SERVICES)
def test_a_role_that_the_service_of_its_type_may_assume_is_right(readers: Readers, kind: ReaderType) -> None:
    trust = SERVICES[kind]
    arn = readers.role("reader", trust=(trust,))
    if kind is ReaderType.EC2:
        in_profile(readers)
    (one,) = judged(readers, readers.consumer(arn, "a", type=kind))
    service = trust["Principal"]["Service"]
    assert (one.name, one.verdict) == ("orders", Verdict.RIGHT)
    assert one.detail == f"role reader of {readers.account_id}: {service} may assume it"
    assert one.columns == {"principal": arn, "layer": "trust policy", "statement": "Run", "verdict": "Trusted"}


@pytest.mark.parametrize("kind", [*SERVICES, ReaderType.ECS])
def test_a_role_that_another_service_may_assume_is_wrong_and_both_are_named(readers: Readers, kind: ReaderType) -> None:
    arn = readers.role("reader", trust=(by_service("glue.amazonaws.com"),))
    in_profile(readers)
    role = "task_role" if kind is ReaderType.ECS else "role"
    (one,) = judged(readers, readers.consumer("", "a", type=kind, principals={role: arn}))
    assert (one.verdict, one.columns["verdict"], one.columns["principal"]) == (Verdict.WRONG, "NotTrusted", arn)
    expected = {
        ReaderType.ECS: "ecs-tasks.amazonaws.com",
        **{one: SERVICES[one]["Principal"]["Service"] for one in SERVICES},
    }
    assert "glue.amazonaws.com" in one.detail
    assert expected[kind] in one.detail


def test_an_ec2_role_in_no_instance_profile_is_wrong(readers: Readers) -> None:
    (one,) = of_type(readers, ReaderType.EC2, SERVICES[ReaderType.EC2])
    assert one.verdict is Verdict.WRONG
    assert "is in no instance profile" in one.detail


def test_both_roles_of_a_task_are_judged_whichever_of_them_reads(readers: Readers) -> None:
    tasks = by_service("ecs-tasks.amazonaws.com")
    execution, task = readers.role("exec", trust=(tasks,)), readers.role("task", trust=(BY_LAMBDA,))
    roles = {"execution_role": execution, "task_role": task}
    found = judged(readers, readers.consumer("", "a", type=ReaderType.ECS, principals=roles, delivery="secrets"))
    assert [(one.columns["principal"], one.verdict) for one in found] == [
        (execution, Verdict.RIGHT),
        (task, Verdict.WRONG),
    ]


def test_a_pod_whose_service_account_the_role_names_is_right(readers: Readers) -> None:
    cluster(readers)
    (one,) = of_type(readers, ReaderType.EKS, by_token(readers, TOKEN), pod=POD)
    assert one.verdict is Verdict.RIGHT
    assert one.detail.endswith(f"service account shop/orders of {ISSUER} may assume it")


@pytest.mark.parametrize(
    ("key", "value"), [(SUBJECT, "system:serviceaccount:shop:reports"), (AUDIENCE, "https://elsewhere.example")]
)
def test_a_pod_with_another_token_is_wrong_and_the_condition_named(readers: Readers, key: str, value: str) -> None:
    cluster(readers)
    found = of_type(readers, ReaderType.EKS, by_token(readers, {**TOKEN, key: value}), pod=POD)
    assert (found[0].verdict, found[0].columns["verdict"]) == (Verdict.WRONG, "NotTrusted")
    assert f"asks for {key} {value}" in found[0].detail


def test_a_pod_of_a_cluster_whose_provider_does_not_exist_is_wrong(readers: Readers) -> None:
    (one,) = of_type(readers, ReaderType.EKS, by_token(readers, TOKEN), pod=POD)
    assert one.verdict is Verdict.WRONG
    assert one.detail.endswith(f"oidc-provider/{ISSUER} does not exist")


def test_a_subject_that_is_not_pinned_is_wrong_beside_the_consumer_that_is_right(readers: Readers) -> None:
    cluster(readers)
    right, wide = of_type(readers, ReaderType.EKS, by_token(readers, {AUDIENCE: TOKEN[AUDIENCE]}), pod=POD)
    assert (right.verdict, wide.verdict) == (Verdict.RIGHT, Verdict.WRONG)
    assert (wide.columns["verdict"], wide.columns["statement"]) == ("TooWide", "Run")
    assert f"does not pin {SUBJECT}" in wide.detail


def test_an_audience_that_is_not_pinned_is_a_warning(readers: Readers) -> None:
    cluster(readers)
    right, warned = of_type(readers, ReaderType.EKS, by_token(readers, {SUBJECT: TOKEN[SUBJECT]}), pod=POD)
    assert (right.verdict, warned.verdict) == (Verdict.RIGHT, Verdict.WAITING)
    assert (warned.columns["verdict"], warned.columns["statement"]) == ("AudienceNotPinned", "Run")


def test_an_application_is_right_if_all_that_it_declares_may_assume_its_role(readers: Readers) -> None:
    one, other = readers.role("one"), readers.role("other")
    trust = {"Sid": "Run", "Effect": "Allow", "Principal": {"AWS": one}, "Action": "sts:AssumeRole"}
    arn = readers.role("reader", trust=(trust,))
    (right,) = judged(readers, readers.consumer(arn, "a", type=ReaderType.APP, assumed_by=(one,)))
    assert right.verdict is Verdict.RIGHT
    assert right.detail.endswith(f": {one} may assume it")
    (wrong,) = judged(readers, readers.consumer(arn, "a", type=ReaderType.APP, assumed_by=(one, other)))
    assert wrong.verdict is Verdict.WRONG
    assert f"not to {other}" in wrong.detail


def test_a_role_that_every_account_may_assume_is_too_wide_for_any_type(readers: Readers) -> None:
    everybody = {"Sid": "All", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = readers.role("reader", trust=(BY_LAMBDA, everybody))
    right, wide = judged(readers, readers.consumer(arn, "a"))
    assert (right.verdict, wide.verdict) == (Verdict.RIGHT, Verdict.WRONG)
    assert (wide.columns["verdict"], wide.columns["statement"]) == ("TooWide", "All")
    assert "lets in every AWS account" in wide.detail


def test_a_role_that_does_not_exist_is_wrong(readers: Readers) -> None:
    (one,) = judged(readers, readers.consumer(f"arn:aws:iam::{readers.account_id}:role/ghost", "a"))
    assert one.verdict is Verdict.WRONG
    assert one.detail.endswith("role/ghost does not exist")


def test_roles_of_another_account_are_judged_where_it_is_visible_and_wait_where_not(readers: Readers) -> None:
    bench, arn = readers.bench, readers.role("reports", account_id=AWAY)
    spec = bench.spec(bench.declared("a"), consumers=(readers.consumer(arn, "a", name="reports"),))
    (waits,) = consumers_are_trusted(readers.look(spec))
    assert (waits.verdict, waits.columns["verdict"]) == (Verdict.WAITING, "TrustUnknown")
    assert "no role is named under access.accounts" in waits.detail
    seen = consumers_are_trusted(
        readers.look(spec, accounts=(readers.administrator(AWAY),), organization_policies="allow")
    )
    assert told(seen) == [("reports", "right")]


@pytest.mark.parametrize(
    ("service", "operation"), [("iam", "GetAccountAuthorizationDetails"), ("organizations", "DescribeOrganization")]
)
def test_what_cannot_be_read_waits(readers: Readers, service: str, operation: str) -> None:
    arn = readers.role("reader")
    readers.refuse(service, operation)
    (one,) = judged(readers, readers.consumer(arn, "a"))
    assert (one.verdict, one.columns["verdict"]) == (Verdict.WAITING, "TrustUnknown")
    assert operation in one.detail
    assert told(judged(readers, readers.consumer(arn, "a"))) == [("orders", "right")]
