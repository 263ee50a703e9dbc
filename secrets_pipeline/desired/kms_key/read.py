"""Read `kms` components: a key with its alias.

Variables are those of Cloud Posse's component, https://github.com/cloudposse/terraform-aws-kms-key; tf-atmos has none.
"""

from __future__ import annotations

from typing import Any

from secrets_pipeline.desired.kms_key.keys import DELETION_DAYS, ROTATION_DAYS
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.limits import ALIAS, KEY_POLICY_BYTES
from secrets_pipeline.desired.names import alias_variable, key_alias
from secrets_pipeline.desired.policy.lockout import KEY_RECOVERY, Caller, locks_out
from secrets_pipeline.desired.policy.principals import is_public
from secrets_pipeline.desired.policy.statements import is_whole, statements
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope


def read_component(scope: ComponentScope, account_id: str | None = None) -> KeySpec | None:
    """The key of one component; None, with errors collected, if it has no usable alias.

    Args:
        scope: a `kms` component.
        account_id: the stack's account, if anybody said.
    """
    inputs = Inputs(scope, scope.component.vars, ("vars",))
    key = alias_variable(inputs.values)
    alias = inputs.required_text(
        key,
        f"Write vars.alias of component {scope.name}, for example alias/myapp-dev; or name the key by its ARN or alias "
        "where a secret refers to it.",
    )
    full = key_alias(alias)
    if alias and not ALIAS.fullmatch(full):
        inputs.error(
            key, f"alias is {alias!r}", "Use letters, digits, /, _ and -, and do not begin with aws/: alias/myapp-dev."
        )
    spec = KeySpec(
        components=(scope.name,),
        alias=full,
        description=inputs.text("description") or "",
        enable_key_rotation=inputs.boolean("enable_key_rotation", default=True),
        rotation_period_in_days=inputs.integer(
            "rotation_period_in_days", least=ROTATION_DAYS[0], most=ROTATION_DAYS[1]
        ),
        deletion_window_in_days=inputs.integer(
            "deletion_window_in_days", 30, least=DELETION_DAYS[0], most=DELETION_DAYS[1]
        )
        or DELETION_DAYS[1],
        tags=inputs.made_tags(),
        policy=_policy(inputs, account_id),
        create=scope.flag("create"),
    )
    return spec if alias else None


def _policy(inputs: Inputs, account_id: str | None) -> tuple[Any, ...]:
    """Declared statements; the account's own `kms:*` stands beside them, and none may take it away."""
    declared = statements(inputs, longest=KEY_POLICY_BYTES)
    for number, statement in enumerate(declared, start=1):
        if not is_whole(inputs, number, statement):
            continue
        if is_public(statement):
            inputs.error(
                "policy",
                f"statement {statement.get('Sid') or number} lets everybody use the key",
                "Name the principals, or narrow it by a condition on aws:PrincipalOrgID, aws:PrincipalArn, "
                "aws:PrincipalAccount or the like, with fixed values.",
            )
        if locks_out(statement, Caller(account_id), KEY_RECOVERY):
            inputs.error(
                "policy",
                f"statement {statement.get('Sid') or number} denies the account's root access to its own key",
                "Nobody could repair such a key. Name the principals to deny, or leave kms:PutKeyPolicy and "
                "kms:GetKeyPolicy out of it.",
            )
    return declared
