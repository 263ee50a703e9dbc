"""Whether Secrets Manager may invoke a rotation function; read by deep plans alone.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws import AwsError, calling

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

_PRINCIPAL = "secretsmanager.amazonaws.com"
_ACTIONS = frozenset({"lambda:InvokeFunction", "lambda:Invoke*", "lambda:*", "*"})
_HIDDEN = "AccessDeniedException"
REMEDY = (
    "aws lambda add-permission --function-name FUNCTION --statement-id SecretsManager "
    f"--action lambda:InvokeFunction --principal {_PRINCIPAL} --source-account ACCOUNT"
)


def invocation_problem(context: StackContext, function: str) -> str | None:
    """Why Secrets Manager could not invoke a function; None where it may, or where we may not look.

    Args:
        context: the stack.
        function: ARN of the function.

    Raises:
        AwsError: if Lambda refuses for another reason than access.
    """
    client = context.account.client("lambda")

    def read() -> str:
        with calling("GetPolicy", function):
            try:
                return client.get_policy(FunctionName=function)["Policy"]
            except client.exceptions.ResourceNotFoundException:
                return "{}"

    try:
        policy: str = context.inventory.remember("function policy", function, read=read)
    except AwsError as error:
        # A function of another account hides its policy, and works all the same.
        if error.code == _HIDDEN:
            return None
        raise
    if any(_lets_in(statement) for statement in json.loads(policy).get("Statement", ())):
        return None
    return f"function {function} does not let {_PRINCIPAL} invoke it"


def _lets_in(statement: Mapping[str, Any]) -> bool:
    principal, actions = statement.get("Principal"), statement.get("Action")
    services = principal.get("Service", ()) if isinstance(principal, Mapping) else principal
    named = {services} if isinstance(services, str) else set(services or ())
    asked = {actions} if isinstance(actions, str) else set(actions or ())
    return statement.get("Effect") == "Allow" and bool(named & {_PRINCIPAL, "*"}) and bool(asked & _ACTIONS)
