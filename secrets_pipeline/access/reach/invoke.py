"""Tell whether a function's policy lets Secrets Manager invoke it on behalf of a secret.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    PrincipalKind,
    Request,
    TargetResource,
    UnreadPolicies,
    authorize,
)
from secrets_pipeline.access.evaluator.document import understood
from secrets_pipeline.arn import account_of

INVOKE: Final = "lambda:InvokeFunction"
SECRETS_MANAGER: Final = "secretsmanager.amazonaws.com"
_SOURCE_ARN, _SOURCE_ORGANIZATION = "aws:sourcearn", frozenset({"aws:sourceorgid", "aws:sourceorgpaths"})


def invoked_by_secrets_manager(
    policy: Mapping[str, object] | UnreadPolicies | None,
    function_arn: str,
    account_id: str,
    *,
    secret_arn: str | None = None,
) -> Decision:
    """What Lambda answers Secrets Manager: an SCP does not reach services, and an RCP is not looked at.

    Args:
        policy: of the function, None for none.
        function_arn: of the function, with its qualifier where the rotation names one.
        account_id: of the secret, 12 digits.
        secret_arn: for which secret; None where it does not exist yet.
    """
    read = understood("function policy", policy) if isinstance(policy, Mapping) else policy
    values = {"aws:sourceaccount": (account_id,), "aws:securetransport": ("true",)}
    unknown = _SOURCE_ORGANIZATION
    if secret_arn is None:
        unknown |= {_SOURCE_ARN}
    else:
        values[_SOURCE_ARN] = (secret_arn,)
    caller = Caller(SECRETS_MANAGER, "", PrincipalKind.SERVICE)
    target = TargetResource(function_arn, account_of(function_arn), Layer.FUNCTION_POLICY, read)
    return authorize(Request(INVOKE, Context(values, unknown)), caller, target)
