"""Name the events that matter; the rules of EventBridge ask for these, and the parser knows no others.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html,
https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html
"""

from __future__ import annotations

from collections.abc import Mapping

SECRETS_MANAGER, KMS, RDS = "aws.secretsmanager", "aws.kms", "aws.rds"
IAM, ORGANIZATIONS, RAM = "aws.iam", "aws.organizations", "aws.ram"
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
    "AssociateCrossAccountReplica",
    "CancelRotateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "DisassociateCrossAccountReplica",
    "PutResourcePolicy",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RestoreSecret",
    "StopReplicationToReplica",
    "UntagResource",
    "UpdateSecret",
)
"""Calls that can make a secret differ from its declaration. New values come as `Secret Label Updated`.

TagResource is left out: nobody can forge a mark with it, and each apply calls it for each secret that it writes.
"""

GRANT_CALLS = ("CreateGrant", "RetireGrant", "RevokeGrant")
KEY_CALLS = (
    *GRANT_CALLS,
    "CancelKeyDeletion",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "UpdateAlias",
)

IAM_CALLS = (
    "AcceptDelegationRequest",
    "AddClientIDToOpenIDConnectProvider",
    "AddRoleToInstanceProfile",
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreateOpenIDConnectProvider",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateSAMLProvider",
    "CreateServiceLinkedRole",
    "CreateUser",
    "DeleteGroupPolicy",
    "DeleteOpenIDConnectProvider",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteSAMLProvider",
    "DeleteUser",
    "DeleteUserPermissionsBoundary",
    "DeleteUserPolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "PutGroupPolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "PutUserPermissionsBoundary",
    "PutUserPolicy",
    "RemoveClientIDFromOpenIDConnectProvider",
    "RemoveRoleFromInstanceProfile",
    "RemoveUserFromGroup",
    "SendDelegationToken",
    "SetDefaultPolicyVersion",
    "SetSecurityTokenServicePreferences",
    "TagRole",
    "TagUser",
    "UntagRole",
    "UntagUser",
    "UpdateAssumeRolePolicy",
    "UpdateSAMLProvider",
    "UpdateUser",
)
"""Calls that change who can read a secret, or who can assume a reader's role. A policy or group that is made counts
when it is attached or has a member, and has neither when it is deleted. No call of STS is among them: each hands out
a session of somebody who may already what IAM says
(https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html); its one setting is IAM's
SetSecurityTokenServicePreferences. A delegation request hands a partner a session of whoever accepts it, with no role
that a list would show.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
and https://docs.aws.amazon.com/IAM/latest/APIReference/API_AcceptDelegationRequest.html
"""

ORGANIZATION_CALLS = (
    "AcceptHandshake",
    "AttachPolicy",
    "CreateOrganization",
    "DeleteOrganization",
    "DetachPolicy",
    "DisablePolicyType",
    "EnableAllFeatures",
    "EnablePolicyType",
    "LeaveOrganization",
    "MoveAccount",
    "RemoveAccountFromOrganization",
    "UpdatePolicy",
)
"""What changes which SCPs and RCPs apply to an account, or which organisation and path it has in conditions.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
"""

SHARE_CALLS = (
    "AssociateResourceShare",
    "AssociateResourceSharePermission",
    "CreateResourceShare",
    "DeleteResourceShare",
    "DisassociateResourceShare",
    "DisassociateResourceSharePermission",
    "ReplacePermissionAssociations",
    "SetDefaultPermissionVersion",
)
"""RAM's calls that change whom it shares a KMS key with; RAM then writes the key's policy `AWS_RAM`.

ReplacePermissionAssociations puts every share that has one managed permission on another one.

Sources: https://docs.aws.amazon.com/ram/latest/APIReference/API_Operations.html,
https://docs.aws.amazon.com/ram/latest/APIReference/API_ReplacePermissionAssociations.html and
https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
"""

ACCESS_CALLS: Mapping[str, tuple[str, ...]] = {
    "iam.amazonaws.com": IAM_CALLS,
    "organizations.amazonaws.com": ORGANIZATION_CALLS,
    "ram.amazonaws.com": SHARE_CALLS,
}
"""By `eventSource`."""

_EAST, _GOV_WEST, _SOVEREIGN = "us-east-1", "us-gov-west-1", "eusc-de-east-1"
GLOBAL_REGIONS: Mapping[str, Mapping[str, str]] = {
    "aws": {IAM: _EAST, ORGANIZATIONS: _EAST},
    "aws-cn": {IAM: "cn-north-1", ORGANIZATIONS: "cn-northwest-1"},
    "aws-us-gov": {IAM: _GOV_WEST, ORGANIZATIONS: _GOV_WEST},
    "aws-eusc": {IAM: _SOVEREIGN, ORGANIZATIONS: _SOVEREIGN},
}
"""The one region of a partition whose default bus gets the events of a global service.

Sources: https://repost.aws/knowledge-center/eventbridge-rule-triggers-iam-single-region,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html#cloudtrail-concepts-global-service-events
and botocore's endpoints.json, whose credential scopes name the region that these services sign for; for a partition
that it does not describe, `implicitGlobalRegion` of botocore's partitions.json.
"""

DATABASE_CATEGORIES = ("availability", "configuration change", "creation", "failover", "recovery", "restoration")
"""`EventCategories` after which a database may have another endpoint, resource id or password."""
DATABASE_CREATED = ("RDS-EVENT-0005", "RDS-EVENT-0170")
"""What happens to a resource id once: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html"""
