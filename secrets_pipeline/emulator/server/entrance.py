"""Let in only programs on this machine that sign with credentials of this server.

A web page that somebody on this machine has open reaches 127.0.0.1 as well, directly or by a name that its owner points
here. Its requests bear `Origin`, `Sec-Fetch-Site` or a foreign `Host`, and it knows no credentials.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.iam.models import get_account_id_from, iam_backends
from moto.utilities.utils import get_partition
from werkzeug.wrappers import Response

from secrets_pipeline.emulator.server import time_stamps

if TYPE_CHECKING:
    from secrets_pipeline.emulator.control.control import Environ

NAMES = ("127.0.0.1", "localhost")
_OF_BROWSERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE")
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[A-Za-z0-9_]{1,128})/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, ?SignedHeaders=(?P<headers>[a-z0-9;_.-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_UNSIGNED = "The embedded AWS answers requests only that are signed by Signature Version 4."
_UNKNOWN = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method."
)


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials of the operator, made anew with each start.

    Attributes:
        access_key_id: AKIA and 16 capitals and digits, 80 random bits.
        secret_access_key: 40 characters, 240 random bits.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)

    @staticmethod
    def random() -> Keys:
        """Keys that nobody knows yet."""
        return Keys("AKIA" + base64.b32encode(secrets.token_bytes(10)).decode(), secrets.token_urlsafe(30))


class Entrance:
    """Refuses a request that nobody with credentials of this server signed, before anything else looks at it.

    Args:
        operator: whose signature is accepted beside those of the credentials that IAM and STS issued here.
    """

    def __init__(self, operator: Keys) -> None:
        self._operator = operator

    def refusal(self, environ: Environ) -> Response | None:
        """The answer to a request that is not let in; None for one that is."""
        signed = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None:
            return _refused(environ, "MissingAuthenticationToken", "MissingAuthenticationTokenException", _UNSIGNED)
        secret = self._secret(signed["key"], signed["region"])
        if secret is None:
            return _refused(environ, "InvalidClientTokenId", "UnrecognizedClientException", _UNKNOWN)
        if not hmac.compare_digest(_signature(environ, signed, secret), signed["signature"]):
            return _refused(environ, "SignatureDoesNotMatch", "InvalidSignatureException", _MISMATCH)
        stamp, service = _header(environ, "x-amz-date"), signed["service"]
        if problem := time_stamps.problem(stamp, service):
            own = time_stamps.own_answer(service, stamp, problem)
            return own or _refused(environ, "SignatureDoesNotMatch", "InvalidSignatureException", problem)
        return None

    def _secret(self, access_key: str, region: str) -> str | None:
        """What an access key is signed with, None for one that was not issued here."""
        if hmac.compare_digest(access_key, self._operator.access_key_id):
            return self._operator.secret_access_key
        issued = iam_backends[get_account_id_from(access_key)][get_partition(region)].access_keys.get(access_key)
        return None if issued is None else str(issued.secret_access_key)


def foreign(environ: Environ) -> str | None:
    """What a request says that no program with an AWS SDK says; its body is not looked at."""
    names = [f"{name}:{environ['SERVER_PORT']}" for name in NAMES]
    if environ.get("HTTP_HOST") not in names:
        return f"The embedded AWS answers as {' or '.join(names)} only, not as another host."
    if any(name in environ for name in _OF_BROWSERS):
        return "The embedded AWS does not answer web pages."
    # With it moto would take a role's session for the administrator of any account.
    if "HTTP_X_MOTO_ACCOUNT_ID" in environ:
        return "The embedded AWS takes the account of a request from its credentials alone."
    return None


def _signature(environ: Environ, signed: re.Match[str], secret: str) -> str:
    """The signature that the owner of a secret access key gives to this request, by botocore."""
    sent = environ["wsgi.input"]
    headers = {name: _header(environ, name) for name in signed["headers"].split(";")}
    request = AWSRequest(
        environ["REQUEST_METHOD"],
        f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}",
        headers,
        # A body in pieces is signed by its `X-Amz-Content-SHA256`.
        sent.getvalue() if isinstance(sent, BytesIO) else b"",
    )
    request.context["timestamp"] = headers.get("x-amz-date", "")
    kind = S3SigV4Auth if signed["service"] == "s3" else SigV4Auth
    signer = kind(Credentials(signed["key"], secret), signed["service"], signed["region"])
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def _header(environ: Environ, name: str) -> str:
    variable = name.upper().replace("-", "_")
    return str(environ.get(f"HTTP_{variable}", environ.get(variable, "")))


def _refused(environ: Environ, query_code: str, json_code: str, message: str) -> Response:
    """An error as the services' protocols have it; both are read by code.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
    """
    if "json" in environ.get("CONTENT_TYPE", ""):
        answer = Response(status=400, content_type=environ["CONTENT_TYPE"])
        answer.set_data(f'{{"__type": "{json_code}", "message": "{message}"}}')
        return answer
    error = f"<Error><Code>{query_code}</Code><Message>{escape(message)}</Message></Error>"
    answer = Response(f"<ErrorResponse>{error}</ErrorResponse>", 403, content_type="text/xml")
    # For the protocol that has neither XML nor JSON in its requests without a body.
    answer.headers["x-amzn-ErrorType"] = json_code
    return answer
