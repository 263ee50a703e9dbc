"""Answer errors in a service's place, in the shape of that service's protocol."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from botocore.awsrequest import HeadersDict
from botocore.parsers import ResponseParserError, create_parser
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

_THROTTLED: Mapping[str, tuple[int, str]] = {
    "query": (400, "Throttling"),
    "ec2": (400, "RequestLimitExceeded"),
    "rest-json": (429, "TooManyRequestsException"),
    "rest-xml": (503, "SlowDown"),
}
"""By protocol; services of the JSON protocol answer ThrottlingException."""
_DENIED: Mapping[str, tuple[int, str]] = {
    "query": (403, "AccessDenied"),
    "ec2": (403, "UnauthorizedOperation"),
    "rest-json": (403, "AccessDeniedException"),
    "rest-xml": (403, "AccessDenied"),
}
"""By protocol; services of the JSON protocol answer AccessDeniedException with status 400."""
_BROKEN: Mapping[str, str] = {
    "secretsmanager": "InternalServiceError",
    "kms": "KMSInternalException",
    "ssm": "InternalServerError",
    "ecs": "ServerException",
    "lambda": "ServiceException",
    "s3": "InternalError",
}
"""By service, from the "Errors" of its API reference; the others have InternalFailure, of "Common Errors"."""
# moto warns of codes that its copy of a service's model leaves to the page "Common Errors".
warnings.filterwarnings("ignore", message=r"Exception\(_Refusal\)", category=UserWarning)


class _Refusal(ServiceException):
    """An error of whatever service was called: moto takes those of its own modules for that module's service."""


def refuse_throttled(response: BaseResponse) -> NoReturn:
    """Answer as the service does above a rate.

    Raises:
        HTTPException: the answer, which Flask sends.
    """
    protocol = str(get_service_model(response.boto3_service_name).protocol)
    status, code = _THROTTLED.get(protocol, (400, "ThrottlingException"))
    refuse(response, status, code, "Rate exceeded")


def refuse_denied(response: BaseResponse, operation: str) -> NoReturn:
    """Answer as the service does to a caller that no policy allows the operation.

    Raises:
        HTTPException: the answer, which Flask sends.
    """
    action = f"{response.boto3_service_name}:{operation}"
    message = f"User is not authorized to perform: {action} because no identity-based policy allows the {action} action"
    refuse_access(response, message)


def refuse_access(response: BaseResponse, message: str) -> NoReturn:
    """Answer as the service does to a caller without permission.

    Raises:
        HTTPException: the answer, which Flask sends.
    """
    protocol = str(get_service_model(response.boto3_service_name).protocol)
    status, code = _DENIED.get(protocol, (400, "AccessDeniedException"))
    refuse(response, status, code, message)


def refuse_broken(response: BaseResponse) -> NoReturn:
    """Answer as the service does when something on its side fails.

    Raises:
        HTTPException: the answer, which Flask sends.
    """
    code = _BROKEN.get(response.boto3_service_name, "InternalFailure")
    refuse(response, 500, code, "An error occurred on the server side.")


def answer_failure(response: BaseResponse | None, error: Exception) -> HTTPException:
    """Build the answer for an exception inside moto; the text holds nothing of the exception's own.

    Args:
        response: moto's, set up for the call; None if the exception came before.
        error: the exception. One that says "not implemented" is answered with 501, which no SDK repeats.
    """
    lacking = isinstance(error, NotImplementedError)
    if response is None:
        text = "The embedded AWS failed: its log says where.\n"
        return HTTPException(response=Response(text, 501 if lacking else 500))
    try:
        if lacking:
            refuse(response, 501, "NotImplemented", "The embedded AWS does not have this operation.")
        refuse_broken(response)
    except HTTPException as answer:
        return answer


def refuse(response: BaseResponse, status: int, code: str, message: str) -> NoReturn:
    """Answer with an error, in the shape of the service's protocol.

    Raises:
        HTTPException: the answer, which Flask sends.
    """
    _, headers, body = response.serialized(ActionResult(_Refusal(code, message)))
    raise HTTPException(response=Response(body, status, headers))


def error_code(service: str, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> str:
    """AWS's code in an error's answer, as an SDK reads it; empty where it finds none.

    Args:
        service: botocore's name of the service.
        status: HTTP status.
        headers: of the answer.
        body: of the answer.
    """
    parser = create_parser(get_service_model(service).protocol)
    answer = {"status_code": status, "headers": HeadersDict(headers), "body": body}
    try:
        # An error of the protocol has no shape of its own.
        parsed = parser.parse(answer, None)  # type: ignore[arg-type] # as botocore does without a model
        return str(parsed.get("Error", {}).get("Code", ""))
    except ResponseParserError:
        return ""
