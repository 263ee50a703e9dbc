"""Say which permissions an operation needs: its actions, and what they are asked of.

Of KMS, STS and Secrets Manager other modules say it. Whatever operation stands nowhere needs the action of its own name
on everything. Sources: the tables "Actions" of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html,
and the pages of operations that need more than their own action, beside their lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from secrets_pipeline.emulator.enforcement import resources as of
from secrets_pipeline.emulator.enforcement.request import AskedCall
from secrets_pipeline.emulator.enforcement.resources import Resources, anything_at_all, named


class Need(NamedTuple):
    """One permission that an operation needs.

    Attributes:
        action: for example `lambda:CreateFunction`.
        of: what it is asked of.
        when: the parameter without which it is not needed; empty if it always is.
        passed_to: of iam:PassRole, the service that gets the role.
        encrypted: of a key, what the service encrypts by it on the caller's behalf.
    """

    action: str
    of: Resources
    when: str = ""
    passed_to: str = ""
    encrypted: Resources | None = None


def _same(prefix: str, of: Resources, operations: str) -> Iterator[tuple[str, tuple[Need, ...]]]:
    """Operations that need the action of their own name alone."""
    for name in operations.split():
        yield name, (Need(f"{prefix}:{name}", of),)


def _passes(role: str, to: str) -> Need:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html."""
    return Need("iam:PassRole", named("{}", role), when=role, passed_to=to)


def _uses_keys(names: str, encrypted: Resources, when: str = "") -> Iterator[Need]:
    """What the keys of encrypted resources are needed for."""
    for name in names.split():
        yield Need(f"kms:{name}", of.keys_of(encrypted), when=when, encrypted=encrypted)


# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_NETWORK = tuple(
    Need(f"ec2:{name}", anything_at_all, when="VpcConfig.SubnetIds")
    for name in ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
)
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
_RDS_KEY = tuple(Need(f"kms:{name}", of.key("KmsKeyId"), when="KmsKeyId") for name in ("CreateGrant", "DescribeKey"))
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions
_RDS_SECRET = (
    *(
        Need(f"secretsmanager:{name}", of.managed_secret, when="ManageMasterUserPassword")
        for name in ("CreateSecret", "TagResource")
    ),
    Need("kms:DescribeKey", of.key("MasterUserSecretKmsKeyId"), when="ManageMasterUserPassword"),
)
_LAMBDA_ROLE = _passes("Role", "lambda.amazonaws.com")
_TAGGED = named("{}", "ResourceARN", "resourceArn", "ResourceName")
_TASK_DEFINITION = named("task-definition/{}:*", "family")
_TOPIC = named("{}", "TopicArn", "TargetArn")
_OBJECT = (Need("s3:GetObject", of.stored_object), Need("s3:ListBucket", of.bucket_without_object))
_EVENT_BUS = named("event-bus/{}", "Name", "EventBusName")

OPERATIONS: Mapping[str, Mapping[str, tuple[Need, ...]]] = {
    "cloudtrail": {
        **dict(_same("cloudtrail", anything_at_all, "DescribeTrails")),
        **dict(_same("cloudtrail", named("trail/{}", "Name", "TrailName"), "GetEventSelectors GetTrailStatus")),
    },
    "ec2": dict(
        _same(
            "ec2",
            anything_at_all,
            "DescribeRouteTables DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints DescribeVpcs",
        )
    ),
    "ecs": {
        **dict(_same("ecs", anything_at_all, "DescribeTaskDefinition")),
        **dict(_same("ecs", of.in_cluster("service", "services"), "DescribeServices")),
        **dict(_same("ecs", of.in_cluster("service", "service"), "UpdateService")),
        **dict(_same("ecs", of.in_cluster("task", "tasks"), "DescribeTasks")),
        **dict(_same("ecs", of.in_cluster("container-instance", "containerInstance"), "ListTasks")),
        **dict(_same("ecs", _TAGGED, "TagResource")),
        "RegisterTaskDefinition": (
            Need("ecs:RegisterTaskDefinition", _TASK_DEFINITION),
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
            Need("ecs:TagResource", _TASK_DEFINITION, when="tags"),
            _passes("executionRoleArn", "ecs-tasks.amazonaws.com"),
            _passes("taskRoleArn", "ecs-tasks.amazonaws.com"),
        ),
    },
    "events": {
        **dict(_same("events", anything_at_all, "PutPermission RemovePermission")),
        **dict(_same("events", _EVENT_BUS, "DescribeEventBus")),
        **dict(_same("events", of.rule, "DeleteRule DescribeRule ListTargetsByRule RemoveTargets")),
        **dict(_same("events", _TAGGED, "ListTagsForResource TagResource")),
        "CreateEventBus": (
            Need("events:CreateEventBus", _EVENT_BUS),
            Need("events:TagResource", _EVENT_BUS, when="Tags"),
        ),
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        "PutRule": (Need("events:PutRule", of.rule), Need("events:TagResource", of.rule, when="Tags")),
        "PutTargets": (
            Need("events:PutTargets", of.rule),
            Need("iam:PassRole", of.target_roles, passed_to="events.amazonaws.com"),
        ),
    },
    "iam": {
        **dict(_same("iam", anything_at_all, "GetAccountAuthorizationDetails ListOpenIDConnectProviders")),
        **dict(_same("iam", named("policy/{}", "PolicyArn"), "GetPolicy GetPolicyVersion")),
        **dict(_same("iam", named("{}", "PolicySourceArn"), "SimulatePrincipalPolicy")),
        **dict(
            _same(
                "iam",
                of.role,
                "DeleteRole DeleteRolePolicy GetRole GetRolePolicy PutRolePermissionsBoundary PutRolePolicy TagRole "
                "UpdateAssumeRolePolicy",
            )
        ),
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_roles.html
        "CreateRole": (Need("iam:CreateRole", of.role), Need("iam:TagRole", of.role, when="Tags")),
    },
    "lambda": {
        **dict(_same("lambda", anything_at_all, "GetAccountSettings")),
        **dict(
            _same(
                "lambda",
                of.function,
                "AddPermission DeleteFunction GetFunction GetFunctionConfiguration GetPolicy ListTags RemovePermission "
                "TagResource UpdateFunctionCode",
            )
        ),
        "Invoke": (Need("lambda:InvokeFunction", of.function),),
        "CreateFunction": (
            Need("lambda:CreateFunction", of.function),
            Need("lambda:TagResource", of.function, when="Tags"),
            _LAMBDA_ROLE,
            *_NETWORK,
        ),
        "UpdateFunctionConfiguration": (
            Need("lambda:UpdateFunctionConfiguration", of.function),
            _LAMBDA_ROLE,
            *_NETWORK,
        ),
    },
    "logs": {
        **dict(_same("logs", anything_at_all, "DescribeLogGroups")),
        **dict(_same("logs", of.log_group, "DeleteLogGroup FilterLogEvents PutRetentionPolicy")),
        **dict(_same("logs", of.tagged_log_group, "ListTagsForResource TagResource")),
        "CreateLogGroup": (
            Need("logs:CreateLogGroup", of.log_group),
            Need("logs:TagResource", of.tagged_log_group, when="tags"),
        ),
    },
    "organizations": dict(
        _same(
            "organizations",
            anything_at_all,
            "DescribeOrganization DescribePolicy ListParents ListPoliciesForTarget ListRoots",
        )
    ),
    "rds": {
        **dict(_same("rds", named("subgrp:{}", "DBSubnetGroupName"), "DescribeDBSubnetGroups")),
        **dict(_same("rds", of.database, "DescribeDBInstances ModifyDBInstance")),
        **dict(_same("rds", of.database_cluster, "DescribeDBClusters ModifyDBCluster")),
        **dict(_same("rds", _TAGGED, "AddTagsToResource ListTagsForResource RemoveTagsFromResource")),
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
        "CreateDBInstance": (
            Need("rds:CreateDBInstance", of.database),
            *_RDS_KEY,
            *_RDS_SECRET,
            Need("rds:AddTagsToResource", named("db:{}", "DBInstanceIdentifier"), when="Tags"),
        ),
        "CreateDBCluster": (
            Need("rds:CreateDBCluster", of.database_cluster),
            *_RDS_KEY,
            *_RDS_SECRET,
            Need("rds:AddTagsToResource", named("cluster:{}", "DBClusterIdentifier"), when="Tags"),
        ),
    },
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    "s3": {
        **dict(_same("s3", of.bucket, "GetBucketVersioning")),
        **dict(_same("s3", of.stored_object, "DeleteObject")),
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
        "PutObject": (Need("s3:PutObject", of.stored_object), *_uses_keys("GenerateDataKey", of.stored_object)),
        "ListObjectsV2": (Need("s3:ListBucket", of.bucket),),
        "HeadBucket": (Need("s3:ListBucket", of.bucket),),
        "GetObject": (*_OBJECT, *_uses_keys("Decrypt", of.stored_object)),
        "HeadObject": _OBJECT,
    },
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    "sns": {"Publish": (Need("sns:Publish", _TOPIC), *_uses_keys("GenerateDataKey Decrypt", _TOPIC))},
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    "sqs": {
        **dict(
            _same(
                "sqs",
                of.queue,
                "GetQueueAttributes GetQueueUrl ListMessageMoveTasks ListQueueTags PurgeQueue SetQueueAttributes "
                "TagQueue",
            )
        ),
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        "ReceiveMessage": (Need("sqs:ReceiveMessage", of.queue), *_uses_keys("Decrypt", of.queue)),
        "SendMessage": (Need("sqs:SendMessage", of.queue), *_uses_keys("GenerateDataKey Decrypt", of.queue)),
        "CreateQueue": (Need("sqs:CreateQueue", of.queue), Need("sqs:TagQueue", of.queue, when="tags")),
        "ChangeMessageVisibilityBatch": (Need("sqs:ChangeMessageVisibility", of.queue),),
        "DeleteMessageBatch": (Need("sqs:DeleteMessage", of.queue),),
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
        "StartMessageMoveTask": (
            Need("sqs:StartMessageMoveTask", of.queue),
            Need("sqs:ReceiveMessage", of.queue),
            Need("sqs:DeleteMessage", of.queue),
            Need("sqs:GetQueueAttributes", of.queue),
            Need("sqs:SendMessage", of.redriven_queues),
            *_uses_keys("Decrypt", of.queue),
            *_uses_keys("GenerateDataKey Decrypt", of.redriven_queues),
        ),
    },
    "ssm": {
        **dict(_same("ssm", anything_at_all, "DescribeParameters ListCommands")),
        **dict(_same("ssm", of.parameter, "DeleteParameter GetParametersByPath")),
        # https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-tagging.html
        "PutParameter": (
            Need("ssm:PutParameter", of.parameter),
            Need("ssm:AddTagsToResource", of.parameter, when="Tags"),
        ),
        # https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
        "GetParameter": (
            Need("ssm:GetParameter", of.parameter),
            *_uses_keys("Decrypt", of.parameter, when="WithDecryption"),
        ),
        "GetParameters": (
            Need("ssm:GetParameters", of.parameter),
            *_uses_keys("Decrypt", of.parameter, when="WithDecryption"),
        ),
        **dict(_same("ssm", of.command_targets, "SendCommand")),
    },
}
"""By service, as botocore names it, and operation."""

_BY_METHOD = "apigateway"
"""The service whose actions are HTTP's methods."""
JUDGED = frozenset({*OPERATIONS, _BY_METHOD})
"""Services whose calls are judged by this table."""


def needs(call: AskedCall) -> tuple[Need, ...]:
    """What a call needs, whatever its parameters say of `when`."""
    if call.service == _BY_METHOD:
        return (Need(f"apigateway:{call.method}", of.rest_path),)
    known = OPERATIONS[call.service].get(call.operation)
    return known or (Need(f"{call.service}:{call.operation}", anything_at_all),)
