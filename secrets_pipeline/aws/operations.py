"""Operations whose requests and answers hold no secret value, so that AWS's message about them may be repeated.

What is not here carries one, or may: values themselves, credentials and key material, variables of functions,
containers and stages, parameters of commands, lines of logs and events.
Source: the input and output shapes of each operation in botocore's service models.
"""

from __future__ import annotations

from typing import Final

_BY_SERVICE: Final = {
    "secretsmanager": "CancelRotateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy "
    "ListSecrets ListSecretVersionIds PutResourcePolicy RemoveRegionsFromReplication ReplicateSecretToRegions "
    "RestoreSecret RotateSecret TagResource UntagResource UpdateSecretVersionStage",
    "kms": "CreateAlias CreateKey DescribeKey DisableKeyRotation EnableKeyRotation GetKeyPolicy GetKeyRotationStatus "
    "ListAliases ListGrants ListKeys ListResourceTags PutKeyPolicy ScheduleKeyDeletion UpdateAlias "
    "UpdateKeyDescription",
    "rds": "AddTagsToResource DescribeDBClusters DescribeDBInstances ListTagsForResource RemoveTagsFromResource",
    "lambda": "AddPermission DeleteFunction GetPolicy ListTags RemovePermission",
    "ecs": "DescribeServices ListTasks UpdateService",
    "apigateway": "GetRestApis",
    "ssm": "DeleteParameter",
    "iam": "CreateRole DeleteRole DeleteRolePolicy GetAccountAuthorizationDetails GetPolicyVersion GetRole "
    "GetRolePolicy ListOpenIDConnectProviders PutRolePolicy TagRole UpdateAssumeRolePolicy",
    "organizations": "DescribeOrganization DescribePolicy ListParents ListPoliciesForTarget ListRoots",
    "sts": "GetCallerIdentity",
    "events": "CreateEventBus DescribeEventBus DescribeRule ListTargetsByRule PutPermission PutRule PutTargets",
    "sqs": "CreateQueue DeleteMessageBatch GetQueueAttributes GetQueueUrl ListQueueTags PurgeQueue "
    "SetQueueAttributes TagQueue",
    "sns": "Publish",
    "logs": "CreateLogGroup DescribeLogGroups PutRetentionPolicy",
    # What is stored there is sealed.
    "s3": "DeleteObject GetBucketVersioning GetObject HeadObject PutObject",
}

WITHOUT_VALUES: Final = frozenset(" ".join(_BY_SERVICE.values()).split())
