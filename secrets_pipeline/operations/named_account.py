"""Name the account of a stack, and refuse to write for one whose account nobody names.

Credentials say where one is, not where a stack belongs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from secrets_pipeline.arn import account_of
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError, GuardError, Lines, Where

_DIGITS = "<12 digits>"


def asked_as(target: Target | None, env: Mapping[str, str] = os.environ) -> str:
    """Name an account as it reads behind `AWS`: the declared account, else that of the role, else of the credentials.

    Args:
        target: where a stack lives; None if nobody knows.
        env: the environment, which may name a profile.
    """
    account = target and (target.account_id or (account_of(target.role_arn) if target.role_arn else ""))
    if account:
        return f"account {account}"
    profile = env.get("AWS_PROFILE")
    return f"account of profile {profile}" if profile else "account of the default credentials"


def refuse_unnamed_account(spec: StackSpec, settings: OperatorSettings, sessions: Sessions) -> None:
    """Refuse a stack that is to be written, unless the operator or `vars.account_id` names its account.

    STS GetCallerIdentity tells whose the credentials are, for the line that names it; nothing else is called.

    Args:
        spec: the stack.
        settings: the operator's.
        sessions: how its account is reached.

    Raises:
        GuardError: with the line of the operator's settings that names the account.
    """
    if spec.target.account_id is not None:
        return
    stack, rule, found = spec.stack, settings.target(spec.stack), ""
    with suppress(AwsError):
        found = sessions.for_target(spec.target).account_id
    account = f'account_id: "{found or _DIGITS}"'
    if rule is None:
        where = "Write this into the operator's settings (--config FILE, or SECRETS_PIPELINE_CONFIG):"
        remedy: str = Lines.of(where, "targets:", f'  - {{stacks: "{stack}", {account}}}')
    else:
        remedy = (
            f'Write {account} into its rule under targets of the operator\'s settings: {{stacks: "{rule.stacks}"}}.'
        )
    raise GuardError(
        "nobody says to which account this stack belongs, so nothing is written"
        + (f"; the credentials belong to {found}" if found else ""),
        remedy=Lines.of(remedy, f"Or write vars.{account} into the stack."),
        where=Where(stack=stack),
    )
