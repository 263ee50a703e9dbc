"""Errors of botocore, told in plain language and without any request parameter.

botocore's validation errors print the parameters, and some services quote a refused value in their message: what may
hold a value is left out, not searched for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from secrets_pipeline.aws.remedies import REMEDIES, remedy
from secrets_pipeline.errors import AwsError

_CARRIES_VALUES = frozenset(
    {
        "CreateSecret",
        "PutSecretValue",
        "UpdateSecret",
        "CreateDBInstance",
        "ModifyDBInstance",
        "CreateDBCluster",
        "ModifyDBCluster",
        "PutParameter",
        "Encrypt",
        "Invoke",
        "CreateFunction",
        "UpdateFunctionConfiguration",
        "RegisterTaskDefinition",
    }
)
"""Operations whose request may hold a secret value."""

_NEVER_QUOTES = re.compile(r"(Fault|NotFound|NotFoundException|Exceeded|AlreadyExists)$")
"""Codes about a state or a quota, whose message has no reason to quote a parameter."""

_OWN_TEXT = (
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
"""botocore exceptions whose text is fixed, or names configuration only."""

_PARAMETER = re.compile(
    r"(?P<problem>Missing required parameter|Unknown parameter|Invalid type|Invalid value|Invalid length|Invalid)"
    r"(?: in [\w.\[\]-]+:| for(?: document)? parameter| parameter) \"?(?P<name>[A-Za-z][\w.\[\]-]*)"
)
"""How the first line of a validation report starts: the problem and the parameter's name, before any value."""


def explained(error: BaseException) -> str:
    """What AWS or botocore said, without parameters; empty for an exception of anything else."""
    if isinstance(error, ClientError):
        return _answer(error)
    if isinstance(error, ParamValidationError):
        found = _PARAMETER.match(str(error.kwargs.get("report", "")))
        about = f": {found['problem'].lower()}: {found['name']}" if found else ""
        return f"botocore refused the request's parameters{about}"
    if isinstance(error, _OWN_TEXT):
        return str(error)
    if isinstance(error, BotoCoreError | Boto3Error):
        return type(error).__name__
    return ""


def translate(error: ClientError | BotoCoreError | Boto3Error, *, action: str, resource: str) -> AwsError:
    """The error as one of ours.

    Args:
        error: what botocore raised.
        action: what was tried, as API operation, for example `PutSecretValue`.
        resource: on what: a name, an ARN, or a phrase such as `of stack fnx-dev`.
    """
    code, operation, message = type(error).__name__, action, ""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        operation = str(error.operation_name)
        message = str(error.response.get("Error", {}).get("Message", ""))
    inside = "" if operation == action else f" at {operation}"
    return AwsError(
        f"{' '.join(filter(None, [action, resource]))} failed{inside}: {explained(error)}",
        code=code,
        operation=operation,
        remedy=remedy(code, message),
    )


@contextmanager
def calling(action: str, resource: str = "") -> Iterator[None]:
    """Raise botocore's errors as `AwsError`; errors of ours pass unchanged.

    Args:
        action: what is tried, as API operation, for example `PutSecretValue`.
        resource: on what.

    Raises:
        AwsError: instead of any error of boto3 or botocore.
    """
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise translate(error, action=action, resource=resource) from None


def _answer(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", "Unknown"))
    message = str(answer.get("Message", "")).strip()
    if error.operation_name in _CARRIES_VALUES and code not in REMEDIES and not _NEVER_QUOTES.search(code):
        return f"{code} (AWS's text is left out: it may quote the value)"
    return f"{code}: {message}" if message else code
