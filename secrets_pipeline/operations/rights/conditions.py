"""Write the conditions of the table of permissions."""

from __future__ import annotations

from collections.abc import Collection

from secrets_pipeline.access.policy_text.statements import one_or_all, via_service
from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.service_keys import PURPOSE_TAG
from secrets_pipeline.operations.rights.model import Condition, Touched
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS


def through_secrets_manager(touched: Touched) -> Condition:
    """Keys, as Secrets Manager uses them on the caller's behalf.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return {"StringEquals": {"kms:ViaService": via_service("secretsmanager", *touched.regions)}}


def through_rds(touched: Touched) -> Condition:
    """Keys, as RDS uses them on the caller's behalf."""
    return {"StringEquals": {"kms:ViaService": via_service("rds", *touched.regions)}}


def through_parameters(touched: Touched) -> Condition:
    """Keys, as Parameter Store uses them on the caller's behalf for the parameters that stacks take in."""
    return {
        "StringEquals": {
            "kms:ViaService": via_service("ssm", *touched.regions),
            "kms:EncryptionContext:PARAMETER_ARN": list(touched.arns["parameters"]),
        }
    }


def through_states(touched: Touched) -> Condition:
    """Keys, as S3 uses them on the caller's behalf for the buckets of Terraform states.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
    """
    regions = dict.fromkeys(Arn.parse(one).region for one in touched.arns["state_keys"])
    return {
        "StringEquals": {"kms:ViaService": one_or_all(via_service("s3", *regions))},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [
                named for bucket in touched.arns["state_buckets"] for named in (bucket, f"{bucket}/*")
            ]
        },
    }


def through_parameters_of_alerts(touched: Touched) -> Condition:
    """The same for parameters that hold the URL of the webhook, or of the heartbeat."""
    return _for_a_url(touched.arns["url_parameters"], "ssm", "PARAMETER_ARN")


def through_secrets_of_alerts(touched: Touched) -> Condition:
    """Keys, as Secrets Manager uses them for secrets that hold the URL of the webhook, or of the heartbeat."""
    return _for_a_url(touched.arns["url_secrets"], "secretsmanager", "SecretARN")


def through_queues(touched: Touched) -> Condition:
    """Keys, as SQS uses them on the caller's behalf.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    [named] = touched.arns["queue_keys"]
    return {"StringEquals": {"kms:ViaService": one_or_all(via_service("sqs", Arn.parse(named).region))}}


def has_fingerprint_alias(touched: Touched) -> Condition:
    """The key of fingerprints, by the alias that it is called by."""
    return _aliased(touched.fingerprint_key)


def has_seal_alias(touched: Touched) -> Condition:
    """The key that seals, by the alias that it is called by."""
    return _aliased(touched.seal_key)


def has_no_alias(_touched: Touched) -> Condition:
    """A key that is being made, or whose alias is too new to count, which may take five minutes."""
    return {"Null": {"kms:ResourceAliases": "true"}}


def new_seal(_touched: Touched) -> Condition:
    """The key that seals, while its alias is new: what is sealed names its stack."""
    return {"Null": {"kms:ResourceAliases": "true", "kms:EncryptionContext:stack": "false"}}


def is_of_a_stack(_touched: Touched) -> Condition:
    """Keys that the pipeline made for stacks, by the tag that it makes them with."""
    return {"Null": {f"aws:ResourceTag/{ALIAS}": "false"}}


def is_spare(_touched: Touched) -> Condition:
    """One of two keys of the pipeline's own that two runs made at once: the one that got no alias."""
    return {"Null": {f"aws:ResourceTag/{PURPOSE_TAG}": "false", "kms:ResourceAliases": "true"}}


def is_bounded(touched: Touched) -> Condition:
    """Roles within the operator's permissions boundary, where the settings name one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
    """
    if touched.boundary is None:
        return {}
    return {"ArnLike" if "*" in touched.boundary else "StringEquals": {"iam:PermissionsBoundary": touched.boundary}}


def is_of_rds(_touched: Touched) -> Condition:
    """The service-linked role that RDS makes.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#available-keys-for-iam
    """
    return {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}


def passed_to(service: str) -> Condition:
    """Roles that a service gets.

    Args:
        service: for example `lambda`.
    """
    return {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}


def is_in_cluster(touched: Touched) -> Condition:
    """What runs in the clusters of the services."""
    return {"ArnEquals": {"ecs:cluster": list(touched.arns["ecs_clusters"])}}


def _aliased(key: str) -> Condition:
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key}} if key.startswith("alias/") else {}


def _for_a_url(named: Collection[str], service: str, context: str) -> Condition:
    regions = dict.fromkeys(Arn.parse(one).region for one in named)
    return {
        "StringEquals": {
            "kms:ViaService": one_or_all(via_service(service, *regions)),
            f"kms:EncryptionContext:{context}": one_or_all(list(named)),
        }
    }
