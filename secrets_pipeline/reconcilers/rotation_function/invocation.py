"""Judge whether Secrets Manager may invoke a rotation function, as AWS judges it; let it in by AddPermission.

AWS advises aws:SourceAccount alone: with aws:SourceArn a function could rotate one secret only.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import Decision, LayerOutcome
from secrets_pipeline.access.reach.invoke import INVOKE, SECRETS_MANAGER, invoked_by_secrets_manager
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.functions import Policy

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

STATEMENT = "SecretsPipelineRotation"
_SECONDS, _PAUSE = 20.0, 1.0
"""Lambda may show a policy as it was before a statement was added."""


def invocation_problem(stack: Stack, function: str, secret_arn: str | None = None) -> str | None:
    """Say why Secrets Manager could not invoke a function; None where it may, or where that cannot be known.

    Args:
        stack: the stack.
        function: ARN of the function.
        secret_arn: for which secret; None where it does not exist yet.

    Raises:
        AwsError: if Lambda refuses for another reason than access.
    """
    decision = _judged(stack, function, secret_arn)
    if decision.allowed is not False:
        return None
    return _denial(function, decision) or f"function {function} does not let {SECRETS_MANAGER} invoke it"


def _denial(function: str, decision: Decision) -> str:
    vote = decision.decided_by
    denies = vote.outcome is LayerOutcome.DENIES
    return f"function {function} denies {SECRETS_MANAGER} to invoke it, statement {vote.statement}" if denies else ""


def _judged(stack: Stack, function: str, secret_arn: str | None = None) -> Decision:
    policy = stack.observed.functions.policy(function)
    return invoked_by_secrets_manager(policy, function, stack.account.account_id, secret_arn=secret_arn)


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
    until = stack.run.clock() + _SECONDS
    while (decision := _judged(stack, function)).allowed is False and stack.run.clock() < until:
        if denial := _denial(function, decision):
            raise AwsError(denial, remedy="Take that statement out of the function's policy.")
        stack.run.sleep(_PAUSE)
        stack.observed.functions.forget_policy(function)
    return f"{SECRETS_MANAGER} may invoke it"


def _statements(policy: Policy) -> set[str]:
    if not isinstance(policy, Mapping):
        return set()
    return {str(one.get("Sid")) for one in policy.get("Statement", ()) if isinstance(one, Mapping)}
