"""Declare which permissions the pipeline needs: for what, on what, under which condition.

An action has the name of the operation that needs it; where it has not, the line says so. Sources: the Service
Authorization Reference,
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html,
and for the conditions https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html,
https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.rights import conditions as when
from secrets_pipeline.operations.rights.model import Need, Right

_EVERYTHING: Final = (
    Right(
        Need.EVERYTHING,
        "ListSecretsAndKeys",
        ("any",),
        reads="secretsmanager:ListSecrets kms:ListAliases ListKeys",
        writes="kms:CreateKey",
    ),
    Right(
        Need.EVERYTHING,
        "ReadSecrets",
        ("secrets", "referred_secrets"),
        reads="secretsmanager:DescribeSecret GetResourcePolicy GetSecretValue ListSecretVersionIds",
    ),
    Right(
        Need.EVERYTHING,
        "WriteSecrets",
        ("secrets",),
        writes="secretsmanager:CreateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage TagResource "
        "UntagResource PutResourcePolicy DeleteResourcePolicy RestoreSecret",
    ),
    Right(Need.EVERYTHING, "ReadKeys", ("keys", "foreign_keys"), reads="kms:DescribeKey ListResourceTags"),
    # Secrets Manager opens and seals values on the caller's behalf; Encrypt is asked for a key that secrets move to.
    Right(
        Need.EVERYTHING,
        "UseKeysOfSecrets",
        ("keys",),
        reads="kms:Decrypt",
        writes="kms:GenerateDataKey",
        condition=when.through_secrets_manager,
    ),
    Right(Need.EVERYTHING, "MoveSecretsToKeys", ("keys",), writes="kms:Encrypt"),
    Right(Need.EVERYTHING, "NameKeys", ("aliases",), writes="kms:CreateAlias"),
    Right(
        Need.EVERYTHING,
        "MakeKeys",
        ("keys",),
        writes="kms:CreateAlias EnableKeyRotation TagResource",
        condition=when.has_no_alias,
    ),
    Right(Need.EVERYTHING, "DeleteSpareKeys", ("keys",), writes="kms:ScheduleKeyDeletion", condition=when.is_spare),
    Right(
        Need.EVERYTHING,
        "MakeFingerprints",
        ("fingerprint_key",),
        reads="kms:GenerateMac",
        condition=when.has_fingerprint_alias,
    ),
    Right(
        Need.EVERYTHING,
        "SealValues",
        ("seal_key",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.has_seal_alias,
    ),
    Right(
        Need.EVERYTHING,
        "MakeFingerprintsByANewKey",
        ("new_service_keys",),
        reads="kms:GenerateMac",
        condition=when.has_no_alias,
    ),
    Right(
        Need.EVERYTHING,
        "SealValuesByANewKey",
        ("new_service_keys",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.new_seal,
    ),
    Right(
        Need.EVERYTHING,
        "PublishOutputs",
        ("outputs",),
        reads="ssm:GetParametersByPath",
        writes="ssm:PutParameter DeleteParameter",
    ),
)
_PRUNE: Final = (
    Right(Need.PRUNE, "PruneSecrets", ("secrets",), writes="secretsmanager:DeleteSecret"),
    Right(
        Need.PRUNE,
        "ReplicateSecrets",
        ("replicated_secrets",),
        writes="secretsmanager:ReplicateSecretToRegions RemoveRegionsFromReplication",
    ),
)
_KEYS: Final = (
    Right(Need.KEYS, "ReadKeysOfStacks", ("own_keys",), reads="kms:GetKeyRotationStatus"),
    Right(Need.KEYS, "MoveAliases", ("own_aliases",), writes="kms:UpdateAlias"),
    Right(
        Need.KEYS,
        "ChangeKeysOfStacks",
        ("own_keys",),
        writes="kms:CreateAlias UpdateAlias EnableKeyRotation DisableKeyRotation PutKeyPolicy UpdateKeyDescription "
        "TagResource UntagResource ScheduleKeyDeletion",
        condition=when.is_of_a_stack,
    ),
)
_ROLES: Final = (Right(Need.ROLES, "AssumeRoles", ("assumed",), reads="sts:AssumeRole"),)
_PARAMETERS: Final = (
    Right(Need.PARAMETERS, "ReadParameters", ("parameters",), reads="ssm:GetParameter"),
    Right(
        Need.PARAMETERS,
        "OpenParameters",
        ("parameter_keys",),
        reads="kms:Decrypt",
        condition=when.through_parameters,
    ),
)
_DATABASES: Final = (
    Right(Need.DATABASES, "ListDatabases", ("all_databases",), reads="rds:DescribeDBInstances"),
    Right(Need.DATABASES, "ListClusters", ("all_clusters",), reads="rds:DescribeDBClusters"),
    Right(
        Need.DATABASES,
        "WriteDatabases",
        ("databases", "clusters"),
        reads="rds:ListTagsForResource",
        writes="rds:AddTagsToResource RemoveTagsFromResource",
    ),
    Right(Need.DATABASES, "SetPasswords", ("passworded_databases",), writes="rds:ModifyDBInstance"),
    Right(Need.DATABASES, "SetPasswordsOfClusters", ("clusters",), writes="rds:ModifyDBCluster"),
    Right(Need.DATABASES, "MakeDatabases", ("made_databases", "database_groups"), writes="rds:CreateDBInstance"),
    Right(Need.DATABASES, "MakeClusters", ("made_clusters", "cluster_groups"), writes="rds:CreateDBCluster"),
    # Of CreateDBInstance and CreateDBCluster, with KmsKeyId and with ManageMasterUserPassword.
    Right(
        Need.DATABASES,
        "EncryptDatabases",
        ("database_keys",),
        writes="kms:CreateGrant DescribeKey",
        condition=when.through_rds,
    ),
    Right(
        Need.DATABASES, "LetRdsKeepPasswords", ("managed_passwords",), writes="secretsmanager:CreateSecret TagResource"
    ),
)
_ROTATION: Final = (
    Right(
        Need.ROTATION,
        "RotateSecrets",
        ("rotated_secrets",),
        writes="secretsmanager:RotateSecret CancelRotateSecret",
    ),
    # lambda:InvokeFunction: of RotateSecret, and of the check that the function answers.
    Right(
        Need.ROTATION,
        "LookAtRotationFunctions",
        ("rotating_functions",),
        reads="lambda:GetFunction GetFunctionConfiguration GetPolicy",
        writes="lambda:InvokeFunction",
    ),
    Right(
        Need.ROTATION,
        "MakeRotationFunctions",
        ("functions",),
        writes="lambda:CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction AddPermission "
        "RemovePermission TagResource",
    ),
    Right(Need.ROTATION, "LookAtRolesOfFunctions", ("function_roles",), reads="iam:GetRole GetRolePolicy"),
    Right(
        Need.ROTATION,
        "MakeRolesOfFunctions",
        ("function_roles",),
        writes="iam:DeleteRole TagRole UpdateAssumeRolePolicy DeleteRolePolicy",
    ),
    Right(
        Need.ROTATION,
        "MakeRolesOfFunctionsWithinTheBoundary",
        ("function_roles",),
        writes="iam:CreateRole PutRolePolicy",
        condition=when.is_bounded,
    ),
    Right(
        Need.ROTATION,
        "BoundRolesOfFunctions",
        ("bounded_function_roles",),
        writes="iam:PutRolePermissionsBoundary",
        condition=when.is_bounded,
    ),
    # Of CreateFunction and UpdateFunctionConfiguration.
    Right(
        Need.ROTATION,
        "PassRolesToLambda",
        ("function_roles",),
        writes="iam:PassRole",
        condition=lambda _: when.passed_to("lambda"),
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    Right(
        Need.ROTATION,
        "PutFunctionsIntoANetwork",
        ("network",),
        writes="ec2:DescribeSecurityGroups DescribeSubnets DescribeVpcs",
    ),
    Right(Need.ROTATION, "FindLogGroups", ("any_log_group",), reads="logs:DescribeLogGroups"),
    Right(
        Need.ROTATION,
        "ReadLogs",
        ("rotation_logs",),
        reads="logs:FilterLogEvents",
    ),
    Right(
        Need.ROTATION,
        "MakeLogGroups",
        ("log_groups",),
        reads="logs:ListTagsForResource",
        writes="logs:CreateLogGroup PutRetentionPolicy TagResource",
    ),
)
_ATTACH: Final = (
    Right(Need.ATTACH, "LookAtConsumers", ("consumer_roles",), reads="iam:GetRole GetRolePolicy"),
    Right(Need.ATTACH, "LetConsumersRead", ("consumer_roles",), writes="iam:PutRolePolicy DeleteRolePolicy"),
)
_DELIVERY: Final = (
    Right(
        Need.DELIVERY,
        "DeliverToFunctions",
        ("delivered_functions",),
        reads="lambda:GetFunctionConfiguration",
        writes="lambda:UpdateFunctionConfiguration",
    ),
    # Where the operator grants nothing, the tag of the function's owner may.
    Right(Need.DELIVERY, "ReadTagsOfFunctions", ("ungranted_functions",), reads="lambda:ListTags"),
    Right(Need.DELIVERY, "LookAtTaskDefinitions", ("any_task",), reads="ecs:DescribeTaskDefinition"),
    Right(
        Need.DELIVERY,
        "ListTasks",
        ("any_task",),
        reads="ecs:ListTasks",
        condition=when.is_in_cluster,
    ),
    Right(Need.DELIVERY, "LookAtTasks", ("tasks",), reads="ecs:DescribeTasks"),
    Right(
        Need.DELIVERY,
        "DeliverToServices",
        ("services",),
        reads="ecs:DescribeServices",
        writes="ecs:UpdateService",
    ),
    Right(
        Need.DELIVERY,
        "RegisterTaskDefinitions",
        ("task_definitions",),
        writes="ecs:RegisterTaskDefinition TagResource",
    ),
    # Of RegisterTaskDefinition.
    Right(
        Need.DELIVERY,
        "PassRolesToTasks",
        ("task_roles",),
        writes="iam:PassRole",
        condition=lambda _: when.passed_to("ecs-tasks"),
    ),
    # GetRestApis and GetStage; UpdateStage; CreateDeployment.
    Right(Need.DELIVERY, "LookAtStages", ("apis", "stages"), reads="apigateway:GET"),
    Right(Need.DELIVERY, "DeliverToStages", ("delivered_stages",), writes="apigateway:PATCH"),
    Right(Need.DELIVERY, "RefreshStages", ("deployments",), writes="apigateway:POST"),
    Right(Need.DELIVERY, "RunDocuments", ("documents",), writes="ssm:SendCommand"),
    Right(Need.DELIVERY, "ListCommands", ("any_command",), reads="ssm:ListCommands"),
)
_AUDITS: Final = (
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
    Right(Need.AUDITS, "ReadEventHistory", ("any",), reads="cloudtrail:LookupEvents"),
)
_EVENTS: Final = (
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
        writes="events:PutRule PutTargets TagResource",
    ),
    Right(
        Need.EVENTS,
        "MakeTheBus",
        ("buses",),
        reads="events:DescribeEventBus ListTagsForResource",
        writes="events:CreateEventBus TagResource",
    ),
    # Of the calls above, for a queue with a key of yours.
    Right(
        Need.EVENTS,
        "OpenEvents",
        ("queue_keys",),
        writes="kms:Decrypt GenerateDataKey",
        condition=when.through_queues,
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
_ALERTS: Final = (
    Right(Need.ALERTS, "Alert", ("topics",), writes="sns:Publish"),
    Right(Need.ALERTS, "ReadTheWebhook", ("webhook_secret",), reads="secretsmanager:GetSecretValue"),
    Right(
        Need.ALERTS,
        "OpenTheWebhook",
        ("webhook_secret_keys",),
        reads="kms:Decrypt",
        condition=when.through_the_webhooks_secret,
    ),
    Right(Need.ALERTS, "ReadTheWebhookParameter", ("webhook_parameter",), reads="ssm:GetParameter"),
    Right(
        Need.ALERTS,
        "OpenTheWebhookParameter",
        ("webhook_keys",),
        reads="kms:Decrypt",
        condition=when.through_parameters_of_alerts,
    ),
)
_STORES: Final = (
    # Without ListBucket, S3 answers 403 for an object that is not there.
    Right(Need.SEALS, "LookAtTheBucketOfSeals", ("seal_bucket",), writes="s3:GetBucketVersioning ListBucket"),
    Right(Need.SEALS, "KeepSeals", ("seals",), writes="s3:GetObject PutObject DeleteObject"),
    Right(Need.LEASES, "LookAtTheBucketOfLeases", ("lease_bucket",), writes="s3:ListBucket"),
    Right(Need.LEASES, "KeepLeases", ("leases",), writes="s3:GetObject PutObject"),
    Right(
        Need.LEASES,
        "KeepLeasesInATable",
        ("lease_table",),
        writes="dynamodb:GetItem PutItem",
        condition=when.is_a_lease,
    ),
)
RIGHTS: Final[tuple[Right, ...]] = (
    *_EVERYTHING,
    *_PRUNE,
    *_KEYS,
    *_ROLES,
    *_PARAMETERS,
    *_DATABASES,
    *_ROTATION,
    *_ATTACH,
    *_DELIVERY,
    *_AUDITS,
    *_EVENTS,
    *_ALERTS,
    *_STORES,
)
"""The whole table."""
