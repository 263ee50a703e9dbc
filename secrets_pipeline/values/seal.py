"""Seal the generated values of one stack as one message of the AWS Encryption SDK, by a KMS key, and open it.

The suite commits to the data key and does not sign: who seals and who opens are the same pipeline. So the header's
encryption context is exactly the one that was given.
Source: https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/supported-algorithms.html
"""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aws_encryption_sdk
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from pydantic import SecretStr

from secrets_pipeline.aws.faults import explained
from secrets_pipeline.errors import SealError, SecretsPipelineError
from secrets_pipeline.values.bundle import GeneratedPasswords

if TYPE_CHECKING:
    from botocore.session import Session

# It logs stack traces of failures that are reported as SealError; who configures logging still gets them.
logging.getLogger("aws_encryption_sdk").addHandler(logging.NullHandler())

_SDK: Any = aws_encryption_sdk  # it ships no types
_CLIENT = _SDK.EncryptionSDKClient(
    commitment_policy=_SDK.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=1
)
_SUITE = _SDK.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
_FAILURES = (AWSEncryptionSDKClientError, ClientError, BotoCoreError, Boto3Error)
_DAMAGED = (InvalidTag, ValueError)
"""What the SDK lets through of a message that was changed (fuzzed: nothing else)."""


@dataclass(frozen=True, slots=True)
class SealContext:
    """What a seal belongs to; it is the message's encryption context, so KMS and CloudTrail see it.

    Attributes:
        account_id: 12 digits.
        region: AWS region name.
        stack: logical stack name.
    """

    account_id: str
    region: str
    stack: str

    def encryption_context(self) -> dict[str, str]:
        """The pairs that KMS binds to the data key."""
        return {"account": self.account_id, "region": self.region, "stack": self.stack}

    def __str__(self) -> str:
        return f"stack {self.stack} in account {self.account_id}, {self.region}"


def seal(bundle: GeneratedPasswords, *, session: Session, key_arn: str, context: SealContext) -> bytes:
    """Encrypt a bundle; one GenerateDataKey.

    Args:
        bundle: the generated values.
        session: botocore session of the account, for example `AwsAccount.botocore_session`.
        key_arn: ARN of a symmetric key; an alias does not open again.
        context: what the seal belongs to.

    Raises:
        SealError: if KMS refuses.
    """
    values = {ref: value.get_secret_value() for ref in bundle.refs if (value := bundle.get(ref)) is not None}
    try:
        message, _ = _CLIENT.encrypt(
            source=json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode(),
            key_provider=_provider(session, key_arn),
            encryption_context=context.encryption_context(),
            algorithm=_SUITE,
        )
    except _FAILURES as error:
        raise _failure("made", context, key_arn, error) from None
    return bytes(message)


def open_seal(message: bytes, *, session: Session, key_arn: str, context: SealContext) -> GeneratedPasswords:
    """Decrypt a seal and compare what it belongs to; one Decrypt.

    Args:
        message: what `seal` returned.
        session: botocore session of the account.
        key_arn: ARN of the key that sealed.
        context: what the seal must belong to.

    Raises:
        SealError: if KMS refuses, the message was changed, or it belongs to another account, region or stack.
    """
    try:
        plaintext, header = _decrypted(message, _provider(session, key_arn))
    except (*_FAILURES, *_DAMAGED) as error:
        raise _failure("opened", context, key_arn, error) from None
    if header.encryption_context != context.encryption_context():
        raise SealError(
            f"the seal does not belong to {context}",
            remedy="Somebody moved it: delete it and materialise generated_passwords again.",
        )
    return GeneratedPasswords({ref: SecretStr(value) for ref, value in json.loads(plaintext).items()})


def _decrypted(message: bytes, provider: object) -> tuple[bytes, Any]:
    stream = _CLIENT.stream(mode="d", source=message, key_provider=provider)
    try:
        return stream.read(), stream.header
    finally:
        # The SDK's own close fails where not all was read, and from Python 3.13 on a finalizer reports that.
        io.IOBase.close(stream)


def _provider(session: Session, key_arn: str) -> object:
    return _SDK.StrictAwsKmsMasterKeyProvider(key_ids=[key_arn], botocore_session=session)


def _failure(done: str, context: SealContext, key_arn: str, error: Exception) -> SealError:
    changed = isinstance(error, _DAMAGED)
    reason = "it was changed since it was made" if changed else scrubbed(error.__cause__ or error)
    return SealError(
        f"the seal of {context} cannot be {done}: {reason}",
        remedy=f"The caller must be allowed to use {key_arn}, enabled; delete a damaged seal and make it again.",
    )


def scrubbed(error: BaseException) -> str:
    """What may be said of an error: ours in full, botocore's without parameters, any other by its type alone."""
    if isinstance(error, SecretsPipelineError):
        return error.diagnostics()
    return explained(error) or type(error).__name__
