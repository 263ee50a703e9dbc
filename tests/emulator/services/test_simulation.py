"""IAM's policy simulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from tests.emulator.conftest import Clients, Refused

ACCOUNT, OTHER = "666677778888", "777788889999"
READ = "secretsmanager:GetSecretValue"
SECRET = f"arn:aws:secretsmanager:eu-west-2:{ACCOUNT}:secret:shop/dev/db-AbCdEf"
FOREIGN = SECRET.replace(ACCOUNT, OTHER)
REGIONAL = {"StringEquals": {"aws:RequestedRegion": "eu-west-2"}}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - elements of a statement
    return {"Effect": "Allow", "Action": READ, "Resource": "*", **more}


@pytest.fixture
def iam(clients: Clients) -> IAMClient:
    return clients.in_account(ACCOUNT).iam


@pytest.fixture
def role(iam: IAMClient, name: str) -> str:
    """A role without any policy; its ARN."""
    return iam.create_role(RoleName=name.replace("/", "-"), AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]


def simulated(iam: IAMClient, arn: str, *resources: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - parameters
    answer = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=[READ], ResourceArns=list(resources or (SECRET,)), **more
    )
    (found,) = answer["EvaluationResults"]
    return dict(found)


def decisions(found: dict[str, Any]) -> list[str]:
    return [one["EvalResourceDecision"] for one in found["ResourceSpecificResults"]]


@pytest.mark.parametrize(
    ("statements", "decision"),
    [([], "implicitDeny"), ([allow()], "allowed"), ([allow(), allow(Effect="Deny")], "explicitDeny")],
)
def test_a_role_is_judged_by_its_own_policies(
    iam: IAMClient, role: str, statements: list[dict[str, Any]], decision: str
) -> None:
    if statements:
        iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=document(*statements))
    found = simulated(iam, role)
    assert (found["EvalActionName"], found["EvalDecision"], decisions(found)) == (READ, decision, [decision])


def test_each_resource_has_a_decision_and_the_strictest_is_that_of_the_action(iam: IAMClient, role: str) -> None:
    own = document(allow(Resource=SECRET))
    iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=own)
    found = simulated(iam, role, SECRET, f"{SECRET}x")
    assert (found["EvalDecision"], decisions(found)) == ("implicitDeny", ["allowed", "implicitDeny"])
    assert [one["EvalResourceName"] for one in found["ResourceSpecificResults"]] == [SECRET, f"{SECRET}x"]


def test_a_condition_holds_by_what_is_sent_and_what_is_missing_is_named(iam: IAMClient, role: str) -> None:
    own = document(allow(Condition=REGIONAL))
    iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=own)
    missing = simulated(iam, role)
    assert decisions(missing) == ["implicitDeny"]
    assert missing["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:requestedregion"]
    entry = {"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": ["eu-west-2"], "ContextKeyType": "string"}
    sent = simulated(iam, role, ContextEntries=[entry])
    assert decisions(sent) == ["allowed"]
    assert sent["ResourceSpecificResults"][0]["MissingContextValues"] == []


def test_a_resource_of_another_account_is_opened_by_no_policy_of_the_roles(iam: IAMClient, role: str) -> None:
    iam.put_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="own", PolicyDocument=document(allow()))
    assert decisions(simulated(iam, role, FOREIGN)) == ["implicitDeny"]


def test_a_resource_policy_is_judged_for_a_user_alone(iam: IAMClient, role: str, name: str, refused: Refused) -> None:
    user = iam.create_user(UserName=name.replace("/", "-"))["User"]["Arn"]
    policy = document(allow(Principal={"AWS": user}))
    assert decisions(simulated(iam, user)) == ["implicitDeny"]
    assert decisions(simulated(iam, user, ResourcePolicy=policy)) == ["allowed"]
    with refused("InvalidInput"):
        simulated(iam, role, ResourcePolicy=policy)


def test_whoever_does_not_exist_is_not_simulated_and_the_operator_is(
    iam: IAMClient, clients: Clients, role: str, refused: Refused
) -> None:
    for arn in (f"{role}x", role.replace(":role/", ":user/"), role.replace(":role/", ":group/")):
        with refused("NoSuchEntity"):
            simulated(iam, arn)
    operator = clients.sts.get_caller_identity()["Arn"]
    assert decisions(simulated(clients.iam, operator, SECRET.replace(ACCOUNT, operator.split(":")[4]))) == ["allowed"]
