"""Call `/_local/…`, which the embedded AWS offers beyond AWS."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from secrets_pipeline.errors import LocalError

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

SERVICE = "secrets-pipeline"
"""That these requests are signed for."""
_SECONDS = 120
"""A machine may stand still for a while; where nobody listens, that is known at once."""


def ask(aws: LocalAws, method: str, path: str, document: Any = None, *, seconds: float = _SECONDS) -> Any:  # noqa: ANN401 - any JSON
    """Send a JSON document, or nothing, and return the JSON that comes back.

    Args:
        aws: the embedded AWS.
        method: of HTTP.
        path: `/_local/…`.
        document: JSON; None for none.
        seconds: to wait at most.

    Raises:
        LocalError: the embedded AWS does not answer, or refuses the document.
    """
    body = None if document is None else json.dumps(document).encode()
    url = aws.endpoint_url + path
    signed = AWSRequest(method, url, data=body)
    SigV4Auth(Credentials(aws.access_key_id, aws.secret_access_key), SERVICE, aws.region).add_auth(signed)
    request = urllib.request.Request(url, body, dict(signed.headers), method=method)  # noqa: S310 - our own endpoint
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - our own endpoint
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise LocalError(
            f"The embedded AWS refused {method} {path}: {error.read().decode(errors='replace')}",
            remedy="Use the functions of secrets_pipeline.emulator, of the same version as the server.",
        ) from None
    except OSError as error:
        raise LocalError(
            f"The embedded AWS at {aws.endpoint_url} does not answer.", remedy="secrets-pipeline local start"
        ) from error
