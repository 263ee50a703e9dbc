"""Tell the errors that pass by themselves: what was just made is not visible everywhere yet, or still being changed.

IAM, KMS, SQS, Lambda and Secrets Manager are eventually consistent: a role that exists can be refused as principal for
some seconds, and a secret or alias that was just made can be unknown to the next call.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency,
https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency,
https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html and, for what the models do not list,
https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.aws.made import Made, Params, Request, texts


@dataclass(frozen=True, slots=True)
class Lag:
    """The errors with which AWS answers for a while.

    Attributes:
        what: is waited for, for messages: a noun, and what becomes of it.
        codes: error codes.
        text: what the message says besides; None for any. A code alone does not tell a new principal from bad JSON.
        operations: that are waited for; none for any.
    """

    what: str
    codes: frozenset[str]
    text: re.Pattern[str] | None = None
    operations: frozenset[str] = frozenset()

    def explains(self, operation: str, code: str, message: str) -> bool:
        """Whether an error of an operation is one of them."""
        if code not in self.codes or (self.operations and operation not in self.operations):
            return False
        return self.text is None or self.text.search(message) is not None


_INVALID: Final = frozenset({"InvalidParameterException", "InvalidParameterValueException", "InvalidParameterValue"})
_UPDATES: Final = frozenset({"UpdateFunctionCode", "UpdateFunctionConfiguration", "TagResource", "DeleteFunction"})

NEW_RESOURCE: Final = Lag(
    "what was just made to become visible",
    frozenset({"ResourceNotFoundException", "NotFoundException", "NoSuchEntity"})
    | frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}),
    # A secret without the value that is asked for is there.
    re.compile(r"^(?!.*secret value)", re.IGNORECASE),
)
"""Only where the request names what this run has made, or seen; see `Made`."""
NEW_PRINCIPAL: Final = Lag(
    "a principal of the policy to become visible",
    frozenset({"MalformedPolicyDocumentException", "MalformedPolicyDocument"}) | _INVALID,
    re.compile(r"(unsupported|invalid) principals?|principal was invalid", re.IGNORECASE),
)
LAGS: Final = (
    NEW_PRINCIPAL,
    Lag(
        "the function's role to become visible",
        _INVALID,
        re.compile(r"cannot be assumed by Lambda|does not have permissions to call", re.IGNORECASE),
        frozenset({"CreateFunction", "UpdateFunctionConfiguration"}),
    ),
    Lag(
        "the role of the rules to become visible",
        frozenset({"ValidationException"}),
        # How AWS words it of a role is not known; these are of the target itself, and last.
        re.compile(r"^(?!.*(failed to satisfy constraint|invalid placeholder|Only one of))", re.IGNORECASE | re.DOTALL),
        frozenset({"PutTargets"}),
    ),
    Lag(
        "the log group to become visible",
        frozenset({"ResourceNotFoundException"}),
        operations=frozenset({"PutRetentionPolicy"}),
    ),
    Lag(
        "the secret's KMS key to become visible",
        frozenset({"ResourceNotFoundException"}),
        operations=frozenset({"CreateSecret"}),
    ),
    # AWS answers so for a missing function, too: whoever calls RotateSecret looks at it before (`function_problems`).
    Lag(
        "Secrets Manager to see that it may invoke the function",
        frozenset({"AccessDeniedException", "InvalidRequestException"}),
        re.compile(r"cannot invoke the specified Lambda function", re.IGNORECASE),
        frozenset({"RotateSecret"}),
    ),
    Lag(
        "the function's update to end",
        frozenset({"ResourceConflictException"}),
        re.compile(r"update is in progress|following state: Pending", re.IGNORECASE),
        _UPDATES,
    ),
    Lag(
        "the dead-letter queue to become visible",
        _INVALID | {"InvalidAttributeValue"},
        re.compile(r"dead.letter target does not exist", re.IGNORECASE),
        frozenset({"CreateQueue", "SetQueueAttributes"}),
    ),
    # Parameter Store's, and none that botocore's retry modes repeat.
    Lag("another write of the parameter to end", frozenset({"TooManyUpdates"})),
    Lag(
        "a queue's name to become free, 60 seconds after it was deleted",
        frozenset({"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"}),
        operations=frozenset({"CreateQueue"}),
    ),
)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What one call waits for.

    Attributes:
        lag: why.
        subject: what is not visible; calls that wait for the same one share its time.
    """

    lag: Lag
    subject: str


def awaited(request: Request, code: str, message: str, made: Made) -> Awaited | None:
    """Say what a refused call has to wait for; None where waiting does not help.

    Args:
        request: the refused one.
        code: AWS's error code.
        message: AWS's text.
        made: what this run has made.
    """
    if _never_lags(request):
        return None
    if NEW_RESOURCE.explains(request.operation, code, message) and (named := made.named_in(request)):
        return Awaited(NEW_RESOURCE, named)
    for lag in LAGS:
        if lag.explains(request.operation, code, message):
            principals = ", ".join(sorted(_principals(request.params)))
            return Awaited(lag, principals or next(texts(request.params), ""))
    return None


def _never_lags(request: Request) -> bool:
    """Whether NotFound is final: a key has the policy `AWS_RAM` only while RAM shares it.

    Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
    """
    return request.operation == "GetKeyPolicy" and request.params.get("PolicyName") == "AWS_RAM"


def _principals(params: Params) -> Iterator[str]:
    """The principals of the policy that a request puts."""
    for name in ("ResourcePolicy", "Policy"):
        document = params.get(name)
        if not isinstance(document, str):
            continue
        try:
            statements = json.loads(document).get("Statement", ())
        except (ValueError, AttributeError):
            continue
        for statement in statements if isinstance(statements, list) else [statements]:
            if isinstance(statement, Mapping):
                yield from texts(statement.get("Principal"))
