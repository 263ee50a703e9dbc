"""Find the KMS key that protects a secret, and refuse one that KMS would refuse to use.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""

from __future__ import annotations

import re
from typing import Literal

from moto.kms.models import Key, kms_backends

from secrets_pipeline.emulator.core.fault import Fault

DEFAULT_ALIAS = "alias/aws/secretsmanager"
_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<rest>(key|alias)/.+)")


def key_of(key_id: str, account_id: str, region: str) -> Key:
    """The key behind an id, ARN, alias name or alias ARN, in whichever account the ARN names.

    Raises:
        Fault: ResourceNotFoundException.
    """
    match = _ARN.fullmatch(key_id)
    owner = match["account"] if match else account_id
    if match is None or match["region"] == region:
        backend = kms_backends[owner][region]
        alias = backend.get_alias_name(key_id)
        raw = backend.get_key_id_from_alias(alias) if alias.startswith("alias/") else backend.get_key_id(key_id)
        if raw in backend.keys:
            return backend.keys[raw]
    raise Fault("ResourceNotFoundException", f"Secrets Manager can't find the specified KMS key: {key_id}")


def require(key_id: str | None, account_id: str, region: str, use: Literal["encrypt", "decrypt"]) -> None:
    """Refuse to use a key that KMS would refuse to use.

    Args:
        key_id: KmsKeyId; None is `aws/secretsmanager`, which is always usable inside its account.
        account_id: account of the secret.
        region: region of the secret.
        use: `encrypt` for writes, `decrypt` for reads.

    Raises:
        Fault: ResourceNotFoundException, EncryptionFailure or DecryptionFailure.
    """
    if key_id is None:
        return
    key = key_of(key_id, account_id, region)
    if key.key_state == "Enabled" and key.key_spec == "SYMMETRIC_DEFAULT":
        return
    state = "pending deletion" if key.key_state == "PendingDeletion" else key.key_state.lower()
    reason = f"{key.arn} is {state}." if key.key_state != "Enabled" else f"{key.arn} is not a symmetric key."
    if use == "encrypt":
        raise Fault(
            "EncryptionFailure",
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. "
            f"Check that the KMS key is available, enabled, and not in an invalid state: {reason}",
        )
    raise Fault(
        "DecryptionFailure",
        f"Secrets Manager can't decrypt the protected secret text using the provided KMS key: {reason}",
    )
