"""Refuse to write for a stack whose account nobody names: credentials say where one is, not where a stack belongs."""

from __future__ import annotations

from contextlib import suppress

from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError, GuardError, Lines, Where

_DIGITS = "<12 digits>"


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
