"""Send a request with an old signature: botocore signs by the clock alone, so what it has signed is signed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.client import BaseClient
    from botocore.signers import RequestSigner

_ID = "secrets-pipeline-signed-earlier"


@contextmanager
def signed_earlier(client: BaseClient, seconds: int) -> Iterator[None]:
    """Let the requests of a client look as if they had been signed some seconds ago and sent now; 0 changes nothing.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    if not seconds:
        yield
        return
    signer, events = _Earlier(seconds), client.meta.events
    # botocore's types know no handler that names what it takes.
    keep: Any = signer.keep
    sign: Any = signer.sign
    events.register("before-sign", keep, unique_id=f"{_ID}-keep")
    events.register_last("request-created", sign, unique_id=_ID)
    try:
        yield
    finally:
        events.unregister("before-sign", unique_id=f"{_ID}-keep")
        events.unregister("request-created", unique_id=_ID)


class _Earlier:
    def __init__(self, seconds: int) -> None:
        self._ago = timedelta(seconds=seconds)
        self._auth: SigV4Auth | None = None

    def keep(
        self, request_signer: RequestSigner, signing_name: str, region_name: str, signature_version: str, **_: object
    ) -> None:
        """Handle botocore's event before it signs: keep what it signs with."""
        self._auth = request_signer.get_auth_instance(signing_name, region_name, signature_version)

    def sign(self, request: AWSRequest, **_: object) -> None:
        """Handle botocore's event when a request is made and signed."""
        auth = self._auth
        if auth is None:
            return
        stamp = f"{datetime.now(UTC) - self._ago:%Y%m%dT%H%M%SZ}"
        request.context["timestamp"] = stamp
        del request.headers["Authorization"], request.headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = stamp
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        headers = auth.signed_headers(auth.headers_to_sign(request))
        scope = auth.scope(request)
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={signature}"
        )
