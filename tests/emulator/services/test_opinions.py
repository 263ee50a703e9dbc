"""AWS's own judges: the policy simulator and Access Analyzer, and the answers that a test sets for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, Opinions, reset_conditions, set_opinions
from secrets_pipeline.emulator.control.opinions import OPINIONS_PATH
from secrets_pipeline.emulator.handle.endpoint import ask
from secrets_pipeline.errors import LocalError

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
def analyzer(clients: Clients) -> Any:  # noqa: ANN401 - there are no stubs of it here
    make: Any = clients.session.client
    return make("accessanalyzer", endpoint_url=clients.endpoint_url)


@pytest.fixture
def role(iam: IAMClient, name: str) -> str:
    """A role without any policy; its ARN."""
    return iam.create_role(RoleName=name.replace("/", "-"), AssumeRolePolicyDocument=document(TRUST))["Role"]["Arn"]


@pytest.fixture
def opinions(aws: LocalAws) -> Iterator[LocalAws]:
    yield aws
    reset_conditions(aws)


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


def test_a_set_decision_is_said_until_the_conditions_end(iam: IAMClient, role: str, opinions: LocalAws) -> None:
    set_opinions(opinions, Opinions(simulated={role: "allowed"}))
    assert decisions(simulated(iam, role)) == ["allowed"]
    reset_conditions(opinions)
    assert decisions(simulated(iam, role)) == ["implicitDeny"]


KINDS = {"AWS::SecretsManager::Secret": READ, "AWS::KMS::Key": "kms:Decrypt"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_public_where_a_statement_lets_in_a_stranger(analyzer: Any, kind: str) -> None:  # noqa: ANN401 - a client
    wide = allow(Action=KINDS[kind], Sid="Wide", Principal="*")
    named = {**wide, "Principal": {"AWS": ACCOUNT}, "Sid": "Named"}
    organization = {**wide, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}
    for statements, result in (([wide], "FAIL"), ([named], "PASS"), ([organization], "PASS"), ([named, wide], "FAIL")):
        found = analyzer.check_no_public_access(policyDocument=document(*statements), resourceType=kind)
        assert found["result"] == result
        expected = [("Wide", len(statements) - 1)] if result == "FAIL" else []
        assert [(one["statementId"], one["statementIndex"]) for one in found["reasons"]] == expected


def test_what_is_no_policy_and_no_such_type_is_refused(analyzer: Any, refused: Refused) -> None:  # noqa: ANN401 - a client
    for text, kind in (
        (document(allow(Principal="*")), "AWS::SQS::Queue"),
        ("[]", "AWS::KMS::Key"),
        ("{", "AWS::KMS::Key"),
    ):
        with refused("InvalidParameterException"):
            analyzer.check_no_public_access(policyDocument=text, resourceType=kind)


FINDINGS = {
    "nothing": (document(allow(Principal={"AWS": ACCOUNT})), []),
    "no JSON": ("{", [("ERROR", "INVALID_POLICY_ELEMENT")]),
    "no version": (json.dumps({"Statement": allow(Principal={"AWS": ACCOUNT})}), [("WARNING", "MISSING_VERSION")]),
    "no principal": (document(allow()), [("ERROR", "MISSING_PRINCIPAL")]),
    "all but one": (document(allow(NotPrincipal={"AWS": ACCOUNT})), [("SECURITY_WARNING", "ALLOW_WITH_NOT_PRINCIPAL")]),
}


@pytest.mark.parametrize("what", FINDINGS)
def test_validate_policy_finds(analyzer: Any, what: str) -> None:  # noqa: ANN401 - a client
    text, expected = FINDINGS[what]
    found = analyzer.validate_policy(policyDocument=text, policyType="RESOURCE_POLICY")["findings"]
    assert [(one["findingType"], one["issueCode"]) for one in found] == expected


def test_set_answers_about_policies_are_given(analyzer: Any, opinions: LocalAws) -> None:  # noqa: ANN401 - a client
    finding = {"findingType": "SUGGESTION", "issueCode": "SOME_ISSUE", "findingDetails": "Mend it."}
    set_opinions(opinions, Opinions(public={"Wide": "PASS", "Named": "FAIL"}, found={"Named": finding}))
    wide, named = (
        document(allow(Sid=sid, Principal=whom)) for sid, whom in (("Wide", "*"), ("Named", {"AWS": ACCOUNT}))
    )
    kind = "AWS::SecretsManager::Secret"
    results = [
        analyzer.check_no_public_access(policyDocument=one, resourceType=kind)["result"] for one in (wide, named)
    ]
    assert results == ["PASS", "FAIL"]
    (found,) = analyzer.validate_policy(policyDocument=named, policyType="RESOURCE_POLICY")["findings"]
    assert {name: found[name] for name in finding} == finding


@pytest.mark.parametrize("wrong", [{"simulated": {"a": "maybe"}}, {"public": {"a": "maybe"}}])
def test_an_answer_that_aws_does_not_have_is_refused_on_both_sides(
    aws: LocalAws, wrong: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(ValueError, match="maybe"):
        Opinions(**wrong)  # type: ignore[arg-type] # on purpose
    with pytest.raises(LocalError):
        ask(aws, "PUT", OPINIONS_PATH, wrong)
    assert Opinions(**ask(aws, "GET", OPINIONS_PATH)) == Opinions()
