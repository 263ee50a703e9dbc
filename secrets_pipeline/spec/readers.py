"""Readers in another account: they need a customer-managed key that is ours, or named by its ARN.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secrets_pipeline.references import Output
from secrets_pipeline.spec.limits import KEY_ARN, PRINCIPAL_ARN
from secrets_pipeline.spec.model import ConsumerSpec, KeySpec, SecretRef, SecretSpec, Target
from secrets_pipeline.spec.scope import StackScope


def with_foreign_readers(
    stack: StackScope,
    target: Target,
    secrets: Iterable[SecretSpec],
    keys: Sequence[KeySpec],
    consumers: Iterable[ConsumerSpec],
) -> tuple[list[SecretSpec], list[KeySpec]]:
    """Secrets and keys with the principals of other accounts that read them; a key that cannot serve is collected.

    Without a known account of the stack nobody counts as foreign.
    """
    readers: dict[SecretRef, dict[str, ConsumerSpec]] = {}
    for consumer in consumers:
        for arn in consumer.principals.values():
            if target.account_id and account_of(arn) not in (None, target.account_id):
                for ref in consumer.secrets:
                    readers.setdefault(ref, {}).setdefault(arn, consumer)
    key_readers: dict[str, set[str]] = {}
    read_secrets = []
    for secret in secrets:
        foreign = readers.get(secret.ref, {})
        own = key_of(secret, keys)
        if foreign and own is None and not _is_key_arn(secret.kms_key):
            _refuse(stack, secret, foreign)
        if own is not None:
            key_readers.setdefault(own.alias, set()).update(foreign)
        read_secrets.append(secret.model_copy(update={"readers": tuple(sorted(foreign))}) if foreign else secret)
    read_keys = [
        key.model_copy(update={"readers": tuple(sorted(key_readers[key.alias]))}) if key_readers.get(key.alias) else key
        for key in keys
    ]
    return read_secrets, read_keys


def account_of(arn: str) -> str | None:
    """The account of an IAM principal."""
    found = PRINCIPAL_ARN.fullmatch(arn)
    return found.group(1) if found else None


def key_of(secret: SecretSpec, keys: Iterable[KeySpec]) -> KeySpec | None:
    """The key of this stack that encrypts a secret, or None for a key that is not ours."""
    named = secret.kms_key
    for key in keys:
        if named == key.alias or (isinstance(named, Output) and named.component in key.components):
            return key
    return None


def _is_key_arn(key: object) -> bool:
    return isinstance(key, str) and KEY_ARN.fullmatch(key) is not None


def _refuse(stack: StackScope, secret: SecretSpec, foreign: dict[str, ConsumerSpec]) -> None:
    arn, consumer = next(iter(sorted(foreign.items())))
    scope = stack.components[secret.ref.component]
    named = "the default key aws/secretsmanager" if secret.kms_key is None else f"key {secret.kms_key}"
    scope.error(
        ("vars", "secrets", secret.ref.key),
        f"consumer {consumer.name} ({arn}) is in another account, but the secret is encrypted under {named}",
        "A reader in another account needs a customer-managed key that this stack makes or that is named by its ARN: "
        "set create_kms_key: true, or kms_key_id: ${output.kms.key_arn}.",
    )
