"""Use keys of secrets on behalf of whoever calls: KMS must let the client, and the key must be usable.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-using-cmk
"""

from __future__ import annotations

from typing import Literal

from secrets_pipeline.emulator.core import secret_key
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement.secrets import NO_KMS, VALIDATION
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret, Version
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest

Use = Literal["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
_RELATIVE = "You must specify a KMS key ARN to update the secret from a different AWS account."


def use(
    request: OperationRequest,
    secret_arn: str,
    key_id: str | None,
    action: Use,
    version_id: str = VALIDATION,
    *,
    region: str | None = None,
) -> None:
    """Refuse a key that the client or KMS would not have used.

    Args:
        request: whose call it is.
        secret_arn: the secret.
        key_id: KmsKeyId; None is `aws/secretsmanager`.
        action: what it is used for.
        version_id: the version; by default a trial of the key.
        region: of the key, if it is not that of the request.

    Raises:
        Fault: ResourceNotFoundException, AccessDeniedException, InvalidRequestException, EncryptionFailure,
            DecryptionFailure.
    """
    where, access = region or request.region, request.access
    if access is not None:
        key = secret_key.key_of(key_id or secret_key.DEFAULT_ALIAS, request.account_id, where)
        if access.client.account_id != request.account_id and key_id and not key_id.startswith("arn:"):
            # A name without account is looked up in that of the client.
            if action == "kms:Decrypt":
                raise Fault("AccessDeniedException", NO_KMS)
            raise Fault("InvalidRequestException", _RELATIVE)
        access.require_key(key, action, secret_arn, version_id)
    secret_key.require(key_id, request.account_id, where, "decrypt" if action == "kms:Decrypt" else "encrypt")


def try_out(request: OperationRequest, secret_arn: str, key_id: str | None) -> None:
    """Use a key for nothing, as Secrets Manager does before it associates it with a secret.

    Raises:
        Fault: see `use`.
    """
    use(request, secret_arn, key_id, "kms:GenerateDataKey")
    use(request, secret_arn, key_id, "kms:Decrypt")


def open_version(request: OperationRequest, secret: EmulatedSecret, version: Version) -> None:
    """Refuse a version that no key of it opens for the client.

    Raises:
        Fault: what its latest key answers; see `use`.
    """
    failures = []
    for key_id in version.key_ids:
        try:
            use(request, secret.arn, key_id, "kms:Decrypt", version.id)
        except Fault as failure:
            failures.append(failure)
        else:
            return
    raise failures[0]
