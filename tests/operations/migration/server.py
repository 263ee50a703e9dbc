"""What AWS has of migrated secrets, for a comparison, and the function that rotates some of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator import LocalAws, StandInFunction, StandInRole, stand_in
from secrets_pipeline.reconcilers.tag_keys import PREFIX

if TYPE_CHECKING:
    import boto3


class Everything:
    """What AWS has of some secrets, for a comparison."""

    def __init__(self, session: boto3.Session, names: list[str]) -> None:
        client = session.client("secretsmanager")
        self.of = {name: self._look(client, name) for name in names}

    def _look(self, client: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - boto3's client
        told = client.describe_secret(SecretId=name)
        tags = {one["Key"]: one["Value"] for one in told.get("Tags", ())}
        return {
            "description": told.get("Description", ""),
            "key": told.get("KmsKeyId"),
            "rotation": [told.get(one) for one in ("RotationEnabled", "RotationLambdaARN", "RotationRules")],
            "replicas": sorted(one["Region"] for one in told.get("ReplicationStatus", ())),
            "versions": told["VersionIdsToStages"],
            "tags": {key: text for key, text in tags.items() if not key.startswith(PREFIX)},
            "policy": json.loads(client.get_resource_policy(SecretId=name).get("ResourcePolicy", "null")),
            "value": client.get_secret_value(SecretId=name)["SecretString"],
        }

    def differences(self, other: Everything) -> dict[str, dict[str, tuple[Any, Any]]]:
        found = {
            name: {part: (was, other.of[name][part]) for part, was in told.items() if was != other.of[name][part]}
            for name, told in self.of.items()
        }
        return {name: parts for name, parts in found.items() if parts}


def function(aws: LocalAws) -> str:
    """A rotation function with its role, as Terraform makes them; it may read what it rotates."""
    arn = f"arn:aws:lambda:{aws.region}:{aws.account_id}:function:rotation"
    turned = {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": arn}}
    allowed = [
        {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*", "Condition": turned},
        {"Effect": "Allow", "Action": ["kms:*", "secretsmanager:GetRandomPassword"], "Resource": "*"},
    ]
    policies = {"rotate": {"Version": "2012-10-17", "Statement": allowed}}
    role = StandInRole(f"arn:aws:iam::{aws.account_id}:role/rotation", "lambda.amazonaws.com", policies)
    stand_in(aws, [role, StandInFunction("rotation", role.arn, invoked_by=("secretsmanager.amazonaws.com",))])
    return arn
