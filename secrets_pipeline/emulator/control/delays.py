"""List what AWS needs time for: what is not visible yet after a write, and the states that last.

The profile `aws` takes the `usual` seconds, a drawn one `most` at most. AWS promises neither: it says that a thing is
eventually consistent or asynchronous, and how long is said by those who had to wait. No time was measured on AWS here.
Where Terraform's provider gives up after two minutes, `most` is two minutes: as long as the pipeline waits itself. That
is enough, since its last try is sent when they are over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"
_KMS = "https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
_SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html"
_TERRAFORM = "https://github.com/hashicorp/terraform-provider-aws"
_WAITS = f"{_TERRAFORM}/blob/main/internal/service"


@dataclass(frozen=True, slots=True)
class Delay:
    """Something that takes its time.

    Attributes:
        name: what it is called by `set_pace`.
        usual: seconds.
        most: seconds.
        source: who says so.
    """

    name: str
    usual: float
    most: float
    source: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A write that later calls do not know of yet.

    Attributes:
        delay: for how long.
        write: `service:Operation`, as botocore names the service.
        calls: the later ones that name what was written; `service:*` for all of a service.
        by: their parameters that name it.
        status: HTTP status of the answer.
        code: error code of the answer.
        message: of the answer.
    """

    delay: Delay
    write: str
    calls: tuple[str, ...]
    by: tuple[str, ...]
    status: int
    code: str
    message: str


# States that last.
CREATING: Final = Delay("database creating", 420, 900, _RDS)
"""Five to fifteen minutes."""
RESETTING: Final = Delay(
    "database resetting-master-credentials",
    60,
    180,
    "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html (MasterUserPassword)",
)
REPLICATING: Final = Delay(
    "replica InProgress",
    10,
    60,
    "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicationStatusType.html",
)
PENDING: Final = Delay("function Pending", 5, 20, _LAMBDA)
PENDING_IN_VPC: Final = Delay("function Pending in a VPC", 30, 120, _LAMBDA)
UPDATING: Final = Delay("function InProgress", 3, 30, _LAMBDA)
INTERFACES: Final = Delay(
    "PutRolePolicy to network interfaces", 0, 120, f"{_TERRAFORM}/issues/29828 {_WAITS}/lambda/consts.go"
)
"""A function in a VPC whose role had its policy for less when it was made ends as `Failed`."""
TRIAL: Final = Delay(
    "trial version of RotateImmediately: false",
    5,
    30,
    "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html (RotateImmediately)",
)
TRAIL: Final = Delay(
    "event through CloudTrail",
    90,
    300,
    "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html",
)
MOVE: Final = Delay(
    "message move task RUNNING",
    3,
    30,
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html",
)

# Lists and pictures that are old.
LIST: Final = Delay("ListSecrets", 30, 300, _SECRETS)
PICTURE: Final = Delay("PutRolePolicy to GetAccountAuthorizationDetails", 10, 60, _IAM)
PRINCIPAL: Final = Delay("CreateRole to policies that name the role", 10, 120, f"{_IAM} {_WAITS}/iam/wait.go")

_ASSUMED = Delay("CreateRole to CreateFunction", 8, 120, f"{_IAM} {_WAITS}/lambda/consts.go")
_TARGET = Delay("CreateRole to PutTargets", 8, 120, f"{_IAM} {_WAITS}/iam/wait.go")
_PERMITTED = Delay("AddPermission to RotateSecret", 20, 120, f"{_WAITS}/secretsmanager/consts.go")
_FUNCTION = Delay("CreateFunction to its name", 1, 20, f"{_TERRAFORM}/pull/7327")
_POLICY = Delay("AddPermission to GetPolicy", 1, 20, f"{_TERRAFORM}/issues/7214")
_SECRET = Delay("CreateSecret to the secret", 2, 60, f"{_SECRETS} {_TERRAFORM}/issues/18406")
_KEY = Delay("CreateKey to the key", 3, 60, f"{_KMS} {_TERRAFORM}/issues/11781")
_ALIAS = Delay("CreateAlias to the alias", 3, 60, _KMS)
_QUEUE = Delay("CreateQueue to the queue", 1, 30, _SQS)
_DELETED_QUEUE = Delay("DeleteQueue to CreateQueue", 60, 60, _SQS)

UNSEEN: Final = (
    Unseen(
        _ASSUMED,
        "iam:CreateRole",
        ("lambda:CreateFunction",),
        ("Role",),
        400,
        "InvalidParameterValueException",
        "The role defined for the function cannot be assumed by Lambda.",
    ),
    Unseen(
        _TARGET,
        "iam:CreateRole",
        ("events:PutTargets",),
        ("Targets.RoleArn",),
        400,
        "ValidationException",
        "Provided role 'ROLE' cannot be assumed by principal 'events.amazonaws.com'.",
    ),
    Unseen(
        _PERMITTED,
        "lambda:AddPermission",
        ("secretsmanager:RotateSecret",),
        ("RotationLambdaARN",),
        400,
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access "
        "to the principal secretsmanager.amazonaws.com.",
    ),
    Unseen(
        _FUNCTION,
        "lambda:CreateFunction",
        ("lambda:GetFunction", "lambda:GetFunctionConfiguration", "lambda:AddPermission", "lambda:TagResource"),
        ("FunctionName", "Resource"),
        404,
        "ResourceNotFoundException",
        "Function not found",
    ),
    Unseen(
        _POLICY,
        "lambda:AddPermission",
        ("lambda:GetPolicy",),
        ("FunctionName",),
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    ),
    Unseen(
        _SECRET,
        "secretsmanager:CreateSecret",
        ("secretsmanager:*",),
        ("SecretId",),
        400,
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    ),
    Unseen(_KEY, "kms:CreateKey", ("kms:*",), ("KeyId", "TargetKeyId"), 400, "NotFoundException", "Key is not found."),
    Unseen(
        _KEY,
        "kms:CreateKey",
        ("secretsmanager:CreateSecret", "secretsmanager:UpdateSecret"),
        ("KmsKeyId",),
        400,
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified KMS key.",
    ),
    Unseen(_ALIAS, "kms:CreateAlias", ("kms:*",), ("KeyId",), 400, "NotFoundException", "Alias is not found."),
    Unseen(
        _QUEUE,
        "sqs:CreateQueue",
        (
            "sqs:GetQueueUrl",
            "sqs:GetQueueAttributes",
            "sqs:SetQueueAttributes",
            "sqs:TagQueue",
            "sqs:ListQueueTags",
            "sqs:ReceiveMessage",
        ),
        ("QueueName", "QueueUrl"),
        400,
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    ),
    Unseen(
        _QUEUE,
        "sqs:CreateQueue",
        ("sqs:CreateQueue", "sqs:SetQueueAttributes"),
        ("Attributes.RedrivePolicy.deadLetterTargetArn",),
        400,
        "InvalidParameterValue",
        "Value for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.",
    ),
    Unseen(
        _DELETED_QUEUE,
        "sqs:DeleteQueue",
        ("sqs:CreateQueue",),
        ("QueueName",),
        400,
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    ),
)

LASTING: Final = (
    CREATING,
    RESETTING,
    REPLICATING,
    PENDING,
    PENDING_IN_VPC,
    UPDATING,
    INTERFACES,
    TRIAL,
    TRAIL,
    MOVE,
    LIST,
    PICTURE,
    PRINCIPAL,
)
DELAYS: Final[Mapping[str, Delay]] = {one.name: one for one in (*LASTING, *(row.delay for row in UNSEEN))}
"""Every row, by name."""
