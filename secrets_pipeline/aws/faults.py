"""Translate botocore's errors to `AwsError`: plain language, without any request parameter.

botocore's validation errors print the parameters, and some services quote a refused value in their message, as a proxy
may quote an answer: a message is repeated where neither request nor answer of the operation can hold a value, and else
left out, not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeAlias

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
from botocore.parsers import ResponseParserError

from secrets_pipeline.aws.operations import WITHOUT_VALUES
from secrets_pipeline.aws.patience import WAITED
from secrets_pipeline.aws.remedies import remedy
from secrets_pipeline.errors import DENIED, AwsError, aws_error_class

Foreign: TypeAlias = ClientError | BotoCoreError | Boto3Error | ResponseParserError
"""What boto3 and botocore raise; the last one quotes the whole answer that it could not read."""

FOREIGN = (ClientError, BotoCoreError, Boto3Error, ResponseParserError)

_DENIED = re.compile(
    r"is not authorized to perform: (?P<action>[a-z0-9-]+:[A-Z][A-Za-z]+)"
    r"(?: on resource: (?P<arn>arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{12}:[\w/+=,.@:-]+))?"
)
_CODE = re.compile(r"(?:[A-Za-z.]|EC2|S3|V2)+|\d{3}")
"""What a code of AWS's looks like: no other text stands where it has to."""
_KINDS = (
    r"(?:(?:identity-based|resource-based|session|service control|resource control|VPC endpoint) policy"
    r"|permissions boundary)"
)
_LAYER = re.compile(rf"(?P<none>because no {_KINDS}) allows|with an explicit deny in an? {_KINDS}")
_KNOWN_WORDS = re.compile(
    r"can't find the specified secret(?: value)?|access a secret from a different AWS account"
    r"|scheduled for deletion|marked for deletion|marked deleted|pending deletion|is disabled"
    r"|Access to KMS is not allowed|default KMS service key|managed by another service|Previous rotation"
    r"|\b(?:AllocatedStorage|DBClusterIdentifier|DBInstanceClass|DBInstanceIdentifier|DBName|DBParameterGroup"
    r"|DBSubnetGroup|Engine|EngineVersion|Iops|KmsKeyId|MasterUserPassword|MasterUsername|MaxAllocatedStorage|MultiAZ"
    r"|Port|StorageThroughput|StorageType|VpcSecurityGroupIds)\b"
)
"""All that is taken out of a message that may quote a value: words of AWS's own, and names of parameters."""

_OWN_TEXT = (
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
"""botocore exceptions whose text is fixed, or names configuration only."""

_ENDPOINT = re.compile(
    r"(?P<scheme>https?://)(?:[^/?#@]*@)?(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?)(?=[/?#]|$)(?![\s\S]*@)"
)

_PARAMETER = re.compile(
    r"(?P<problem>Missing required parameter|Unknown parameter|Invalid type|Invalid value|Invalid length|Invalid)"
    r"(?: in [\w.\[\]-]+:| for(?: document)? parameter| parameter) \"?(?P<name>[A-Za-z][\w.\[\]-]*)"
)
"""How the first line of a validation report starts: the problem and the parameter's name, before any value."""


def explained(error: BaseException) -> str:
    """Tell what AWS or botocore said, without parameters; empty for an exception of anything else."""
    if isinstance(error, ClientError):
        return _answer(error)
    if isinstance(error, ParamValidationError):
        found = _PARAMETER.match(str(error.kwargs.get("report", "")))
        about = f": {found['problem'].lower()}: {found['name']}" if found else ""
        return f"botocore refused the request's parameters{about}"
    if isinstance(error, _OWN_TEXT):
        return str(error)
    if isinstance(error, FOREIGN):
        return f"{type(error).__name__}{_reached(error)}"
    return ""


def _reached(error: Foreign) -> str:
    """Which endpoint was called: host and port alone, as what else stands in a URL may be a secret."""
    asked: object = getattr(error, "kwargs", {}).get("endpoint_url", "")
    found = _ENDPOINT.match(str(asked))
    return f": {found['scheme']}{found['host']}" if found else ""


def translate(error: Foreign, *, action: str, resource: str, own_role: bool = True) -> AwsError:
    """Translate an error of botocore's to an `AwsError`, of the class that says whether AWS could be asked at all.

    Args:
        error: what botocore raised.
        action: what was tried, as API operation, for example `PutSecretValue`.
        resource: on what: a name, an ARN, or a phrase such as `of stack fnx-dev`.
        own_role: whether a role that was to be assumed is the pipeline's own.
    """
    code, operation, message, waited, status = type(error).__name__, action, "", "", 0
    if isinstance(error, ClientError):
        code = _code(error)
        operation = str(error.operation_name)
        message = _message(error)
        waited = str(error.response.get("Error", {}).get(WAITED, ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    inside = "" if operation == action else f" at {operation}"
    made = aws_error_class(code, operation, own_role=own_role, status=status)
    return made(
        f"{' '.join(filter(None, [action, resource]))} failed{inside}: {explained(error)}",
        code=code,
        operation=operation,
        remedy=" ".join(filter(None, [waited, remedy(code, message)])),
        sentence=f"{action} failed{inside}: {_of_any_resource(error, code, message)}",
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
    except FOREIGN as error:
        raise_without_context(translate(error, action=action, resource=resource))


def raise_without_context(error: AwsError) -> NoReturn:
    """Raise an error that leads to no other one.

    `from None` hides the context but keeps it, and the context of an `AwsError` quotes the request.

    Raises:
        AwsError: the one that was given.
    """
    try:
        raise error from None
    except AwsError:
        error.__context__ = None
        raise


def _of_any_resource(error: Foreign, code: str, message: str) -> str:
    """Say it without the resource, which AWS names if a policy refuses the caller; in full for any other refusal."""
    refused = [f"{found['action']} is not allowed" for found in _DENIED.finditer(message)]
    if code not in DENIED or not refused:
        return explained(error)
    return f"{code}: {', '.join(dict.fromkeys([*refused, *_layers(message)]))}"


def _answer(error: ClientError) -> str:
    code = _code(error)
    message = _message(error).strip()
    if error.operation_name not in WITHOUT_VALUES:
        said = ", ".join(_known_parts(message))
        return f"{code}{f': {said}' if said else ''} (AWS's text is left out: it may quote a value)"
    return f"{code}: {message}" if message else code


def _message(error: ClientError) -> str:
    # Lambda sends null with AccessDeniedException for a function of another account.
    return str(error.response.get("Error", {}).get("Message") or "")


def _code(error: ClientError) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if _CODE.fullmatch(code) else "Unknown"


def _layers(message: str) -> list[str]:
    """Which policies decided, in AWS's words but for the action, which is named before."""
    return [f"{one['none']} allows it" if one["none"] else one[0] for one in _LAYER.finditer(message)]


def _known_parts(message: str) -> list[str]:
    parts = [
        f"{denied['action']} is not allowed" + (f" on {denied['arn']}" if denied["arn"] else "")
        for denied in _DENIED.finditer(message)
    ]
    parts += _layers(message)
    parts += [word[0] for word in _KNOWN_WORDS.finditer(message)]
    return list(dict.fromkeys(parts))
