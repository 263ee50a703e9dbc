"""Who may assume a role, and what a session keeps."""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.enforcement.ground import (
    OTHER,
    OWN,
    READ,
    Actors,
    allow,
    assume,
    deny,
    document,
    of,
    refusal,
    value,
)

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleWithWebIdentityResponseTypeDef

    from tests.emulator.conftest import Clients

_numbers = itertools.count()
OPERATOR = f"User: arn:aws:iam::{OWN}:user/local-operator is not authorized to perform: "
ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLE"
SUBJECT = "system:serviceaccount:shop:reader"


@pytest.fixture
def actors(clients: Clients) -> Actors:
    return Actors(clients, clients, OWN)


@pytest.fixture
def abroad(clients: Clients) -> Actors:
    return Actors(clients, clients.in_account(OTHER), OTHER)


@pytest.fixture
def role() -> str:
    return f"assumed-{next(_numbers)}"


def trust(*actions: str, **principal: object) -> str:
    return document({"Effect": "Allow", "Action": list(actions or ("sts:AssumeRole",)), **principal})


def test_a_role_that_does_not_exist_is_not_assumed(clients: Clients) -> None:
    for account in (OWN, OTHER):
        arn = f"arn:aws:iam::{account}:role/nobody"
        expected = ("AccessDenied", f"{OPERATOR}sts:AssumeRole on resource: {arn}")
        assert refusal(lambda arn=arn: assume(clients, arn)) == expected  # type: ignore[misc] # bound early


def test_a_trust_policy_decides_who_gets_in(actors: Actors, role: str) -> None:
    arn = actors.role(role, trust=trust(Principal={"Service": "lambda.amazonaws.com"}))
    because = "because no role trust policy allows the sts:AssumeRole action"
    expected = ("AccessDenied", f"{OPERATOR}sts:AssumeRole on resource: {arn} {because}")
    assert refusal(lambda: actors.session(role)) == expected
    closed = document(
        {"Effect": "Allow", **of(OWN), "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
    )
    actors.clients.iam.update_assume_role_policy(RoleName=role, PolicyDocument=closed)
    assert refusal(lambda: actors.session(role))[1].endswith("with an explicit deny in the role trust policy")
    actors.clients.iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(**of(OWN)))
    assert actors.session(role).sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{OWN}:assumed-role/{role}/test"


def test_a_refusal_of_sts_has_status_403(clients: Clients) -> None:
    with pytest.raises(clients.sts.exceptions.ClientError) as failure:
        assume(clients, f"arn:aws:iam::{OWN}:role/nobody")
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_trusted_account_delegates_to_its_own_policies(actors: Actors, abroad: Actors, role: str) -> None:
    arn = abroad.role(role, trust=trust(**of(OWN)))
    actors.role(role)
    caller = actors.session(role)
    user = f"User: arn:aws:sts::{OWN}:assumed-role/{role}/test is not authorized to perform: sts:AssumeRole"
    because = "because no identity-based policy allows the sts:AssumeRole action"
    assert refusal(lambda: assume(caller, arn)) == ("AccessDenied", f"{user} on resource: {arn} {because}")
    actors.allow(role, allow("sts:AssumeRole", resource=arn))
    assert assume(caller, arn).sts.get_caller_identity()["Account"] == OTHER


def test_a_trust_policy_that_names_the_role_of_its_own_account_is_enough(actors: Actors, role: str) -> None:
    caller = actors.role(role)
    arn = actors.role(f"{role}-target", trust=trust(**of(caller)))
    assert assume(actors.session(role), arn).sts.get_caller_identity()["Arn"].endswith(f"{role}-target/test")


def test_an_external_id_is_asked_for(actors: Actors, role: str) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "one"}}
    actors.role(role, trust=trust(**of(OWN), Condition=condition))
    assert refusal(lambda: actors.session(role))[0] == "AccessDenied"
    assert refusal(lambda: actors.session(role, ExternalId="two"))[0] == "AccessDenied"
    assert actors.session(role, ExternalId="one")


def test_tags_and_source_identity_need_leave_and_travel_along_the_chain(
    actors: Actors, clients: Clients, role: str, name: str
) -> None:
    actors.role(role, allow("sts:*"), trust=trust(**of(OWN)))
    tags: Any = [{"Key": "team", "Value": "blue"}, {"Key": "own", "Value": "x"}]
    assert "sts:TagSession" in refusal(lambda: actors.session(role, Tags=tags))[1]
    assert "sts:SetSourceIdentity" in refusal(lambda: actors.session(role, SourceIdentity="jane"))[1]
    everything = trust("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", **of(OWN))
    actors.clients.iam.update_assume_role_policy(RoleName=role, PolicyDocument=everything)
    first = actors.session(role, Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="jane")
    secret = clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    for key, expected, reads in (
        ("aws:PrincipalTag/team", "blue", True),
        ("aws:PrincipalTag/own", "x", False),
        ("aws:SourceIdentity", "jane", True),
    ):
        target = f"{role}-{key.rsplit('/', 1)[-1].replace(':', '-')}"
        arn = actors.role(target, allow(READ, Condition={"StringEquals": {key: expected}}), trust=everything)
        second = assume(first, arn)
        assert (refusal(lambda second=second: value(second, secret))[0] == "") is reads  # type: ignore[misc] # bound early


def test_a_deleted_role_leaves_sessions_that_may_nothing(
    actors: Actors, clients: Clients, role: str, name: str
) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x")
    actors.role(role, allow("*"))
    reader = actors.session(role)
    assert value(reader, name) == "x"
    actors.clients.iam.delete_role_policy(RoleName=role, PolicyName="inline")
    actors.clients.iam.delete_role(RoleName=role)
    assert refusal(lambda: value(reader, name))[0] == "AccessDeniedException"


def test_iam_and_its_like_are_refused_where_no_policy_speaks_of_them(actors: Actors, role: str) -> None:
    actors.role(role, allow("iam:GetRole", resource=f"arn:aws:iam::{OWN}:role/{role}"), allow("ssm:Get*"))
    caller = actors.session(role)
    assert caller.iam.get_role(RoleName=role)["Role"]["RoleName"] == role
    user = f"User: arn:aws:sts::{OWN}:assumed-role/{role}/test is not authorized to perform: "
    because = "because no identity-based policy allows the iam:ListRoles action"
    assert refusal(caller.iam.list_roles) == ("AccessDenied", f"{user}iam:ListRoles {because}")
    assert refusal(lambda: caller.ssm.get_parameter(Name="/missing"))[0] == "ParameterNotFound"
    put = refusal(lambda: caller.ssm.put_parameter(Name="/p", Value="v", Type="String"))
    assert put[0] == "AccessDeniedException"
    assert refusal(caller.rds.describe_db_instances)[0] == "AccessDenied"
    assert refusal(caller.ecs.list_clusters)[0] == "AccessDeniedException"
    actors.allow(role, allow("iam:*"), deny("iam:ListRoles"))
    assert "explicit deny in an identity-based policy" in refusal(caller.iam.list_roles)[1]
    assert caller.sts.get_caller_identity()["Account"] == OWN


def token(**claims: object) -> str:
    """A JSON Web Token with a signature that nobody looks at: so whoever brings it signs the request itself."""
    said = {"iss": f"https://{ISSUER}", "sub": SUBJECT, "aud": "sts.amazonaws.com", "exp": time.time() + 600, **claims}
    parts = ({"alg": "RS256"}, said, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@pytest.fixture
def pod(clients: Clients) -> STSClient:
    client = clients.session.client("sts", endpoint_url=clients.endpoint_url)
    client.meta.events.register_first("choose-signer.sts.AssumeRoleWithWebIdentity", signature)
    return client


def signature(**_: object) -> Any:  # noqa: ANN401 - botocore's handlers of this event return a version
    return "v4"


def test_a_pod_exchanges_its_token_where_provider_and_conditions_say_so(
    actors: Actors, pod: STSClient, role: str
) -> None:
    provider = f"arn:aws:iam::{OWN}:oidc-provider/{ISSUER}"
    condition = {"StringEquals": {f"{ISSUER}:sub": SUBJECT, f"{ISSUER}:aud": "sts.amazonaws.com"}}
    trusted = trust("sts:AssumeRoleWithWebIdentity", Principal={"Federated": provider}, Condition=condition)
    arn = actors.role(role, trust=trusted)

    def exchange(web_identity_token: str) -> AssumeRoleWithWebIdentityResponseTypeDef:
        return pod.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName="pod", WebIdentityToken=web_identity_token
        )

    code, message = refusal(lambda: exchange(token()))
    assert (code, message) == (
        "InvalidIdentityToken",
        f"No OpenIDConnect provider found in your account for https://{ISSUER}",
    )
    actors.clients.iam.create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )
    assert exchange(token())["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OWN}:assumed-role/{role}/pod"
    denied = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    assert refusal(lambda: exchange(token(sub="system:serviceaccount:shop:other"))) == denied
    assert refusal(lambda: exchange(token(aud="other")))[0] == "InvalidIdentityToken"
    assert refusal(lambda: exchange(token(exp=1)))[0] == "ExpiredTokenException"
    assert refusal(lambda: exchange("no token"))[0] == "InvalidIdentityToken"
