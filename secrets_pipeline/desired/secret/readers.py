"""Check readers in another account: they need a customer-managed key that is ours, or named by its ARN.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secrets_pipeline.desired.base import SecretRef, Target
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.kms_key.model import KeySpec, own_key
from secrets_pipeline.desired.limits import KEY_ARN, POLICY_BYTES
from secrets_pipeline.desired.policy.principals import account_of_principal, foreign_readers
from secrets_pipeline.desired.policy.statements import policy_bytes
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.references.model import Output, Path

_ARN_OUTPUTS = frozenset({"key_arn", "kms_key_arn", "alias_arn"})
"""Outputs of a key's component, in another stack, that are ARNs."""


def with_foreign_readers(
    stack: StackScope,
    target: Target,
    secrets: Iterable[SecretSpec],
    keys: Sequence[KeySpec],
    consumers: Iterable[ConsumerSpec],
    *,
    organization_id: str | None = None,
) -> tuple[list[SecretSpec], list[KeySpec]]:
    """Secrets and keys with the principals of other accounts that read them; a key that cannot serve is collected.

    Without a known account of the stack nobody counts as foreign.

    Args:
        stack: where errors are collected.
        target: where the stack lives.
        secrets: as declared.
        keys: that the stack makes.
        consumers: of the stack.
        organization_id: that these readers have to belong to; None for any or none.
    """
    readers: dict[SecretRef, dict[str, ConsumerSpec]] = {}
    for consumer in consumers:
        for arn in consumer.readers:
            if target.account_id and account_of_principal(arn) not in (None, target.account_id):
                for ref in consumer.secrets:
                    readers.setdefault(ref, {}).setdefault(arn, consumer)
    key_readers: dict[str, set[str]] = {}
    read_secrets = []
    for secret in secrets:
        foreign = readers.get(secret.ref, {})
        named = named_by_policy(secret, target)
        own = own_key(keys, secret.kms_key, stack.stack.name)
        kms_key = secret.kms_key
        if own is not None:
            # By its ARN from the start: whoever reads from another account later cannot find an alias or id of ours.
            kms_key = _arn_output(stack, own)
            key_readers.setdefault(own.alias, set()).update(foreign, named)
        elif not _is_key_arn(kms_key):
            _refuse(stack, secret, foreign, named)
        if foreign:
            _check_size(stack, secret, foreign, organization_id)
        read_secrets.append(secret.model_copy(update={"readers": tuple(sorted(foreign)), "kms_key": kms_key}))
    read_keys = [
        key.model_copy(update={"readers": tuple(sorted(key_readers[key.alias]))}) if key_readers.get(key.alias) else key
        for key in keys
    ]
    return read_secrets, read_keys


def _arn_output(stack: StackScope, key: KeySpec) -> Output:
    component = key.components[0]
    return Output(component, ("key_arn" if stack.kinds[component] == "kms" else "kms_key_arn",))


def _is_key_arn(key: object) -> bool:
    if isinstance(key, Output):
        return key.name in _ARN_OUTPUTS
    return isinstance(key, str) and KEY_ARN.fullmatch(key) is not None


def named_by_policy(secret: SecretSpec, target: Target) -> list[str]:
    """The principals of other accounts that the secret's own policy lets read it."""
    if target.account_id is None:
        return []
    return sorted({one for statement in secret.policy for one in foreign_readers(statement, target.account_id)})


def _refuse(stack: StackScope, secret: SecretSpec, foreign: dict[str, ConsumerSpec], named: list[str]) -> None:
    key = "the default key aws/secretsmanager" if secret.kms_key is None else f"key {secret.kms_key}"
    for arn, consumer in sorted(foreign.items())[:1]:
        who = f"consumer {consumer.name} ({arn}) is in another account"
        _need_key_arn(stack, secret, (), f"{who}, but the secret is encrypted under {key}")
    for arn in named[:1]:
        who = f"the policy lets {arn} of another account read the secret"
        _need_key_arn(stack, secret, ("policy",), f"{who}, but it is encrypted under {key}")


def _need_key_arn(stack: StackScope, secret: SecretSpec, below: Path, message: str) -> None:
    stack.components[secret.ref.component].error(
        ("vars", "secrets", secret.ref.key, *below),
        message,
        "A reader in another account needs a customer-managed key that this stack makes or that is named by its ARN: "
        "set create_kms_key: true, or kms_key_id: !terraform.state kms key_arn.",
    )


def _check_size(
    stack: StackScope, secret: SecretSpec, foreign: dict[str, ConsumerSpec], organization_id: str | None
) -> None:
    size = policy_bytes(secret.policy, list(foreign), organization_id=organization_id)
    if size > POLICY_BYTES >= policy_bytes(secret.policy):
        whom = f"{len(foreign)} readers in other accounts" if len(foreign) > 1 else "reader in another account"
        stack.components[secret.ref.component].error(
            ("vars", "secrets", secret.ref.key),
            f"with the statement for its {whom}, the policy has {size} bytes, AWS takes {POLICY_BYTES}",
            "Write fewer or wider statements under policy, or let the readers assume one role.",
        )
