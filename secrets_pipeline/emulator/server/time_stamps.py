"""Refuse requests that were signed too long ago, or too far in the future, as AWS does; by the real time.

AWS says: "In most cases, a request must reach AWS within five minutes of the time stamp in the request. Otherwise, AWS
denies the request" (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). Published answers of AWS
say which services take a request for five minutes and which for fifteen, and how it words that:

- five: Secrets Manager (boto/botocore#3587), KMS (credstash's error, quoted in many a guide), Parameter Store
  (aws/aws-sdk-net#1506), ECS (fabfuel/ecs-deploy#126), CloudWatch Logs (hashicorp/terraform-provider-aws#34683), Lambda
  (alexa-samples/skill-sample-nodejs-adventure-game#41);
- fifteen: IAM (aws/chalice#1170), STS (aws/aws-cli#6676), SQS (aws/aws-sdk-go#487), SNS (aws/aws-sdk-js#265), and S3,
  whose RequestTimeTooSkewed names 900,000 milliseconds.

Of all others nobody published one: the longer time is the worse one for whoever relies on it. Tests move the clock of
the resources (`core/clock.py`), and clients sign by the real one; so that is what time stamps are compared with.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

FIVE: Final = frozenset({"ecs", "kms", "lambda", "logs", "secretsmanager", "ssm"})
"""Services by their names in signatures."""
_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_BASIC: Final = re.compile("[0-9]{8}T[0-9]{6}Z")
_S3: Final = "s3"
_REST_JSON: Final = frozenset({"apigateway", "lambda"})
"""Services whose requests may have no body, and so do not say that they expect JSON."""


def minutes_of(service: str) -> int:
    """Return how many minutes a signature of a service is taken."""
    return 5 if service in FIVE else 15


def problem(stamp: str, service: str) -> str:
    """Say in AWS's words what is wrong with a time stamp; empty for nothing.

    Args:
        stamp: header `X-Amz-Date`, for example `20261130T190903Z`.
        service: its name in the signature.
    """
    now, minutes = datetime.fromtimestamp(int(time.time()), UTC), minutes_of(service)
    allowed = timedelta(minutes=minutes)
    try:
        # strptime would take ten times as long.
        signed = datetime.fromisoformat(stamp) if _BASIC.fullmatch(stamp) else None
    except ValueError:
        signed = None
    if signed is None:
        return f"Date must be in ISO-8601 'basic format'. Got '{stamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
    if signed < now - allowed:
        earliest = f"{now - allowed:{_FORMAT}} ({now:{_FORMAT}} - {minutes} min.)"
        return f"Signature expired: {stamp} is now earlier than {earliest}"
    if signed > now + allowed:
        latest = f"{now + allowed:{_FORMAT}} ({now:{_FORMAT}} + {minutes} min.)"
        return f"Signature not yet current: {stamp} is still later than {latest}"
    return ""


def own_answer(service: str, stamp: str, said: str) -> Response | None:
    """Return the answer of a service that has a form of its own; None for the forms of all refusals.

    Args:
        service: its name in the signature.
        stamp: of the request.
        said: what is wrong with it.
    """
    if service == _S3:
        return _too_skewed(stamp)
    if service not in _REST_JSON:
        return None
    answer = Response(json.dumps({"message": said}), 403, content_type="application/json")
    answer.headers["x-amzn-ErrorType"] = "InvalidSignatureException"
    return answer


def _too_skewed(stamp: str) -> Response:
    """The answer of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    server = datetime.fromtimestamp(int(time.time()), UTC)
    members = {
        "Code": "RequestTimeTooSkewed",
        "Message": "The difference between the request time and the current time is too large.",
        "RequestTime": stamp,
        "ServerTime": f"{server:%Y-%m-%dT%H:%M:%SZ}",
        "MaxAllowedSkewMilliseconds": str(minutes_of(_S3) * 60_000),
    }
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return Response(text, 403, content_type="application/xml")
