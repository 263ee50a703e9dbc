"""Examples of the user guides of Secrets Manager and KMS: policies of secrets, keys and grants."""

from __future__ import annotations

import pytest

from secrets_pipeline.access.evaluator import Caller, Layer, Policy, grant_policy
from tests.access.evaluator.examples import (
    ALLOW_ALL,
    Document,
    Example,
    check,
    document,
    parameters,
    role,
    root,
    service,
    statement,
    user,
)

SECRETS = "Secrets Manager User Guide, Permissions policy examples"
IDENTITY = "Secrets Manager User Guide, Identity-based policies"
STAGES = "Secrets Manager User Guide, Permissions reference, condition keys"
ENCRYPTION = "Secrets Manager User Guide, Secret encryption and decryption"
TROUBLE = "KMS Developer Guide, Troubleshooting key access"
DEFAULT = "KMS Developer Guide, Default key policy"
ABROAD = "KMS Developer Guide, Allowing users in other accounts to use a KMS key"
GRANTS = "KMS Developer Guide, Creating grants, Using grant constraints"
CONDITIONS = "KMS Developer Guide, AWS KMS condition keys"

READ, DECRYPT = "secretsmanager:GetSecretValue", "kms:Decrypt"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:{}"
MINE = SECRET.format("TestEnv/mine-a1b2c3")
KEY = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_2 = "arn:aws:kms:us-west-2:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CRYPTOGRAPHY = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
VIA = "secretsmanager.us-west-2.amazonaws.com"


def reads(says: str, allowed: bool | None, by: Layer, *identity: Document, page: str = SECRETS, secret: str = MINE,
          policy: Document | None = None, unknown: tuple[str, ...] = (), tags: dict[str, str] | None = None,
          **context: str) -> Example:  # fmt: skip
    """EC2RoleToAccessSecrets reads a secret."""
    caller = role("EC2RoleToAccessSecrets", *identity, tags=tags or {})
    given = {key.replace("__", ":").replace("_", "/"): value for key, value in context.items()}
    return Example(page, says, caller, READ, secret, allowed, by, policy=policy, context=given,
                   unknown=frozenset(unknown))  # fmt: skip


def decrypts(page: str, says: str, caller: Caller, allowed: bool, by: Layer, *, policy: Document, key: str = KEY,
             grants: tuple[Policy, ...] = (), via: str = "", context: dict[str, str] | None = None,
             action: str = DECRYPT) -> Example:  # fmt: skip
    """Somebody decrypts under a key, through a service or with an encryption context."""
    given: dict[str, str | list[str]] = {"kms:CallerAccount": caller.account_id}
    if via:
        given["kms:ViaService"] = via
    if context:
        given |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
        given["kms:EncryptionContextKeys"] = list(context)
    return Example(page, says, caller, action, key, allowed, by, owner=key.split(":")[4], layer=Layer.KEY_POLICY,
                   policy=policy, grants=grants, context=given)  # fmt: skip


ATTACHED = document(
    statement("Allow", READ, Principal={"AWS": "arn:aws:iam::111122223333:role/EC2RoleToAccessSecrets"})
)
IN_PATH = document(statement("Allow", READ, SECRET.format("TestEnv/*")))
BY_NAME = document(
    statement("Allow", "secretsmanager:*",
              [SECRET.format("a_specific_secret_name-a1b2c3"), SECRET.format("another_secret_name-??????")]),
)  # fmt: skip
THROUGH_ENDPOINT = document(
    statement("Deny", READ, Principal="*", Sid="RestrictGetSecretValueoperation",
              Condition={"StringNotEquals": {"aws:sourceVpce": "vpce-1234a5678b9012c"}}),
)  # fmt: skip
TAGGED = document(
    statement("Allow", READ, Condition={"StringEquals": {"secretsmanager:ResourceTag/ServerName": "ServerABC"}})
)
SAME_TAG = document(
    statement("Allow", READ, Principal={"AWS": "111122223333"},
              Condition={"StringEquals": {"aws:ResourceTag/AccessProject": "${ aws:PrincipalTag/AccessProject }"}}),
)  # fmt: skip
CURRENT_ONLY = document(
    statement("Allow", READ, Condition={"ForAnyValue:StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}})
)
ANY_READ = document(statement("Allow", READ))

DELEGATES = document(
    statement("Allow", "kms:*", Principal={"AWS": "arn:aws:iam::111122223333:root"}, Sid="Delegate to IAM policies")
)
NAMES_ROLE = document(
    statement("Allow", CRYPTOGRAPHY, Principal={"AWS": "arn:aws:iam::111122223333:role/KeyUser"}, Sid="Key users")
)
ACCOUNT_2 = document(
    statement("Allow", "kms:*", Principal={"AWS": "arn:aws:iam::444455556666:root"}),
    statement("Allow", CRYPTOGRAPHY, Principal={"AWS": "arn:aws:iam::111122223333:root"}),
)
ENGINEERING = document(statement("Allow", CRYPTOGRAPHY, KEY_2))
EXTERNAL = document(statement("Allow", CRYPTOGRAPHY, Principal={"AWS": "arn:aws:iam::444455556666:role/ExampleRole"}))
USES_EXTERNAL = document(statement("Allow", CRYPTOGRAPHY, KEY))
MANAGED = document(
    statement("Allow", ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                        "kms:DescribeKey"], Principal={"AWS": "*"},
              Condition={"StringEquals": {"kms:ViaService": VIA, "kms:CallerAccount": "111122223333"}}),
    statement("Allow", ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
              Principal={"AWS": "arn:aws:iam::111122223333:root"}),
)  # fmt: skip
ONE_SECRET = document(
    statement("Allow", DECRYPT, Principal={"AWS": "arn:aws:iam::111122223333:role/KeyUser"},
              Condition={"StringEquals": {"kms:ViaService": VIA, "kms:EncryptionContext:SecretARN": MINE}}),
)  # fmt: skip
NO_S3 = document(statement("Allow", "s3:*"))
CONTEXT = {"SecretARN": MINE, "SecretVersionId": "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"}

EXAMPLE_USER = "arn:aws:iam::111122223333:user/exampleUser"
EQUALS = (grant_policy("8c94d1f1", EXAMPLE_USER, ["Decrypt"], equals={"Department": "IT"}),)
SUBSET = (grant_policy("8c94d1f1", EXAMPLE_USER, ["Decrypt"], subset={"Department": "IT"}),)
SERVICE = (grant_policy("1667b97d", "dynamodb.us-west-2.amazonaws.com", ["Decrypt", "Encrypt"],
                        subset={"aws:dynamodb:tableName": "Services",
                        "aws:dynamodb:subscriberId": "111122223333"}),)  # fmt: skip
ABROAD_GRANT = (grant_policy("0c237476", "arn:aws:iam::444455556666:role/ExampleRole", ["Decrypt"]),)
DYNAMODB = service("dynamodb.us-west-2.amazonaws.com")
TABLE = {"aws:dynamodb:tableName": "Services", "aws:dynamodb:subscriberId": "111122223333"}

EXAMPLES = [
    reads("one secret, attached to the secret", True, Layer.SECRET_POLICY, policy=ATTACHED),
    reads("one secret, attached to an identity", True, Layer.IDENTITY, document(statement("Allow", READ, MINE))),
    reads("without any of them", False, Layer.IDENTITY),
    reads("all secrets in a path", True, Layer.IDENTITY, IN_PATH),
    reads("not outside the path", False, Layer.IDENTITY, IN_PATH, secret=SECRET.format("Prod/x-a1b2c3")),
    reads("the complete ARN", True, Layer.IDENTITY, BY_NAME, secret=SECRET.format("a_specific_secret_name-a1b2c3")),
    reads("?????? matches the six random characters", True, Layer.IDENTITY, BY_NAME,
          secret=SECRET.format("another_secret_name-Zy9Xw8")),
    reads("?????? does not match a longer name", False, Layer.IDENTITY, BY_NAME,
          secret=SECRET.format("another_secret_name-more-a1b2c3")),
    reads("-* would", True, Layer.IDENTITY, document(statement("Allow", READ, SECRET.format("another_secret_name-*"))),
          secret=SECRET.format("another_secret_name-more-a1b2c3")),
    reads("through the VPC endpoint", True, Layer.IDENTITY, ANY_READ, policy=THROUGH_ENDPOINT,
          aws__SourceVpce="vpce-1234a5678b9012c"),
    reads("through another endpoint", False, Layer.SECRET_POLICY, ANY_READ, policy=THROUGH_ENDPOINT,
          aws__SourceVpce="vpce-2"),
    reads("through none", False, Layer.SECRET_POLICY, ANY_READ, policy=THROUGH_ENDPOINT),
    reads("through which endpoint nobody knows", None, Layer.SECRET_POLICY, ANY_READ, policy=THROUGH_ENDPOINT,
          unknown=("aws:sourcevpce",)),
    reads("a secret with the tag", True, Layer.IDENTITY, TAGGED, secretsmanager__ResourceTag_ServerName="ServerABC"),
    reads("a secret with another tag", False, Layer.IDENTITY, TAGGED, secretsmanager__ResourceTag_ServerName="X"),
    reads("a role with the tag of the secret needs its own policy still", False, Layer.IDENTITY, policy=SAME_TAG,
          tags={"aws:PrincipalTag/AccessProject": "a"}, aws__ResourceTag_AccessProject="a"),
    Example(SECRETS, "a foreign role with the tag of the secret",
            role("reader", ANY_READ, account="444455556666", tags={"aws:PrincipalTag/AccessProject": "a"}), READ, MINE,
            True, Layer.SECRET_POLICY, context={"aws:ResourceTag/AccessProject": "a"}, policy=document(
                {**SAME_TAG["Statement"][0], "Principal": {"AWS": "444455556666"}})),
    Example(SECRETS, "a foreign role with another tag",
            role("reader", ANY_READ, account="444455556666", tags={"aws:PrincipalTag/AccessProject": "b"}), READ, MINE,
            False, Layer.SECRET_POLICY, context={"aws:ResourceTag/AccessProject": "a"}, policy=document(
                {**SAME_TAG["Statement"][0], "Principal": {"AWS": "444455556666"}})),
    reads("the current version", True, Layer.IDENTITY, CURRENT_ONLY, page=STAGES,
          secretsmanager__VersionStage="AWSCURRENT"),
    reads("not the pending one", False, Layer.IDENTITY, CURRENT_ONLY, page=STAGES,
          secretsmanager__VersionStage="AWSPENDING"),
    reads("names by wildcard in the action", True, Layer.IDENTITY, document(statement("Allow", "secretsmanager:Get*")),
          page=IDENTITY),
    decrypts(TROUBLE, "Alice: no IAM policy gives her permission", user("Alice"), False, Layer.IDENTITY,
             policy=DELEGATES),
    decrypts(TROUBLE, "Alice with an IAM policy", user("Alice", document(statement("Allow", "kms:*", KEY))), True,
             Layer.IDENTITY, policy=DELEGATES),
    decrypts(TROUBLE, "Bob as Engineering: both accounts allow", role("Engineering", ENGINEERING), True,
             Layer.KEY_POLICY, policy=ACCOUNT_2, key=KEY_2),
    decrypts(TROUBLE, "nobody of account 1 without an IAM policy of account 1", role("Engineering"), False,
             Layer.IDENTITY, policy=ACCOUNT_2, key=KEY_2),
    decrypts(TROUBLE, "no action that the key policy does not give account 1", role("Engineering", ALLOW_ALL), False,
             Layer.KEY_POLICY, policy=ACCOUNT_2, key=KEY_2, action="kms:PutKeyPolicy"),
    decrypts(TROUBLE, "a Deny in the key policy", user("Alice", ALLOW_ALL), False, Layer.KEY_POLICY,
             policy=document(*DELEGATES["Statement"], statement("Deny", DECRYPT, Principal="*"))),
    decrypts(DEFAULT, "without it no IAM policy has effect", user("Alice", ALLOW_ALL), False, Layer.KEY_POLICY,
             policy=NAMES_ROLE),
    decrypts(DEFAULT, "nor for the root user", root(), False, Layer.KEY_POLICY, policy=NAMES_ROLE),
    decrypts(DEFAULT, "the root user with it", root(), True, Layer.IDENTITY, policy=DELEGATES),
    decrypts(DEFAULT, "a key user needs no IAM policy", role("KeyUser"), True, Layer.KEY_POLICY, policy=NAMES_ROLE),
    decrypts(ABROAD, "key policy and IAM policy", role("ExampleRole", USES_EXTERNAL, account="444455556666"), True,
             Layer.KEY_POLICY, policy=EXTERNAL),
    decrypts(ABROAD, "neither alone: no IAM policy", role("ExampleRole", account="444455556666"), False, Layer.IDENTITY,
             policy=EXTERNAL),
    decrypts(ABROAD, "neither alone: no key policy", role("ExampleRole", USES_EXTERNAL, account="444455556666"), False,
             Layer.KEY_POLICY, policy=DELEGATES),
    decrypts(ABROAD, "a role that the key policy does not name", role("Other", USES_EXTERNAL, account="444455556666"),
             False, Layer.KEY_POLICY, policy=EXTERNAL),
    decrypts(ABROAD, "until you attach IAM policies or use grants: a grant",
             role("ExampleRole", account="444455556666"), True, Layer.GRANT, policy=DELEGATES, grants=ABROAD_GRANT),
    decrypts(ABROAD, "a grant where the key policy names the role too", role("ExampleRole", account="444455556666"),
             True, Layer.GRANT, policy=EXTERNAL, grants=ABROAD_GRANT),
    decrypts(ABROAD, "a grant to another role is none", role("Other", account="444455556666"), False, Layer.KEY_POLICY,
             policy=DELEGATES, grants=ABROAD_GRANT),
    decrypts(TROUBLE, "an SCP restricts what a grant gives",
             role("ExampleRole", account="444455556666", scps=((NO_S3,),)), False, Layer.SCP, policy=DELEGATES,
             grants=ABROAD_GRANT),
    decrypts(ABROAD, "* gives every account permission, with an IAM policy of its own",
             role("ExampleRole", USES_EXTERNAL, account="444455556666"), True, Layer.KEY_POLICY,
             policy=document(statement("Allow", CRYPTOGRAPHY, Principal={"AWS": "*"}))),
    decrypts(ENCRYPTION, "aws/secretsmanager through Secrets Manager", role("reader"), True, Layer.KEY_POLICY,
             policy=MANAGED, via=VIA),
    decrypts(ENCRYPTION, "aws/secretsmanager whatever the boundary allows", role("reader", boundary=NO_S3), True,
             Layer.KEY_POLICY, policy=MANAGED, via=VIA),
    decrypts(ENCRYPTION, "aws/secretsmanager not directly", role("reader", ALLOW_ALL), False, Layer.KEY_POLICY,
             policy=MANAGED),
    decrypts(ENCRYPTION, "aws/secretsmanager not through another service", role("reader", ALLOW_ALL), False,
             Layer.KEY_POLICY, policy=MANAGED, via="rds.us-west-2.amazonaws.com"),
    decrypts(ENCRYPTION, "aws/secretsmanager not for another account",
             role("reader", ALLOW_ALL, account="444455556666"), False, Layer.KEY_POLICY, policy=MANAGED, via=VIA),
    decrypts(CONDITIONS, "ViaService and the encryption context of one secret", role("KeyUser"), True,
             Layer.KEY_POLICY, policy=ONE_SECRET, via=VIA, context=CONTEXT),
    decrypts(CONDITIONS, "the encryption context of another secret", role("KeyUser"), False, Layer.KEY_POLICY,
             policy=ONE_SECRET, via=VIA, context={**CONTEXT, "SecretARN": SECRET.format("other-a1b2c3")}),
    decrypts(CONDITIONS, "no encryption context", role("KeyUser"), False, Layer.KEY_POLICY, policy=ONE_SECRET, via=VIA),
    decrypts(GRANTS, "EncryptionContextEquals: exactly this", user("exampleUser"), True, Layer.GRANT, policy=NAMES_ROLE,
             grants=EQUALS, context={"Department": "IT"}),
    decrypts(GRANTS, "EncryptionContextEquals: not with more", user("exampleUser"), False, Layer.KEY_POLICY,
             policy=NAMES_ROLE, grants=EQUALS, context={"Department": "IT", "Purpose": "Test"}),
    decrypts(GRANTS, "EncryptionContextSubset: this", user("exampleUser"), True, Layer.GRANT, policy=NAMES_ROLE,
             grants=SUBSET, context={"Department": "IT"}),
    decrypts(GRANTS, "EncryptionContextSubset: with more", user("exampleUser"), True, Layer.GRANT, policy=NAMES_ROLE,
             grants=SUBSET, context={"Department": "IT", "Purpose": "Test"}),
    decrypts(GRANTS, "EncryptionContextSubset: not another value", user("exampleUser"), False, Layer.KEY_POLICY,
             policy=NAMES_ROLE, grants=SUBSET, context={"Department": "HR"}),
    decrypts(GRANTS, "not without encryption context", user("exampleUser"), False, Layer.KEY_POLICY, policy=NAMES_ROLE,
             grants=EQUALS),
    decrypts(GRANTS, "somebody else than the grantee", user("anotherUser"), False, Layer.KEY_POLICY, policy=NAMES_ROLE,
             grants=SUBSET, context={"Department": "IT"}),
    decrypts(GRANTS, "an operation that is not granted", user("exampleUser"), False, Layer.KEY_POLICY,
             policy=NAMES_ROLE, grants=SUBSET, context={"Department": "IT"}, action="kms:Encrypt"),
    decrypts(GRANTS, "a service is the grantee", DYNAMODB, True, Layer.GRANT, policy=NAMES_ROLE, grants=SERVICE,
             context=TABLE),
    decrypts(GRANTS, "a Deny in the key policy overrides a grant", user("exampleUser"), False, Layer.KEY_POLICY,
             policy=document(statement("Deny", DECRYPT, Principal="*")), grants=SUBSET, context={"Department": "IT"}),
]  # fmt: skip


@pytest.mark.parametrize("example", parameters(EXAMPLES))
def test_the_evaluator_says_what_aws_documents(example: Example) -> None:
    check(example)
