"""KMS refuses as AWS does, directly and through Secrets Manager."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.enforcement.ground import (
    DECRYPT,
    OTHER,
    OWN,
    READ,
    Actors,
    allow,
    deny,
    document,
    of,
    refusal,
    value,
)

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients

_numbers = itertools.count()
NO_KMS = ("AccessDeniedException", "Access to KMS is not allowed")
_OF_DEFAULT = (
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service"
)
DEFAULT_KEY = ("InvalidRequestException", f"{_OF_DEFAULT} key.")
VIA = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"}}


@pytest.fixture
def actors(clients: Clients) -> Actors:
    return Actors(clients, clients, OWN)


@pytest.fixture
def abroad(clients: Clients) -> Actors:
    return Actors(clients, clients.in_account(OTHER), OTHER)


@pytest.fixture
def role() -> str:
    return f"decrypter-{next(_numbers)}"


@pytest.fixture
def key(clients: Clients) -> str:
    return clients.kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def secret(clients: Clients, name: str, key: str) -> str:
    return clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)["ARN"]


def put_policy(clients: Clients, key: str, *statements: dict[str, Any]) -> None:
    """Replace a key policy; the operator keeps its own rights, the account delegates none."""
    own = allow("kms:*", **of(f"arn:aws:iam::{OWN}:user/local-operator"))
    clients.kms.put_key_policy(KeyId=key, Policy=document(own, *statements))


def test_a_value_needs_the_key_as_well(actors: Actors, role: str, secret: str, key: str) -> None:
    actors.role(role, allow(READ))
    reader = actors.session(role)
    assert refusal(lambda: value(reader, secret)) == NO_KMS
    actors.allow(role, allow(READ), allow(DECRYPT, resource=key, Condition=VIA))
    assert value(reader, secret) == "x"


def test_a_key_policy_without_delegation_makes_identity_policies_ineffective(
    actors: Actors, clients: Clients, role: str, secret: str, key: str
) -> None:
    arn = actors.role(role, allow("*"))
    reader = actors.session(role)
    assert value(reader, secret) == "x"
    put_policy(clients, key)
    assert refusal(lambda: value(reader, secret)) == NO_KMS
    put_policy(clients, key, allow(DECRYPT, **of(arn)))
    assert value(reader, secret) == "x"


@pytest.mark.parametrize(
    ("condition", "opens"),
    [
        ({"kms:EncryptionContext:SecretARN": "{secret}"}, True),
        ({"kms:EncryptionContext:SecretARN": "{secret}-other"}, False),
        ({"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"}, True),
        ({"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}, False),
        ({"kms:CallerAccount": OWN}, True),
        ({"kms:CallerAccount": OTHER}, False),
        ({"aws:ViaAWSService": "true"}, True),
    ],
)
def test_the_key_sees_what_it_is_used_for(  # noqa: PLR0917 - fixtures
    actors: Actors, clients: Clients, role: str, secret: str, key: str, condition: dict[str, str], opens: bool
) -> None:
    arn = actors.role(role, allow(READ))
    filled = {name: expected.format(secret=secret) for name, expected in condition.items()}
    put_policy(clients, key, allow(DECRYPT, **of(arn), Condition={"StringEquals": filled}))
    assert refusal(lambda: value(actors.session(role), secret)) == (("", "") if opens else NO_KMS)


def test_a_grant_opens_and_closes(actors: Actors, clients: Clients, role: str, secret: str, key: str) -> None:
    arn = actors.role(role, allow(READ))
    reader = actors.session(role)
    grant = clients.kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])["GrantId"]
    assert value(reader, secret) == "x"
    clients.kms.revoke_grant(KeyId=key, GrantId=grant)
    assert refusal(lambda: value(reader, secret)) == NO_KMS
    constraints: Any = {"EncryptionContextSubset": {"SecretARN": f"{secret}-other"}}
    clients.kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"], Constraints=constraints)
    assert refusal(lambda: value(reader, secret)) == NO_KMS


def test_a_disabled_key_serves_nobody(actors: Actors, clients: Clients, role: str, secret: str, key: str) -> None:
    actors.role(role, allow(READ, DECRYPT))
    clients.kms.disable_key(KeyId=key)
    assert refusal(lambda: value(actors.session(role), secret))[0] == "DecryptionFailure"
    assert refusal(lambda: value(clients, secret))[0] == "DecryptionFailure"


def test_a_version_opens_with_either_key_until_another_is_written(
    actors: Actors, clients: Clients, role: str, secret: str, key: str
) -> None:
    newer = clients.kms.create_key()["KeyMetadata"]["Arn"]
    clients.secrets.update_secret(SecretId=secret, KmsKeyId=newer)
    (version,) = clients.secrets.list_secret_version_ids(SecretId=secret)["Versions"]
    assert version["KmsKeyIds"] == [newer, key]
    for one in (key, newer):
        actors.role(f"{role}-{one[-8:]}", allow(READ), allow(DECRYPT, resource=one))
        assert value(actors.session(f"{role}-{one[-8:]}"), secret) == "x"
    clients.secrets.put_secret_value(SecretId=secret, SecretString="y")
    assert refusal(lambda: value(actors.session(f"{role}-{key[-8:]}"), secret)) == NO_KMS
    assert value(actors.session(f"{role}-{newer[-8:]}"), secret) == "y"


def test_a_change_of_key_by_somebody_who_may_not_decrypt_leaves_the_version_under_the_old_one(
    actors: Actors, clients: Clients, role: str, secret: str, key: str
) -> None:
    newer = clients.kms.create_key()["KeyMetadata"]["Arn"]
    actors.role(role, allow("secretsmanager:UpdateSecret"), allow("kms:*", resource=newer))
    actors.session(role).secrets.update_secret(SecretId=secret, KmsKeyId=newer)
    (version,) = clients.secrets.list_secret_version_ids(SecretId=secret)["Versions"]
    assert version["KmsKeyIds"] == [key]


def test_writing_needs_a_data_key_and_a_new_key_is_tried_out(actors: Actors, role: str, secret: str, key: str) -> None:
    actors.role(role, allow("secretsmanager:*"), allow(DECRYPT))
    writer = actors.session(role)
    assert refusal(lambda: writer.secrets.put_secret_value(SecretId=secret, SecretString="y")) == NO_KMS
    assert refusal(lambda: writer.secrets.update_secret(SecretId=secret, SecretString="y")) == NO_KMS
    create: Any = {"Name": f"{role}/new", "SecretString": "y", "KmsKeyId": key}
    assert refusal(lambda: writer.secrets.create_secret(**create)) == NO_KMS
    assert refusal(lambda: writer.secrets.describe_secret(SecretId=f"{role}/new"))[0] == "ResourceNotFoundException"
    actors.allow(role, allow("secretsmanager:*"), allow("kms:GenerateDataKey"))
    writer.secrets.put_secret_value(SecretId=secret, SecretString="z")
    assert refusal(lambda: writer.secrets.create_secret(**create)) == NO_KMS
    actors.allow(role, allow("secretsmanager:*"), allow("kms:GenerateDataKey", DECRYPT))
    assert value(writer, writer.secrets.create_secret(**create)["ARN"]) == "y"


def test_the_default_key_serves_its_account_without_a_word_about_kms(
    actors: Actors, clients: Clients, role: str, name: str
) -> None:
    arn = clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    actors.role(role, allow(READ))
    assert value(actors.session(role), arn) == "x"
    actors.allow(role, allow(READ), deny("kms:*"))
    assert refusal(lambda: value(actors.session(role), arn)) == NO_KMS


def test_another_account_reads_by_arn_where_both_sides_allow(
    abroad: Actors, clients: Clients, role: str, secret: str, key: str
) -> None:
    arn = abroad.role(role, allow(READ, "secretsmanager:DescribeSecret", resource=secret))
    reader = abroad.session(role)
    user = f"User: arn:aws:sts::{OTHER}:assumed-role/{role}/test is not authorized to perform: {READ} on resource: "
    closed = f"{user}{secret} because no resource-based policy allows the {READ} action"
    assert refusal(lambda: value(reader, secret)) == ("AccessDeniedException", closed)
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow("secretsmanager:*", **of(arn))))
    assert refusal(lambda: value(reader, secret)) == NO_KMS
    delegating = allow("kms:*", **of(OWN))
    clients.kms.put_key_policy(KeyId=key, Policy=document(delegating, allow(DECRYPT, **of(arn))))
    assert refusal(lambda: value(reader, secret)) == NO_KMS
    abroad.allow(role, allow(READ, "secretsmanager:Describe*", resource=secret), allow(DECRYPT, resource=key))
    assert value(reader, secret) == "x"
    assert reader.secrets.describe_secret(SecretId=secret)["ARN"] == secret


def test_a_name_never_means_the_secret_of_another_account(abroad: Actors, role: str, secret: str, name: str) -> None:
    abroad.role(role, allow(READ, resource=secret))
    code, message = refusal(lambda: value(abroad.session(role), name))
    assert code == "AccessDeniedException"
    assert message.endswith(f"on resource: {name} because no identity-based policy allows the {READ} action")
    abroad.allow(role, allow(READ))
    assert refusal(lambda: value(abroad.session(role), name))[0] == "ResourceNotFoundException"


def test_another_account_needs_its_own_policy_too(abroad: Actors, clients: Clients, role: str, secret: str) -> None:
    arn = abroad.role(role)
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow(READ, **of(arn))))
    code, message = refusal(lambda: value(abroad.session(role), secret))
    assert code == "AccessDeniedException"
    assert message.endswith(f"on resource: {secret} because no identity-based policy allows the {READ} action")


def test_another_account_writes_by_arn_where_both_sides_allow(
    abroad: Actors, clients: Clients, role: str, secret: str, key: str
) -> None:
    arn = abroad.role(role, allow("secretsmanager:*", "kms:*"))
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow("secretsmanager:*", **of(arn))))
    clients.kms.put_key_policy(KeyId=key, Policy=document(allow("kms:*", **of(OWN, arn))))
    abroad.session(role).secrets.put_secret_value(SecretId=secret, SecretString="theirs")
    assert value(clients, secret) == "theirs"


def test_the_default_key_serves_no_other_account(abroad: Actors, clients: Clients, role: str, name: str) -> None:
    secret = clients.secrets.create_secret(Name=name, SecretString="x")["ARN"]
    arn = abroad.role(role, allow("*"))
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow("secretsmanager:*", **of(arn))))
    reader = abroad.session(role)
    assert reader.secrets.describe_secret(SecretId=secret)["Name"] == name
    assert refusal(lambda: value(reader, secret)) == DEFAULT_KEY
    assert refusal(lambda: reader.secrets.put_secret_value(SecretId=secret, SecretString="y")) == DEFAULT_KEY


def test_a_key_named_by_alias_serves_no_other_account(
    abroad: Actors, clients: Clients, role: str, key: str, name: str
) -> None:
    arn = abroad.role(role, allow("*"))
    clients.kms.put_key_policy(KeyId=key, Policy=document(allow("kms:*", **of(OWN, arn))))
    clients.kms.create_alias(AliasName=f"alias/{role}", TargetKeyId=key)
    secret = clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=f"alias/{role}")["ARN"]
    clients.secrets.put_resource_policy(SecretId=secret, ResourcePolicy=document(allow(READ, **of(arn))))
    assert refusal(lambda: value(abroad.session(role), secret)) == NO_KMS
    clients.secrets.update_secret(SecretId=secret, KmsKeyId=key)
    assert value(abroad.session(role), secret) == "x"


def test_a_replica_needs_the_keys_of_both_regions(
    actors: Actors, clients: Clients, role: str, secret: str, name: str
) -> None:
    elsewhere = clients.session.client("kms", endpoint_url=clients.endpoint_url, region_name="eu-central-1")
    theirs = elsewhere.create_key()["KeyMetadata"]["Arn"]
    actors.role(role, allow("secretsmanager:*"), allow("kms:*", resource=theirs))
    replica: Any = [{"Region": "eu-central-1", "KmsKeyId": theirs}]
    replicated = actors.session(role).secrets.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=replica)
    (status,) = replicated["ReplicationStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Failed", NO_KMS[1])
    actors.allow(role, allow("secretsmanager:*", "kms:*"))
    replicated = actors.session(role).secrets.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=replica)
    assert [one["Status"] for one in replicated["ReplicationStatus"]] == ["InSync"]
    assert name in secret


def test_kms_itself_refuses_in_its_own_words(actors: Actors, clients: Clients, role: str, key: str) -> None:
    arn = actors.role(role)
    user = f"User: arn:aws:sts::{OWN}:assumed-role/{role}/test is not authorized to perform: "
    blob = clients.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    caller = actors.session(role).kms
    because = f"because no identity-based policy allows the {DECRYPT} action"
    assert refusal(lambda: caller.decrypt(KeyId=key, CiphertextBlob=blob)) == (
        "AccessDeniedException",
        f"{user}{DECRYPT} on resource: {key} {because}",
    )
    unnamed = f"{user}{DECRYPT} on the resource associated with this ciphertext"
    assert refusal(lambda: caller.decrypt(CiphertextBlob=blob))[1] == f"{unnamed} {because}"
    assert "kms:ListKeys because no identity-based" in refusal(caller.list_keys)[1]
    put_policy(clients, key)
    assert refusal(lambda: caller.describe_key(KeyId=key))[1] == (
        f"{user}kms:DescribeKey on this resource because the resource does not exist in this Region, no "
        "resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
    put_policy(clients, key, allow("kms:DescribeKey", DECRYPT, **of(arn)))
    assert caller.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    assert caller.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_an_encryption_context_is_a_condition(actors: Actors, role: str, key: str) -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:stack": "dev"}}
    actors.role(role, allow("kms:Encrypt", DECRYPT, "kms:GenerateDataKey", Condition=condition))
    caller = actors.session(role).kms
    blob = caller.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"stack": "dev"})["CiphertextBlob"]
    assert caller.decrypt(CiphertextBlob=blob, EncryptionContext={"stack": "dev"})["Plaintext"] == b"x"
    for context in ({}, {"stack": "prod"}):
        refused = refusal(
            lambda context=context: caller.generate_data_key(  # type: ignore[misc] # bound early
                KeyId=key, KeySpec="AES_256", EncryptionContext=context
            )
        )
        assert refused[0] == "AccessDeniedException"


def test_an_alias_is_moved_by_whoever_may_change_both_keys(
    actors: Actors, clients: Clients, role: str, key: str
) -> None:
    other = clients.kms.create_key()["KeyMetadata"]["Arn"]
    alias = f"arn:aws:kms:eu-west-2:{OWN}:alias/{role}"
    actors.role(role, allow("kms:*Alias", resource=alias), allow("kms:*Alias", resource=key))
    caller = actors.session(role).kms
    caller.create_alias(AliasName=f"alias/{role}", TargetKeyId=key)
    code, message = refusal(lambda: caller.update_alias(AliasName=f"alias/{role}", TargetKeyId=other))
    assert code == "AccessDeniedException"
    assert f"kms:UpdateAlias on resource: {other}" in message


def test_another_account_uses_a_key_but_never_administers_it(
    abroad: Actors, clients: Clients, role: str, key: str
) -> None:
    arn = abroad.role(role, allow("kms:*"))
    clients.kms.put_key_policy(KeyId=key, Policy=document(allow("kms:*", **of(OWN, arn))))
    caller = abroad.session(role).kms
    assert caller.generate_data_key(KeyId=key, KeySpec="AES_256")["KeyId"] == key
    for call in (
        lambda: caller.schedule_key_deletion(KeyId=key),
        lambda: caller.get_key_policy(KeyId=key),
        lambda: caller.disable_key(KeyId=key),
    ):
        assert refusal(call)[0] == "AccessDeniedException"


def test_a_key_with_a_policy_is_made_by_whoever_may_replace_that_policy(actors: Actors, role: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key."""
    actors.role(role, allow("kms:CreateKey"))
    maker = actors.session(role)
    delegates = document(allow("kms:*", **of(f"arn:aws:iam::{OWN}:root")))
    lockout = "The new key policy will not allow you to update the key policy in the future."
    assert refusal(lambda: maker.kms.create_key(Policy=delegates)) == ("MalformedPolicyDocumentException", lockout)
    # Another principal of the account than the caller.
    of_operator = document(allow("kms:*", **of(f"arn:aws:iam::{OWN}:user/local-operator")))
    actors.allow(role, allow("kms:CreateKey", "kms:PutKeyPolicy"))
    assert refusal(lambda: maker.kms.create_key(Policy=of_operator)) == ("MalformedPolicyDocumentException", lockout)
    # A key that is being made has no tags to authorize by, even if they come with it.
    tagged = {"StringEquals": {"aws:ResourceTag/team": "shop"}}
    actors.allow(role, allow("kms:CreateKey", "kms:TagResource"), allow("kms:PutKeyPolicy", Condition=tagged))
    tags: Any = [{"TagKey": "team", "TagValue": "shop"}]
    assert refusal(lambda: maker.kms.create_key(Policy=delegates, Tags=tags))[1] == lockout
    actors.allow(
        role, allow("kms:CreateKey"), allow("kms:PutKeyPolicy", Condition={"Null": {"kms:ResourceAliases": "true"}})
    )
    assert refusal(lambda: maker.kms.create_key(Policy=delegates)) == ("", "")
    # Whoever the key policy names needs no policy of IAM's.
    actors.allow(role, allow("kms:CreateKey"))
    named = document(allow("kms:*", **of(f"arn:aws:iam::{OWN}:role/{role}")))
    assert refusal(lambda: maker.kms.create_key(Policy=named)) == ("", "")
    bypassed: Any = {"Policy": delegates, "BypassPolicyLockoutSafetyCheck": True}
    assert refusal(lambda: maker.kms.create_key(**bypassed)) == ("", "")


def test_a_key_with_tags_is_made_by_whoever_may_tag(actors: Actors, role: str) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/tag-permissions.html."""
    actors.role(role, allow("kms:CreateKey"))
    maker = actors.session(role)
    tags: Any = [{"TagKey": "team", "TagValue": "shop"}]
    assert refusal(lambda: maker.kms.create_key(Tags=tags))[0] == "AccessDeniedException"
    actors.allow(role, allow("kms:CreateKey", "kms:TagResource"))
    assert refusal(lambda: maker.kms.create_key(Tags=tags)) == ("", "")
