"""Bodies as EventBridge writes them to a queue, after AWS's documentation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-west-2"
WHEN = "2026-02-06T16:43:48Z"
SOMEBODY = f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/jane"
NOTHING: Mapping[str, object] = {}


def envelope(
    source: str,
    detail_type: str,
    detail: Mapping[str, object],
    more: Mapping[str, object] = NOTHING,
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": WHEN,
        "region": REGION,
        "resources": [],
        "detail": dict(detail),
        **more,
    }


def secret_arn(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-a1B2c3"


def label_updated(
    name: str,
    *,
    label: str = "AWSCURRENT",
    version: str = "a1b2c3d4-5678-90ab-cdef-111111111111",
    arn: str | None = None,
    **more: object,
) -> dict[str, Any]:
    """Verbatim from https://docs.aws.amazon.com/secretsmanager/latest/userguide/eventbridge.html but for the names."""
    detail = {"name": name, "labelUpdated": label, "versionId": version}
    return envelope(
        "aws.secretsmanager",
        "Secret Label Updated",
        detail,
        {"resources": [arn or secret_arn(name)], **more},
    )


def service_event(
    name: str, event: str = "RotationSucceeded", *, arn: str | None = None, **more: object
) -> dict[str, Any]:
    """As AWS's blog shows one that was received: "Rotate database credentials with AppConfig" (2021)."""
    detail = {
        "eventVersion": "1.08",
        "userIdentity": {"accountId": ACCOUNT, "invokedBy": "secretsmanager.amazonaws.com"},
        "eventTime": WHEN,
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": event,
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": {"SecretId": arn or secret_arn(name)},
        "readOnly": False,
        "eventType": "AwsServiceEvent",
    }
    return envelope("aws.secretsmanager", "AWS Service Event via CloudTrail", detail, more)


def call(
    event: str,
    asked: Mapping[str, object] = NOTHING,
    *,
    service: str = "secretsmanager",
    actor: str = SOMEBODY,
    answered: Mapping[str, object] | None = None,
    envelope_says: Mapping[str, object] = NOTHING,
    **more: object,
) -> dict[str, Any]:
    detail = {
        "userIdentity": {"type": "AssumedRole", "arn": actor, "accountId": ACCOUNT},
        "eventSource": f"{service}.amazonaws.com",
        "eventName": event,
        "requestParameters": dict(asked),
        "responseElements": answered,
        "readOnly": False,
        **more,
    }
    return envelope(f"aws.{service}", "AWS API Call via CloudTrail", detail, envelope_says)


def database_event(identifier: str, *categories: str, cluster: bool = False, **more: object) -> dict[str, Any]:
    noun = "cluster" if cluster else "db"
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:{noun}:{identifier}"
    detail = {
        "EventCategories": list(categories or ("availability",)),
        "SourceType": "CLUSTER" if cluster else "DB_INSTANCE",
        "SourceArn": arn,
        "Date": WHEN,
        "Message": "DB instance restarted",
        "SourceIdentifier": identifier,
        "EventID": "RDS-EVENT-0006",
    }
    kind = "RDS DB Cluster Event" if cluster else "RDS DB Instance Event"
    return envelope("aws.rds", kind, detail, {"resources": [arn], **more})


def body(event: Mapping[str, object]) -> str:
    return json.dumps(event)
