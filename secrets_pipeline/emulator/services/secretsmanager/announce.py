"""Tell EventBridge and CloudTrail what Secrets Manager does by itself.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core.event_bus import BUS, Event
from secrets_pipeline.emulator.services.cloudtrail.delivery import send_event
from secrets_pipeline.emulator.services.secretsmanager.model import PENDING, PREVIOUS, EmulatedSecret

_SERVICE = "secretsmanager.amazonaws.com"
# Secrets Manager tells of every label but these.
_UNTOLD = frozenset({PENDING, PREVIOUS})


def labels(secret: EmulatedSecret | None) -> dict[str, str]:
    """The labels whose moves are told, and the versions that hold them."""
    if secret is None:
        return {}
    return {stage: one.id for one in secret.versions.values() for stage in one.stages if stage not in _UNTOLD}


def label_moves(secret: EmulatedSecret, before: Mapping[str, str]) -> None:
    """Tell of each label that another version holds now.

    Args:
        secret: as it is.
        before: its labels as they were.
    """
    of = Arn.parse(secret.arn)
    for label, version_id in labels(secret).items():
        if before.get(label) != version_id:
            detail = {"name": secret.name, "labelUpdated": label, "versionId": version_id}
            BUS.put(
                Event(of.account_id, of.region, "aws.secretsmanager", "Secret Label Updated", detail, (secret.arn,))
            )


def rotation(name: str, secret: EmulatedSecret, token: str, error: str = "") -> None:
    """Tell of a rotation: started, succeeded, failed or abandoned.

    Args:
        name: of the event.
        secret: what rotates.
        token: of the rotation.
        error: the sentence of a failure.
    """
    _record(name, secret.arn, request_id=f"Rotation-{secret.arn}-{token}", error=error)


def deletion(name: str, secret: EmulatedSecret) -> None:
    """Tell of a secret that begins to go, is kept after all, or is gone.

    Args:
        name: of the event.
        secret: the secret.
    """
    _record(name, secret.arn, request_id=str(uuid.uuid4()))


def _record(name: str, secret_arn: str, *, request_id: str, error: str = "") -> None:
    """Tell CloudTrail of something that nobody called for."""
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
    send_event(secret.account_id, told, secret_arn)
