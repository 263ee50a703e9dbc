"""Declare the permissions for what the operator's settings ask for: roles, audits, events, alerts, stores."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.rights import conditions as when
from secrets_pipeline.operations.rights.model import Need, Right

ROLES: Final = (Right(Need.ROLES, "AssumeRoles", ("assumed",), reads="sts:AssumeRole"),)

AUDITS: Final = (
    Right(
        Need.AUDITS,
        "AuditReaders",
        ("audited",),
        reads="iam:GetAccountAuthorizationDetails GetPolicy GetPolicyVersion ListOpenIDConnectProviders",
    ),
    Right(Need.AUDITS, "AuditKeys", ("keys", "foreign_keys"), reads="kms:GetKeyPolicy ListGrants"),
    Right(
        Need.AUDITS,
        "AuditOrganization",
        ("organization",),
        reads="organizations:DescribeOrganization DescribePolicy ListParents ListPoliciesForTarget ListRoots",
    ),
    Right(Need.AUDITS, "SimulateOwnRights", ("own_roles",), reads="iam:SimulatePrincipalPolicy"),
)

EVENTS: Final = (
    Right(
        Need.EVENTS,
        "LookAtQueues",
        ("queues",),
        reads="sqs:GetQueueUrl GetQueueAttributes ListQueueTags",
        writes="sqs:CreateQueue SetQueueAttributes TagQueue",
    ),
    # Of ReceiveMessage, DeleteMessageBatch, ChangeMessageVisibilityBatch, and of StartMessageMoveTask.
    Right(
        Need.EVENTS,
        "ReceiveEvents",
        ("queues",),
        writes="sqs:ReceiveMessage DeleteMessage ChangeMessageVisibility",
    ),
    Right(Need.EVENTS, "PutEventsBack", ("home_queue",), writes="sqs:SendMessage"),
    Right(
        Need.EVENTS,
        "MoveDeadLetters",
        ("home_dead_letters",),
        writes="sqs:ListMessageMoveTasks StartMessageMoveTask",
    ),
    Right(
        Need.EVENTS,
        "MakeRules",
        ("rules",),
        reads="events:DescribeRule ListTargetsByRule ListTagsForResource",
        writes="events:DeleteRule PutRule PutTargets RemoveTargets TagResource",
    ),
    Right(
        Need.EVENTS,
        "MakeTheBus",
        ("buses",),
        reads="events:DescribeEventBus ListTagsForResource",
        writes="events:CreateEventBus TagResource",
    ),
    Right(Need.EVENTS, "LookAtTheKeyOfTheQueue", ("queue_keys",), reads="kms:DescribeKey GetKeyPolicy"),
    # Of the calls above, for a queue with a key of yours.
    Right(
        Need.EVENTS,
        "OpenEvents",
        ("queue_keys",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.through_queues,
    ),
    Right(
        Need.EVENTS,
        "LookAtTrails",
        ("trails",),
        reads="cloudtrail:DescribeTrails GetEventSelectors GetTrailStatus",
    ),
    # AWS knows no resource for them, so these are for every bus of the account.
    Right(Need.EVENTS, "CloseTheBus", ("any_bus",), writes="events:RemovePermission"),
    Right(Need.EVENTS, "LetAccountsPutEvents", ("any_bus_of_others",), writes="events:PutPermission"),
    Right(Need.EVENTS, "LookAtTheRoleOfRules", ("event_roles",), reads="iam:GetRole GetRolePolicy"),
    Right(
        Need.EVENTS,
        "MakeTheRoleOfRules",
        ("event_roles",),
        writes="iam:TagRole UpdateAssumeRolePolicy",
    ),
    Right(
        Need.EVENTS,
        "MakeTheRoleOfRulesWithinTheBoundary",
        ("event_roles",),
        writes="iam:CreateRole PutRolePolicy",
        condition=when.is_bounded,
    ),
    Right(
        Need.EVENTS,
        "BoundTheRoleOfRules",
        ("bounded_event_roles",),
        writes="iam:PutRolePermissionsBoundary",
        condition=when.is_bounded,
    ),
    # Of PutTargets.
    Right(
        Need.EVENTS,
        "PassTheRoleToRules",
        ("event_roles",),
        writes="iam:PassRole",
        condition=lambda _: when.passed_to("events"),
    ),
)

ALERTS: Final = (
    Right(Need.ALERTS, "Alert", ("topics",), writes="sns:Publish"),
    Right(Need.ALERTS, "ReadUrls", ("url_secrets",), reads="secretsmanager:GetSecretValue"),
    Right(Need.ALERTS, "OpenUrls", ("url_secret_keys",), reads="kms:Decrypt", condition=when.through_secrets_of_alerts),
    Right(Need.ALERTS, "ReadUrlParameters", ("url_parameters",), reads="ssm:GetParameter"),
    Right(
        Need.ALERTS,
        "OpenUrlParameters",
        ("url_parameter_keys",),
        reads="kms:Decrypt",
        condition=when.through_parameters_of_alerts,
    ),
)

STORES: Final = (
    # Without ListBucket, S3 answers 403 for an object that is not there.
    Right(Need.SEALS, "LookAtTheBucketOfSeals", ("seal_bucket",), writes="s3:GetBucketVersioning ListBucket"),
    Right(Need.SEALS, "KeepSeals", ("seals",), writes="s3:GetObject PutObject DeleteObject"),
    Right(Need.LEASES, "LookAtTheBucketOfLeases", ("lease_bucket",), writes="s3:ListBucket"),
    Right(Need.LEASES, "KeepLeases", ("leases",), writes="s3:GetObject PutObject"),
)
