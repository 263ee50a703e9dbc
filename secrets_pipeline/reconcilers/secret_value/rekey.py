"""Move a secret to another KMS key by UpdateSecret, so that nothing stays under the old one.

UpdateSecret encrypts what is stored again only where the caller may use both keys; where not, it succeeds and versions
stay silently under the old key. So both keys are tried first, and the same value is written again afterwards.
A value that somebody else brings is not written by us: what UpdateSecret encrypted again opens with either key until a
new value is put, and whether it did is read from ListSecretVersionIds.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html and
https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-encryption-key.html
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret_value.encryption import key_id
from secrets_pipeline.reconcilers.secret_value.read import read_content
from secrets_pipeline.reconcilers.secret_value.rotation_end import after_rotation
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_DEFAULT_KEY = ""
"""How UpdateSecret is told to use `aws/secretsmanager`; its alias would stand in the secret's metadata."""
_WRITERS_CHECK = "RequestToValidateKeyAccess"
"""The version id in the encryption context with which Secrets Manager itself first tries a key."""


def rekey(stack: Stack, state: SecretState, key: str | None, *, external: bool = False) -> None:
    """Make `key` the secret's key by UpdateSecret, and write the same value under it; the old key where that fails.

    Args:
        stack: the stack.
        state: the secret, as confirmed.
        key: KmsKeyId; None for `aws/secretsmanager`.
        external: whether somebody else brings its value: no version is written then.

    Raises:
        SkippedError: while a rotation is in progress, or if the secret is not ours any more.
        AwsError: if one of the two keys cannot be used, or AWS refuses.
    """
    state = after_rotation(stack, state)
    if state.current_version is not None:
        read_content(stack, state, version=state.current_version)
    if key is not None:
        _try_to_encrypt(stack, state, key)
    _set_key(stack, state, key)
    if state.current_version is None:
        stack.observed.secrets.refresh(state.name)
        return
    try:
        moved = stack.observed.secrets.refresh(state.name) or state
        if not stack.ownership.owns(moved):
            raise SkippedError(f"secret {state.name} is not ours any more")
        if external:
            _check_encrypted_again(stack, moved, key)
        else:
            ValueWriter(stack).rewrite(moved.name)
    except AwsError:
        # The value stays readable as it was. Where this fails too, the tags say under which key the value is.
        with contextlib.suppress(AwsError):
            _set_key(stack, state, state.kms_key_id)
            stack.observed.secrets.refresh(state.name)
        raise


def _check_encrypted_again(stack: Stack, state: SecretState, key: str | None) -> None:
    """Raise where UpdateSecret left the current version under the old key alone, as far as AWS says."""
    opening = stack.observed.secrets.version_keys_now(state, state.current_version or "")
    if opening and key_id(stack, key) not in {key_id(stack, one) for one in opening}:
        raise AwsError(
            f"the value of {state.name} was not encrypted again under {key or 'the default key'}",
            operation="UpdateSecret",
            remedy="Let the pipeline's role use both keys through Secrets Manager, or put the value anew.",
        )


def _set_key(stack: Stack, state: SecretState, key: str | None) -> None:
    with calling("UpdateSecret", state.name):
        stack.account.client("secretsmanager").update_secret(SecretId=state.arn, KmsKeyId=key or _DEFAULT_KEY)


def _try_to_encrypt(stack: Stack, state: SecretState, key: str) -> None:
    """Ask KMS, without doing it, whether we may encrypt for this secret.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
    """
    client = stack.account.client("kms")
    try:
        with (
            calling("Encrypt", f"under {key} for {state.name}"),
            contextlib.suppress(client.exceptions.DryRunOperationException),
        ):
            client.encrypt(
                KeyId=key,
                Plaintext=b"\0",
                EncryptionContext={"SecretARN": state.arn, "SecretVersionId": _WRITERS_CHECK},
                DryRun=True,
            )
    except AwsError as error:
        # A key policy may let us use the key through Secrets Manager alone; the write that follows tells.
        if not error.denied:
            raise
