"""Examples of the IAM and Organizations user guides: layers, principals, accounts."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Layer
from tests.access.evaluator.examples import (
    ALLOW_ALL,
    Document,
    Example,
    check,
    document,
    federated_user,
    parameters,
    provider,
    role,
    root,
    service,
    statement,
    user,
)

LOGIC = "IAM User Guide, Policy evaluation logic"
CROSS = "IAM User Guide, Cross-account policy evaluation logic"
BOUNDARIES = "IAM User Guide, Permissions boundaries for IAM entities"
PRINCIPAL = "IAM User Guide, AWS JSON policy elements: Principal"
NOT_PRINCIPAL = "IAM User Guide, AWS JSON policy elements: NotPrincipal"
SCP = "AWS Organizations User Guide, SCP evaluation"
RCP = "AWS Organizations User Guide, RCP evaluation"

READ, SECRET = "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-west-2:111122223333:secret:MySecret-a1b2c3"
NOTHING = document(statement("Allow", "s3:ListAllMyBuckets"))
ANY_READ = document(statement("Allow", READ))

CARLOS = document(
    statement("Allow", ["s3:GetBucketLocation", "s3:ListAllMyBuckets"], "arn:aws:s3:::*", Sid="AllowS3ListRead"),
    statement("Allow", "s3:*", ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"], Sid="AllowS3Self"),
    statement("Deny", "s3:*", "arn:aws:s3:::*log*", Sid="DenyS3Logs"),
)
CARLOS_BUCKET = document(
    statement("Allow", "s3:*", ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"],
              Principal={"AWS": "arn:aws:iam::123456789012:user/carlossalazar"}),
)  # fmt: skip
CARLOS_ABROAD = document(
    statement("Allow", "s3:ListAllMyBuckets", Sid="AllowS3ListRead"),
    statement("Allow", "s3:*Object*", "arn:aws:s3:::Production/*", Sid="AllowS3ProductionObjectActions"),
    statement("Deny", "s3:*", ["arn:aws:s3:::*log*", "arn:aws:s3:::*log*/*"], Sid="DenyS3Logs"),
)
PRODUCTION_BUCKET = document(
    statement("Allow", ["s3:GetObject*", "s3:PutObject*", "s3:ReplicateObject", "s3:RestoreObject"],
              "arn:aws:s3:::Production/*", Principal={"AWS": "arn:aws:iam::111111111111:user/carlossalazar"}),
)  # fmt: skip
SHIRLEY_BOUNDARY = document(statement("Allow", ["s3:*", "cloudwatch:*", "ec2:*"]))

ASSUME_WITH_TOKEN = "sts:AssumeRoleWithWebIdentity"
OF_GOOGLE = document(
    {"Effect": "Allow", "Action": ASSUME_WITH_TOKEN, "Principal": {"Federated": "accounts.google.com"}}
)


def named(arn: str | list[str], condition: Document | None = None) -> Document:
    """A secret's policy that lets one principal read."""
    return document(statement("Allow", READ, Principal={"AWS": arn}, Condition=condition or {}))


def excepted(*arns: str) -> Document:
    """A secret's policy that lets everybody read, and denies all but a few."""
    return document(
        statement("Allow", READ, Principal={"AWS": "*"}),
        statement("Deny", "secretsmanager:*", NotPrincipal={"AWS": list(arns)}),
    )


BOB, BOBS_ACCOUNT = "arn:aws:iam::444455556666:user/Bob", "arn:aws:iam::444455556666:root"
AUDIT_ROLE = "arn:aws:iam::444455556666:role/cross-account-read-only-role"
AUDIT_APP = "arn:aws:sts::444455556666:assumed-role/cross-account-read-only-role/cross-account-audit-app"
THE_ROLE = "arn:aws:iam::111122223333:role/examplerole"
THE_SESSION = "arn:aws:sts::111122223333:assumed-role/examplerole/examplerolesessionname"
THE_USER = "arn:aws:iam::111122223333:user/exampleuser"
THE_TOKEN = "arn:aws:sts::111122223333:federated-user/exampleuser"


def carlos(says: str, bucket: str, allowed: bool, by: Layer, policy: Document | None) -> Example:
    caller = user("carlossalazar", CARLOS, account="123456789012")
    return Example(LOGIC, says, caller, "s3:PutObject", bucket, allowed, by, owner="123456789012", policy=policy)


def carlos_abroad(says: str, bucket: str, allowed: bool, by: Layer, policy: Document | None) -> Example:
    caller = user("carlossalazar", CARLOS_ABROAD, account="111111111111")
    return Example(CROSS, says, caller, "s3:PutObject", bucket, allowed, by, owner="222222222222", policy=policy)


def limited(says: str, arn: str, allowed: bool, by: Layer, **limits: Document) -> Example:
    """A role that may nothing by itself, named by a secret's policy, under limits that do not allow."""
    given: dict[str, Any] = {"session": "examplerolesessionname", **limits}
    caller = role("examplerole", **given)
    return Example(LOGIC, says, caller, READ, SECRET, allowed, by, policy=named(arn))


def shirley(says: str, action: str, allowed: bool, by: Layer, identity: Document) -> Example:
    caller = user("ShirleyRodriguez", identity, boundary=SHIRLEY_BOUNDARY)
    return Example(BOUNDARIES, says, caller, action, "arn:aws:iam::111122223333:user/New", allowed, by)


def scps(says: str, *levels: Document, allowed: bool) -> Example:
    caller = role("reader", ANY_READ, scps=tuple((one,) for one in levels))
    return Example(SCP, says, caller, READ, SECRET, allowed, Layer.IDENTITY if allowed else Layer.SCP)


ALL_BUT_SECRETS = document(statement("Allow", ["s3:*", "ec2:*"]))

EXAMPLES = [
    carlos("an explicit deny of his own stops him at the log bucket", "arn:aws:s3:::carlossalazar-logs", False,
           Layer.IDENTITY, CARLOS_BUCKET),
    carlos("nothing denies at his own bucket", "arn:aws:s3:::carlossalazar/x", True, Layer.SECRET_POLICY,
           CARLOS_BUCKET),
    carlos("his own policy alone is enough in one account", "arn:aws:s3:::carlossalazar/x", True, Layer.IDENTITY, None),
    carlos_abroad("his own account denies", "arn:aws:s3:::Production-logs/x", False, Layer.IDENTITY, None),
    carlos_abroad("both accounts allow", "arn:aws:s3:::Production/x", True, Layer.SECRET_POLICY, PRODUCTION_BUCKET),
    carlos_abroad("without the bucket's policy his own is not enough", "arn:aws:s3:::Production/x", False,
                  Layer.SECRET_POLICY, None),
    Example(CROSS, "the resource's policy alone is not enough", user("carlossalazar", NOTHING, account="111111111111"),
            "s3:PutObject", "arn:aws:s3:::Production/x", False, Layer.IDENTITY, owner="222222222222",
            policy=PRODUCTION_BUCKET),
    Example(CROSS, "a boundary limits the trusted account's side",
            user("carlossalazar", ALLOW_ALL, account="111111111111", boundary=NOTHING), "s3:PutObject",
            "arn:aws:s3:::Production/x", False, Layer.BOUNDARY, owner="222222222222", policy=PRODUCTION_BUCKET),
    Example(CROSS, "a session policy limits it, however closely the session is named",
            role("examplerole", ALLOW_ALL, account="444455556666", session="one", session_policy=NOTHING), READ, SECRET,
            False, Layer.SESSION, policy=named("arn:aws:sts::444455556666:assumed-role/examplerole/one")),
    Example(LOGIC, "by default all requests are denied", user("exampleuser"), READ, SECRET, False, Layer.IDENTITY),
    Example(LOGIC, "the root user has full access", root(), READ, SECRET, True, Layer.IDENTITY),
    Example(LOGIC, "a deny of the resource's policy overrides", user("exampleuser", ANY_READ), READ, SECRET, False,
            Layer.SECRET_POLICY, policy=document(statement("Deny", READ, Principal="*"))),
    Example(LOGIC, "an account named by its own resource delegates, it does not grant", user("exampleuser"), READ,
            SECRET, False, Layer.IDENTITY, policy=named("111122223333")),
    limited("a role ARN is limited by a boundary", THE_ROLE, False, Layer.BOUNDARY, boundary=NOTHING),
    limited("a role ARN is limited by a session policy", THE_ROLE, False, Layer.SESSION, session_policy=NOTHING),
    limited("a session ARN is limited by neither", THE_SESSION, True, Layer.SECRET_POLICY, boundary=NOTHING,
            session_policy=NOTHING),
    limited("an explicit deny limits a session ARN too", THE_SESSION, False, Layer.BOUNDARY,
            boundary=document(statement("Deny", READ))),
    limited("a role ARN needs no identity policy", THE_ROLE, True, Layer.SECRET_POLICY),
    limited("another session of the role is not named", THE_SESSION + "2", False, Layer.IDENTITY),
    Example(LOGIC, "which session calls nobody said, and one is named", role("examplerole", session=None), READ, SECRET,
            None, Layer.SECRET_POLICY, policy=named(THE_SESSION)),
    Example(LOGIC, "one session is named, and the role", role("examplerole", session=None), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=document(*named(THE_SESSION)["Statement"], *named(THE_ROLE)["Statement"])),
    Example(LOGIC, "one session is denied", role("examplerole", ANY_READ, session=None), READ, SECRET, None,
            Layer.SECRET_POLICY, policy=document(statement("Deny", READ, Principal={"AWS": THE_SESSION}))),
    Example(LOGIC, "a user ARN is not limited by a boundary", user("exampleuser", boundary=NOTHING), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=named(THE_USER)),
    Example(LOGIC, "a federated user ARN is not limited by a session policy",
            federated_user("exampleuser", session_policy=NOTHING), READ, SECRET, True, Layer.SECRET_POLICY,
            policy=named(THE_TOKEN)),
    Example(LOGIC, "a federated user without session policy may nothing", federated_user("exampleuser", ALLOW_ALL),
            READ, SECRET, False, Layer.SESSION),
    Example(LOGIC, "a federated user's session policy and identity policy both allow",
            federated_user("exampleuser", ALLOW_ALL, session_policy=ANY_READ), READ, SECRET, True, Layer.IDENTITY),
    Example(LOGIC, "a session policy limits the role's own policies",
            role("examplerole", ALLOW_ALL, session_policy=NOTHING), READ, SECRET, False, Layer.SESSION),
    shirley("she may not create a user though her policy allows it", "iam:CreateUser", False, Layer.BOUNDARY,
            document(statement("Allow", "iam:CreateUser"))),
    shirley("a boundary grants nothing by itself", "s3:GetObject", False, Layer.IDENTITY, NOTHING),
    shirley("what both allow she may", "s3:GetObject", True, Layer.IDENTITY, document(statement("Allow", "s3:*"))),
    Example(PRINCIPAL, "the bare account number and the root ARN are the same",
            user("exampleuser", ANY_READ, account="444455556666"), READ, SECRET, True, Layer.SECRET_POLICY,
            policy=named("444455556666")),
    Example(PRINCIPAL, "the root ARN does not limit permissions to the root user",
            user("exampleuser", ANY_READ, account="444455556666"), READ, SECRET, True, Layer.SECRET_POLICY,
            policy=named(BOBS_ACCOUNT)),
    Example(PRINCIPAL, "several principals are a logical OR", user("exampleuser"), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=named(["arn:aws:iam::111122223333:user/other", THE_USER])),
    Example(PRINCIPAL, "a wildcard does not match part of a name", user("exampleuser"), READ, SECRET, False,
            Layer.IDENTITY, policy=named("arn:aws:iam::111122223333:user/example*")),
    Example(PRINCIPAL, "a user name is case sensitive", user("exampleuser"), READ, SECRET, False, Layer.IDENTITY,
            policy=named("arn:aws:iam::111122223333:user/ExampleUser")),
    Example(PRINCIPAL, "with aws:PrincipalArn and * neither boundary nor session policy limits",
            role("examplerole", boundary=NOTHING, session_policy=NOTHING), READ, SECRET, True, Layer.SECRET_POLICY,
            policy=named("*", {"ArnEquals": {"aws:PrincipalArn": THE_ROLE}})),
    Example(PRINCIPAL, "unless they contain an explicit deny",
            role("examplerole", boundary=document(statement("Deny", READ))), READ, SECRET, False, Layer.BOUNDARY,
            policy=named("*", {"ArnEquals": {"aws:PrincipalArn": THE_ROLE}})),
    Example(PRINCIPAL, "a service principal", service("ecs.amazonaws.com"), READ, SECRET, True, Layer.SECRET_POLICY,
            policy=document(statement("Allow", READ, Principal={"Service": "ecs.amazonaws.com"}))),
    Example(PRINCIPAL, "another service", service("lambda.amazonaws.com"), READ, SECRET, False, Layer.SECRET_POLICY,
            policy=document(statement("Allow", READ, Principal={"Service": "ecs.amazonaws.com"}))),
    Example(PRINCIPAL, "a session of a provider that the trust policy names", provider("accounts.google.com"),
            ASSUME_WITH_TOKEN, THE_ROLE, True, Layer.TRUST_POLICY, layer=Layer.TRUST_POLICY, policy=OF_GOOGLE),
    Example(PRINCIPAL, "of another provider", provider("www.amazon.com"), ASSUME_WITH_TOKEN, THE_ROLE, False,
            Layer.TRUST_POLICY, layer=Layer.TRUST_POLICY, policy=OF_GOOGLE),
    Example(NOT_PRINCIPAL, "all but Bob are denied", user("Bob", ANY_READ, account="444455556666"), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=excepted(BOB, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "somebody else of Bob's account is denied", user("Eve", ANY_READ, account="444455556666"),
            READ, SECRET, False, Layer.SECRET_POLICY, policy=excepted(BOB, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "without his account Bob may be denied", user("Bob", ANY_READ, account="444455556666"), READ,
            SECRET, False, Layer.SECRET_POLICY, policy=excepted(BOB)),
    Example(NOT_PRINCIPAL, "the audit app, its role and account are listed",
            role("cross-account-read-only-role", ANY_READ, account="444455556666", session="cross-account-audit-app"),
            READ, SECRET, True, Layer.SECRET_POLICY, policy=excepted(AUDIT_APP, AUDIT_ROLE, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "whether a session has to be listed depends on the service",
            role("cross-account-read-only-role", ANY_READ, account="444455556666", session="other"), READ, SECRET,
            None, Layer.SECRET_POLICY, policy=excepted(AUDIT_APP, AUDIT_ROLE, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "one with a permissions boundary is always denied",
            user("Bob", ANY_READ, account="444455556666", boundary=ALLOW_ALL), READ, SECRET, False, Layer.SECRET_POLICY,
            policy=excepted(BOB, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "if the role is missing the app may be denied",
            role("cross-account-read-only-role", ANY_READ, account="444455556666", session="cross-account-audit-app"),
            READ, SECRET, False, Layer.SECRET_POLICY, policy=excepted(AUDIT_APP, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "which session of the role calls, nobody knows",
            role("cross-account-read-only-role", ANY_READ, account="444455556666", session=None), READ, SECRET, None,
            Layer.SECRET_POLICY, policy=excepted(AUDIT_APP, AUDIT_ROLE, BOBS_ACCOUNT)),
    Example(NOT_PRINCIPAL, "a service that is excepted is not denied", service("ecs.amazonaws.com"), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=document(
                statement("Allow", READ, Principal={"Service": "ecs.amazonaws.com"}),
                statement("Deny", READ, NotPrincipal={"Service": "ecs.amazonaws.com"}))),
    Example(NOT_PRINCIPAL, "with Allow everybody else is allowed", user("exampleuser"), READ, SECRET, True,
            Layer.SECRET_POLICY, policy=document(statement("Allow", READ, NotPrincipal={"AWS": BOB}))),
    Example(NOT_PRINCIPAL, "with Allow the one who is named is not", user("Bob", ANY_READ, account="444455556666"),
            READ, SECRET, False, Layer.SECRET_POLICY, policy=document(statement("Allow", READ,
            NotPrincipal={"AWS": BOB}))),
    scps("allowed at root, OU and account", ALLOW_ALL, ALLOW_ALL, ALLOW_ALL, allowed=True),
    scps("no allow at the OU", ALLOW_ALL, ALL_BUT_SECRETS, ALLOW_ALL, allowed=False),
    scps("no allow at the root", ALL_BUT_SECRETS, ALLOW_ALL, ALLOW_ALL, allowed=False),
    scps("no allow at the account", ALLOW_ALL, ALLOW_ALL, ALL_BUT_SECRETS, allowed=False),
    scps("any level can deny", ALLOW_ALL, document(*ALLOW_ALL["Statement"], statement("Deny", READ)), ALLOW_ALL,
         allowed=False),
    Example(SCP, "an SCP limits a root user too", root(scps=((ALL_BUT_SECRETS,),)), READ, SECRET, False, Layer.SCP),
    Example(SCP, "an SCP limits what a resource's policy grants", user("exampleuser", scps=((ALL_BUT_SECRETS,),)), READ,
            SECRET, False, Layer.SCP, policy=named(THE_USER)),
    Example(RCP, "any RCP on the path can deny", role("reader", ANY_READ), READ, SECRET, False, Layer.RCP,
            rcps=((ALLOW_ALL,), (ALLOW_ALL, document(statement("Deny", "secretsmanager:*", Principal="*"))))),
    Example(RCP, "no RCP applies to calls made by service-linked roles",
            role("aws-service-role/x.amazonaws.com/AWSServiceRoleForX", ANY_READ), READ, SECRET, True, Layer.IDENTITY,
            rcps=((ALLOW_ALL,), (document(statement("Deny", "secretsmanager:*", Principal="*")),))),
    Example(RCP, "RCPFullAWSAccess lets all pass", role("reader", ANY_READ), READ, SECRET, True, Layer.IDENTITY,
            rcps=((ALLOW_ALL,), (ALLOW_ALL,))),
]  # fmt: skip


@pytest.mark.parametrize("example", parameters(EXAMPLES))
def test_the_evaluator_says_what_aws_documents(example: Example) -> None:
    check(example)
