"""Record what Secrets Manager does by itself, as CloudTrail tells it.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"""

from __future__ import annotations

from typing import Any

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.services.cloudtrail.history import file_event

_SERVICE = "secretsmanager.amazonaws.com"


def record_service_event(name: str, secret_arn: str, *, request_id: str, error: str = "") -> None:
    """Tell of something that nobody called for.

    Args:
        name: for example `RotationSucceeded`.
        secret_arn: whom it happened to.
        request_id: of what it belongs to.
        error: the sentence of a failure; empty for none.
    """
    secret = Arn.parse(secret_arn)
    told: dict[str, Any] = {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": secret.account_id, "invokedBy": _SERVICE},
        "eventSource": _SERVICE,
        "eventName": name,
        "awsRegion": secret.region,
        "sourceIPAddress": _SERVICE,
        "userAgent": _SERVICE,
        **({"errorMessage": error} if error else {}),
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {"SecretId": secret_arn},
        "requestID": request_id,
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "eventCategory": "Management",
    }
    file_event(secret.account_id, told, [secret_arn])
