"""Beliefs about signatures: how old one may be, for each service that is written to; see `aws/leases/shared.py`.

Each request names a resource that does not exist, so it changes nothing even if a service accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from secrets_pipeline.operations.experiment.beliefs.model import NOWHERE, Belief, named
from secrets_pipeline.operations.experiment.contract import Step, Template

_NOTHING: Final = named("nothing")
_WRITES: Final[Mapping[str, tuple[str, Mapping[str, Template]]]] = {
    "secretsmanager": ("DeleteResourcePolicy", {"SecretId": _NOTHING}),
    "kms": ("DisableKeyRotation", {"KeyId": NOWHERE}),
    "ssm": ("DeleteParameter", {"Name": f"/{_NOTHING}"}),
    "lambda": ("DeleteFunction", {"FunctionName": _NOTHING}),
    "ecs": ("UpdateService", {"cluster": _NOTHING, "service": _NOTHING}),
    "logs": ("DeleteLogGroup", {"logGroupName": _NOTHING}),
    "rds": ("ModifyDBInstance", {"DBInstanceIdentifier": _NOTHING}),
    "apigateway": ("CreateDeployment", {"restApiId": "nothing000"}),
    "iam": ("DeleteRole", {"RoleName": _NOTHING}),
    "events": ("RemoveTargets", {"Rule": _NOTHING, "Ids": ["1"]}),
    "sqs": ("PurgeQueue", {"QueueUrl": f"https://sqs.<region>.amazonaws.com/<account>/{_NOTHING}"}),
    "sns": ("Publish", {"TopicArn": f"<arn>:sns:<region>:<account>:{_NOTHING}", "Message": "doctor"}),
    "s3": ("DeleteObject", {"Bucket": _NOTHING, "Key": "nothing"}),
}
"""By service: an operation that writes, and what it needs."""
_AGES: Final = (330, 930)
"""Seconds: half a minute more than five minutes, and than fifteen."""


def _steps() -> Iterator[Step]:
    for service, (operation, params) in _WRITES.items():
        for age in _AGES:
            yield Step(service, operation, params, refused=True, signed_seconds_ago=age)


BELIEFS = (
    Belief(
        "stale-signatures",
        "A request is refused five minutes after its time stamp, by some services after fifteen",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html",
        tuple(_steps()),
    ),
)
