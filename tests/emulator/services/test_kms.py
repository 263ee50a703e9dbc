"""KMS keys, alone and under Secrets Manager."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

    from tests.emulator.conftest import Clients, Refused

MISSING = "arn:aws:kms:eu-west-2:111122223333:key/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def kms(clients: Clients) -> KMSClient:
    return clients.kms


@pytest.fixture
def key(kms: KMSClient) -> str:
    return kms.create_key()["KeyMetadata"]["KeyId"]


def test_a_disabled_key_neither_encrypts_nor_decrypts(kms: KMSClient, key: str, refused: Refused) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    for call in (
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        lambda: kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_256"),
    ):
        with refused("DisabledException"):
            call()
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_pending_deletion_is_unusable_until_it_is_cancelled_and_enabled(
    kms: KMSClient, key: str, refused: Refused
) -> None:
    with refused("ValidationException"):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=6)
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    assert kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    with refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("KMSInvalidStateException"):
        kms.enable_key(KeyId=key)
    kms.cancel_key_deletion(KeyId=arn)
    with refused("DisabledException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_key_policy_is_json_and_leaves_its_writer_in(kms: KMSClient, key: str, refused: Refused) -> None:
    def policy(principal: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    for wrong in ("{", '{"Statement": [{"Effect": "Allow"}]}', policy("arn:aws:iam::444455556666:root")):
        with refused("MalformedPolicyDocumentException"):
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=wrong)
        with refused("MalformedPolicyDocumentException"):
            kms.create_key(Policy=wrong)
    foreign = policy("arn:aws:iam::444455556666:root")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=foreign, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy("arn:aws:iam::111122223333:root"))


def test_the_rotation_period_is_kept(kms: KMSClient, key: str, refused: Refused) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)
    with refused("ValidationException"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=3000)


def test_a_mac_is_deterministic_and_needs_an_enabled_key(kms: KMSClient, refused: Refused) -> None:
    made = kms.create_key(KeyUsage="GENERATE_VERIFY_MAC", KeySpec="HMAC_256")["KeyMetadata"]
    first, second = (kms.generate_mac(KeyId=made["KeyId"], Message=b"m", MacAlgorithm="HMAC_SHA_256") for _ in range(2))
    assert (first["Mac"], first["KeyId"]) == (second["Mac"], made["Arn"])
    kms.disable_key(KeyId=made["KeyId"])
    with refused("DisabledException"):
        kms.generate_mac(KeyId=made["KeyId"], Message=b"m", MacAlgorithm="HMAC_SHA_256")


def test_only_a_key_with_a_key_pair_has_a_public_key(kms: KMSClient, key: str, refused: Refused) -> None:
    with refused("UnsupportedOperationException"):
        kms.get_public_key(KeyId=key)
    pair = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signed = kms.sign(KeyId=pair, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert kms.verify(KeyId=pair, Message=b"m", Signature=signed, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
    assert kms.get_public_key(KeyId=pair)["PublicKey"]


def test_aliases_of_aws_are_reserved_and_their_keys_are_aws_managed(kms: KMSClient, key: str, refused: Refused) -> None:
    with refused("NotAuthorizedException"):
        kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key)
    with refused("ValidationException"):
        kms.create_alias(AliasName="mine", TargetKeyId=key)
    managed = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    listed = {one["AliasName"]: one["TargetKeyId"] for one in kms.list_aliases()["Aliases"]}
    assert (managed["KeyManager"], managed["KeyId"]) == ("AWS", listed["alias/aws/secretsmanager"])


def test_a_secret_takes_its_key_by_id_arn_alias_and_alias_arn(
    clients: Clients, kms: KMSClient, key: str, name: str
) -> None:
    alias = "alias/" + name.split("/", 1)[0]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    for number, key_id in enumerate((key, arn, alias, f"arn:aws:kms:eu-west-2:111122223333:{alias}")):
        clients.secrets.create_secret(Name=f"{name}{number}", SecretString="x", KmsKeyId=key_id)
        assert clients.secrets.describe_secret(SecretId=f"{name}{number}")["KmsKeyId"] == key_id


@pytest.mark.parametrize("key_id", [MISSING, "alias/missing", "garbage", MISSING.replace("eu-west-2", "eu-west-1")])
def test_a_secret_under_a_missing_key_is_refused_before_anything_exists(
    clients: Clients, name: str, key_id: str, refused: Refused
) -> None:
    with refused("ResourceNotFoundException"):
        clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key_id)
    with refused("ResourceNotFoundException"):
        clients.secrets.describe_secret(SecretId=name)


def test_a_secret_is_neither_read_nor_written_while_its_key_is_disabled(
    clients: Clients, kms: KMSClient, key: str, name: str, refused: Refused
) -> None:
    clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)
    kms.disable_key(KeyId=key)
    with refused("DecryptionFailure"):
        clients.secrets.get_secret_value(SecretId=name)
    with refused("EncryptionFailure"):
        clients.secrets.put_secret_value(SecretId=name, SecretString="y")
    with refused("EncryptionFailure"):
        clients.secrets.create_secret(Name=name + "2", SecretString="y", KmsKeyId=key)
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("DecryptionFailure"):
        clients.secrets.get_secret_value(SecretId=name)


def test_a_version_stays_under_its_old_key_if_that_could_not_decrypt_when_the_key_changed(
    clients: Clients, kms: KMSClient, key: str, name: str, refused: Refused
) -> None:
    newer = kms.create_key()["KeyMetadata"]["KeyId"]
    clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)
    kms.disable_key(KeyId=key)
    clients.secrets.update_secret(SecretId=name, KmsKeyId=newer)
    with refused("DecryptionFailure"):
        clients.secrets.get_secret_value(SecretId=name)
    clients.secrets.put_secret_value(SecretId=name, SecretString="y")
    assert clients.secrets.get_secret_value(SecretId=name)["SecretString"] == "y"


def test_a_change_of_key_re_encrypts_what_can_be_decrypted(
    clients: Clients, kms: KMSClient, key: str, name: str
) -> None:
    newer = kms.create_key()["KeyMetadata"]["KeyId"]
    clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=key)
    clients.secrets.update_secret(SecretId=name, KmsKeyId=newer)
    kms.disable_key(KeyId=key)
    assert clients.secrets.get_secret_value(SecretId=name)["SecretString"] == "x"


def test_a_key_of_another_account_is_used_by_arn_only(
    clients: Clients, kms: KMSClient, name: str, refused: Refused
) -> None:
    letting = {
        "Effect": "Allow",
        "Principal": {"AWS": ["111122223333", "444455556666"]},
        "Action": "*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [letting]})
    other = clients.in_account("444455556666").kms.create_key(Policy=policy)["KeyMetadata"]
    clients.secrets.create_secret(Name=name, SecretString="x", KmsKeyId=other["Arn"])
    with refused("ResourceNotFoundException"):
        clients.secrets.create_secret(Name=name + "2", SecretString="x", KmsKeyId=other["KeyId"])
    assert kms.describe_key(KeyId=other["Arn"])["KeyMetadata"]["AWSAccountId"] == "444455556666"


def test_a_key_made_without_a_usage_encrypts(kms: KMSClient, key: str) -> None:
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyUsage"] == "ENCRYPT_DECRYPT"
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    assert mac["KeyUsage"] == "GENERATE_VERIFY_MAC"


def test_the_default_key_of_secrets_manager_has_the_policy_that_aws_gives_it(clients: Clients) -> None:
    about = clients.kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    account = about["AWSAccountId"]
    document = json.loads(clients.kms.get_key_policy(KeyId=about["KeyId"], PolicyName="default")["Policy"])
    assert document["Id"] == "auto-secretsmanager-2"
    use, data_keys, metadata = document["Statement"]
    assert (use["Principal"], data_keys["Principal"]) == ({"AWS": "*"}, {"AWS": "*"})
    via = f"secretsmanager.{clients.session.region_name}.amazonaws.com"
    assert use["Condition"] == {"StringEquals": {"kms:CallerAccount": account, "kms:ViaService": via}}
    assert "kms:Decrypt" in use["Action"]
    assert data_keys["Condition"]["StringEquals"] == {"kms:CallerAccount": account}
    assert metadata["Principal"] == {"AWS": f"arn:aws:iam::{account}:root"}
    assert "kms:Decrypt" not in metadata["Action"]
