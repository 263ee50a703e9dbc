"""Say of AWS's operations which only read, and of which AWS's messages may be repeated.

Sources: the service models of botocore, and the access levels of
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from typing import Final

_READS: Final = re.compile(r"(Describe|List|Get|BatchGet|Head|Simulate|Validate)[A-Z]")
_READS_BY_NAME: Final = frozenset(
    {
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "CheckAccessNotGranted",
        "CheckNoNewAccess",
        "CheckNoPublicAccess",
        "Decrypt",
        "FilterLogEvents",
        "GenerateMac",
        "VerifyMac",
    }
)


def reads(operation: str) -> bool:
    """Tell whether an operation changes nothing, for example `DescribeSecret`; one that nobody knows may write.

    Taking a message off a queue hides it from others, and a data key is made to encrypt: neither only reads.
    """
    return _READS.match(operation) is not None or operation in _READS_BY_NAME


_BY_SERVICE: Final = {
    "secretsmanager": "CancelRotateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy "
    "ListSecrets ListSecretVersionIds PutResourcePolicy RemoveRegionsFromReplication ReplicateSecretToRegions "
    "RestoreSecret RotateSecret TagResource UntagResource UpdateSecretVersionStage",
    "kms": "CreateAlias CreateKey DescribeKey DisableKeyRotation EnableKeyRotation GetKeyPolicy GetKeyRotationStatus "
    "ListAliases ListGrants ListKeys ListResourceTags PutKeyPolicy ScheduleKeyDeletion UpdateAlias "
    "UpdateKeyDescription",
    "rds": "AddTagsToResource DescribeDBClusters DescribeDBInstances DescribeDBSubnetGroups ListTagsForResource "
    "RemoveTagsFromResource",
    "lambda": "AddPermission DeleteFunction GetAccountSettings GetPolicy ListTags RemovePermission",
    "ecs": "DescribeServices ListTasks UpdateService",
    "apigateway": "GetRestApis",
    "ssm": "DeleteParameter",
    "iam": "CreateRole DeleteRole DeleteRolePolicy GetAccountAuthorizationDetails GetPolicyVersion GetRole "
    "GetRolePolicy ListOpenIDConnectProviders PutRolePermissionsBoundary PutRolePolicy SimulatePrincipalPolicy TagRole "
    "UpdateAssumeRolePolicy",
    "ec2": "DescribeRouteTables DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints DescribeVpcs",
    # What a trail records, not the records.
    "cloudtrail": "DescribeTrails GetEventSelectors GetTrailStatus",
    "organizations": "DescribeOrganization DescribePolicy ListParents ListPoliciesForTarget ListRoots",
    "sts": "GetCallerIdentity",
    "events": "CreateEventBus DeleteRule DescribeEventBus DescribeRule ListTargetsByRule PutPermission PutRule "
    "PutTargets RemoveTargets",
    "sqs": "ChangeMessageVisibilityBatch CreateQueue DeleteMessageBatch GetQueueAttributes GetQueueUrl "
    "ListMessageMoveTasks ListQueueTags PurgeQueue SetQueueAttributes StartMessageMoveTask TagQueue",
    "sns": "Publish",
    "logs": "CreateLogGroup DeleteLogGroup DescribeLogGroups PutRetentionPolicy",
    # An error of S3 quotes nothing of an object: a seal, a lease, or a state of Terraform.
    "s3": "DeleteObject GetBucketVersioning GetObject HeadObject PutObject",
}

WITHOUT_VALUES: Final = frozenset(" ".join(_BY_SERVICE.values()).split())
"""Operations whose requests and answers hold no secret value, so that AWS's message about them may be repeated.

What is not here carries one, or may: values themselves, credentials and key material, variables of functions,
containers and stages, parameters of commands, lines of logs and events.
"""
