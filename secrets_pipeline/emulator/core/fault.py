"""Raise AWS errors in the shape that SDKs parse."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


class Fault(JsonRESTError):
    """An error of a JSON-protocol service; botocore turns it into a `ClientError` with this code.

    Args:
        error: AWS's error code, for example `InvalidRequestException`.
        message: AWS's sentence; never holds a secret value.
        status: HTTP status; the JSON services answer 400 for every client error.
    """

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(error, message)
        self.code = status
