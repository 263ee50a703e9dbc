"""Resolve what a stack asks of a KMS key that it makes: its policy, its tags, and the digest of all for its mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.access.policy_text.statements import key_policy
from secrets_pipeline.desired.checks.reader_crossings import not_let_in
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.policy.lockout import KEY_RECOVERY, Caller, locks_out
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers.kms_key.lookup import key_marks
from secrets_pipeline.reconcilers.marks.declared_tags import DeclaredTags
from secrets_pipeline.reconcilers.observed.tags import surplus_tags
from secrets_pipeline.reconcilers.tag_keys import TAGS
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
            root = Caller(account.account_id)
            if any(locks_out(statement, root, KEY_RECOVERY) for statement in declared):
                raise SpecError(
                    f"the policy of {key.alias} denies the account's root access to its own key",
                    remedy="Nobody could repair such a key: name other principals to deny.",
                )
            if wrong := not_let_in(declared, account.account_id, stack.spec.stack, stack.run.settings.grants):
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


def declared_keys_tag(stack: Stack, key: KeySpec, held: Mapping[str, str]) -> dict[str, str]:
    """Make the tag that says which tags of a key the stack declares, or did.

    Args:
        stack: the stack.
        key: one of its keys.
        held: the tags that the key has.
    """
    return DeclaredTags(stack.ownership.fingerprinter, key.alias).record(key.tags, held)


def left_tags(stack: Stack, key: KeySpec, held: Mapping[str, str], *, finished: bool) -> list[str]:
    """Find the tags that the stack declared once and does not any more: only those are taken away.

    Keys of older versions do not say which were declared. Those versions took away what nobody declared: as long as a
    key is as the last apply left it, what else is there was added since, and stays.

    Args:
        stack: the stack.
        key: one of its keys.
        held: the tags that the key has.
        finished: whether its mark is that of what is declared now.
    """
    surplus = surplus_tags(held, declared_tags(stack, key))
    if TAGS not in held:
        return [] if finished else surplus
    return DeclaredTags(stack.ownership.fingerprinter, key.alias).recorded(surplus, held)


def declared_digest(stack: Stack, key: KeySpec, policy: dict[str, Any]) -> str | None:
    """Digest all that a key should be, for its mark; None where there is no fingerprint key yet."""
    return key_marks(stack).digest(
        key.description,
        json.dumps([key.enable_key_rotation, key.rotation_period_in_days]),
        json.dumps(declared_tags(stack, key), sort_keys=True),
        canonical(policy),
    )
