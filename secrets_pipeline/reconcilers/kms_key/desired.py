"""Resolve what a stack asks of a KMS key that it makes: its policy, its tags, and the digest of all for its mark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.statements import key_policy
from secrets_pipeline.access.policy_text.write import canonical
from secrets_pipeline.desired.kms_key.lockout import locks_out_root
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.kms_key.lookup import key_marks
from secrets_pipeline.reconcilers.policy_readers import not_let_in
from secrets_pipeline.references.resolve import Pending, Plain, substitute

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def declared_policy(stack: Stack, key: KeySpec) -> dict[str, Any] | Pending:
    """Resolve the policy that a key should have, or what it waits for.

    Raises:
        SpecError: if it would lock the account's root out.
    """
    account = stack.account
    match substitute(list(key.policy), stack.resolve):
        case Plain(value=list() as declared):
            if any(locks_out_root(statement, account.account_id) for statement in declared):
                raise SpecError(
                    f"the policy of {key.alias} denies the account's root access to its own key",
                    remedy="Nobody could repair such a key: name other principals to deny.",
                )
            if wrong := not_let_in(stack, declared):
                return Pending(f"its policy {wrong}")
            return key_policy(
                account.account_id,
                account.region,
                account.partition,
                declared,
                key.readers,
                organization_id=stack.spec.organization_id,
            )
        case Pending() as pending:
            return pending
        case _:
            return Pending("its policy holds a secret value")


def declared_tags(stack: Stack, key: KeySpec) -> dict[str, str]:
    """List the tags that a key should have beside its mark: those of the YAML, and those that say whose it is."""
    return {**key.tags, **key_marks(stack).identity(key.alias)}


def declared_digest(stack: Stack, key: KeySpec, policy: dict[str, Any]) -> str | None:
    """Digest all that a key should be, for its mark; None where there is no fingerprint key yet."""
    return key_marks(stack).digest(
        key.description,
        json.dumps([key.enable_key_rotation, key.rotation_period_in_days]),
        json.dumps(declared_tags(stack, key), sort_keys=True),
        canonical(policy),
    )
