"""Declare the permissions for databases, rotation functions, and whoever reads."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.rights import conditions as when
from secrets_pipeline.operations.rights.model import Need, Right

MAKES_RDS_ROLE: Final = "LetRdsMakeItsRole"
"""Needed for the first database of an account only."""

DATABASES: Final = (
    Right(Need.DATABASES, "ListDatabases", ("all_databases",), reads="rds:DescribeDBInstances"),
    Right(Need.DATABASES, "ListClusters", ("all_clusters",), reads="rds:DescribeDBClusters"),
    Right(Need.DATABASES, "LookAtSubnetGroups", ("subnet_groups",), reads="rds:DescribeDBSubnetGroups"),
    Right(Need.DATABASES, "LookForADefaultNetwork", ("default_network",), reads="ec2:DescribeVpcs"),
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
    # Of CreateDBInstance and CreateDBCluster, in an account that never had a database.
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html
    Right(Need.DATABASES, "LookAtTheRoleOfRds", ("perhaps_rds_role",), reads="iam:GetRole"),
    Right(
        Need.DATABASES,
        MAKES_RDS_ROLE,
        ("rds_role",),
        writes="iam:CreateServiceLinkedRole",
        condition=when.is_of_rds,
    ),
    # Of CreateDBInstance and CreateDBCluster, with KmsKeyId and with ManageMasterUserPassword.
    Right(
        Need.DATABASES,
        "EncryptDatabases",
        ("database_keys",),
        writes="kms:CreateGrant",
        condition=when.through_rds,
    ),
    Right(
        Need.DATABASES, "LetRdsKeepPasswords", ("managed_passwords",), writes="secretsmanager:CreateSecret TagResource"
    ),
)

ROTATION: Final = (
    Right(
        Need.ROTATION,
        "RotateSecrets",
        ("rotated_secrets",),
        writes="secretsmanager:RotateSecret CancelRotateSecret",
    ),
    # lambda:InvokeFunction: of RotateSecret, and of the check that the function answers. lambda:ListTags: without it
    # GetFunction leaves the tags out, which say whose a function is.
    Right(
        Need.ROTATION,
        "LookAtRotationFunctions",
        ("rotating_functions",),
        reads="lambda:GetFunction GetFunctionConfiguration GetPolicy ListTags",
        writes="lambda:InvokeFunction",
    ),
    Right(Need.ROTATION, "LookAtConcurrency", ("any_function",), reads="lambda:GetAccountSettings"),
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
    # Whoever puts a function into a network needs DescribeSecurityGroups and DescribeSubnets of the next row as well:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    Right(
        Need.ROTATION,
        "PutFunctionsIntoANetwork",
        ("network",),
        writes="ec2:DescribeVpcs",
    ),
    Right(
        Need.ROTATION,
        "LookAtTheNetwork",
        ("network",),
        reads="ec2:DescribeRouteTables DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints",
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
        writes="logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy TagResource",
    ),
)

ATTACH: Final = (
    Right(Need.ATTACH, "LookAtConsumers", ("consumer_roles",), reads="iam:GetRole GetRolePolicy"),
    Right(Need.ATTACH, "LetConsumersRead", ("consumer_roles",), writes="iam:PutRolePolicy DeleteRolePolicy"),
)

DELIVERY: Final = (
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
