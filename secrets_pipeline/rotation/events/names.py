"""Name the events that matter; the rules of EventBridge ask for these, and the parser knows no others.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html,
https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html
"""

from __future__ import annotations

SECRETS_MANAGER, KMS, RDS = "aws.secretsmanager", "aws.kms", "aws.rds"
"""`source` of an event."""

LABEL_UPDATED = "Secret Label Updated"
SERVICE_EVENT = "AWS Service Event via CloudTrail"
API_CALL = "AWS API Call via CloudTrail"
INSTANCE_EVENT, CLUSTER_EVENT = "RDS DB Instance Event", "RDS DB Cluster Event"
KEY_DELETED, KEY_MATERIAL_EXPIRED = "KMS CMK Deletion", "KMS Imported Key Material Expiration"
"""`detail-type` of an event."""

SUCCEEDED = ("RotationSucceeded",)
FAILED = ("RotationFailed", "RotationAbandoned", "TestRotationFailed")

SECRET_CALLS = (
    "CancelRotateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "PutResourcePolicy",
    "RemoveRegionsFromReplication",
    "RestoreSecret",
    "StopReplicationToReplica",
    "UntagResource",
    "UpdateSecret",
)
"""What somebody may do to a secret that a stack declares otherwise. Values come as `Secret Label Updated`."""

KEY_CALLS = (
    "CancelKeyDeletion",
    "CreateGrant",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "PutKeyPolicy",
    "RetireGrant",
    "RevokeGrant",
    "ScheduleKeyDeletion",
    "UpdateAlias",
)

DATABASE_CATEGORIES = ("availability", "configuration change", "creation", "failover", "recovery", "restoration")
"""`EventCategories` after which a database may have another endpoint, resource id or password."""
