"""Judge whether Secrets Manager may invoke a rotation function, as AWS judges it; let it in by AddPermission.

AWS advises aws:SourceAccount alone: with aws:SourceArn a function could rotate one secret only.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import LayerOutcome
from secrets_pipeline.access.reach.invoke import INVOKE, SECRETS_MANAGER, invoked_by_secrets_manager
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.functions import Policy

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

STATEMENT = "SecretsPipelineRotation"


def invocation_problem(stack: Stack, function: str, secret_arn: str | None = None) -> str | None:
    """Say why Secrets Manager could not invoke a function; None where it may, or where that cannot be known.

    Args:
        stack: the stack.
        function: ARN of the function.
        secret_arn: for which secret; None where it does not exist yet.

    Raises:
        AwsError: if Lambda refuses for another reason than access.
    """
    decision = invoked_by_secrets_manager(
        stack.observed.functions.policy(function), function, stack.account.account_id, secret_arn=secret_arn
    )
    if decision.allowed is not False:
        return None
    vote = decision.decided_by
    if vote.outcome is LayerOutcome.DENIES:
        return f"function {function} denies {SECRETS_MANAGER} to invoke it, statement {vote.statement}"
    return f"function {function} does not let {SECRETS_MANAGER} invoke it"


def invocation_remedy(stack: Stack, function: str) -> str:
    """Say what lets Secrets Manager in."""
    return (
        f"aws lambda add-permission --function-name {function} --statement-id SecretsManager --action {INVOKE} "
        f"--principal {SECRETS_MANAGER} --source-account {stack.account.account_id} (the pipeline does it where the "
        "function's lambda component says settings.secrets_pipeline.deliver: true)"
    )


def let_in(stack: Stack, function: str) -> str:
    """Let Secrets Manager invoke a function on behalf of the stack's account, by AddPermission.

    Returns:
        What was done, for a human.

    Raises:
        AwsError: if Lambda refuses, or a statement of the function's policy denies it.
    """
    stack.observed.functions.forget_policy(function)
    if invocation_problem(stack, function) is None:
        return f"{SECRETS_MANAGER} may invoke it already"
    client = stack.account.client("lambda")
    if STATEMENT in _statements(stack.observed.functions.policy(function)):
        # Ours by its id, and not as we write it: somebody changed it.
        with calling("RemovePermission", function):
            client.remove_permission(FunctionName=function, StatementId=STATEMENT)
    with calling("AddPermission", function):
        client.add_permission(
            FunctionName=function,
            StatementId=STATEMENT,
            Action=INVOKE,
            Principal=SECRETS_MANAGER,
            SourceAccount=stack.account.account_id,
        )
    stack.observed.functions.forget_policy(function)
    if problem := invocation_problem(stack, function):
        raise AwsError(problem, remedy="Take that statement out of the function's policy.")
    return f"{SECRETS_MANAGER} may invoke it"


def _statements(policy: Policy) -> set[str]:
    if not isinstance(policy, Mapping):
        return set()
    return {str(one.get("Sid")) for one in policy.get("Statement", ()) if isinstance(one, Mapping)}
