"""SNS as AWS answers where moto differs.

What it corrects, measured on moto 5.2.5: Publish refuses an empty message, an empty subject and an ARN that is none,
and says that a topic is missing, not an endpoint. `tests/contracts/recorded/` has AWS's recorded answers.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.responses import SNSResponse

_PARTS = 6
_moto_publish = SNSResponse.publish


def _publish(self: SNSResponse) -> ActionResult:
    params: Any = self._get_param
    arn = params("TopicArn")
    if params("Message") == "":
        raise SNSInvalidParameter("Invalid parameter: Empty message")
    if params("Subject") == "":
        raise SNSInvalidParameter("Invalid parameter: Subject")
    if arn is not None:
        parts = str(arn).split(":")
        if len(parts) < _PARTS:
            reason = f"An ARN must have at least {_PARTS} elements, not {len(parts)}"
            raise SNSInvalidParameter(f"Invalid parameter: TopicArn Reason: {reason}")
        self.backend.get_topic(str(arn))
    return _moto_publish(self)


def install() -> None:
    """Put this in the place of moto's method."""
    response: Any = SNSResponse
    response.publish = _publish
