"""Check what AWS, or this project, refuses of a secret's replicas.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.limits import KEY_ARN
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.desired.secret.readers import named_by_policy
from secrets_pipeline.desired.tags import TAG_VALUE_LENGTH

_DEFAULT_KEY = "alias/aws/secretsmanager"
_ROOM = TAG_VALUE_LENGTH - 17
"""Beside the regions the tag holds the proof that we wrote them."""
_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")
"""How the regions of AWS's other partitions begin."""


def replica_key(inputs: Inputs, region: str, named: str | None) -> str | None:
    """The key of a replica, None for `aws/secretsmanager`; it has to be one of the replica's region.

    Args:
        inputs: the replica's entry.
        region: of the replica.
        named: the key as it stands there.
    """
    if named is None or named.endswith(_DEFAULT_KEY):
        return None
    if KEY_ARN.fullmatch(named) and (there := Arn.parse(named).region) != region:
        inputs.error(
            "kms_key_id",
            f"the key is in {there}, and the replica in {region}",
            f"Name a key of {region}: a multi-Region key has an ARN of its own in each region.",
        )
    return named


def check_regions(entry: Inputs, home: str, replicas: Sequence[ReplicaSpec]) -> None:
    """No replica crosses partitions, and one tag remembers which regions a secret was replicated to.

    Args:
        entry: of the secret.
        home: the stack's region.
        replicas: as read.
    """
    for replica in replicas:
        if _partition(replica.region) != _partition(home):
            entry.error(
                "replica_regions",
                f"{replica.region} and {home} belong to different partitions of AWS",
                "Name regions of the stack's partition.",
            )
    if len(" ".join(replica.region for replica in replicas)) > _ROOM:
        entry.error(
            "replica_regions",
            f"{len(replicas)} regions do not fit into the tag that remembers them ({_ROOM} characters)",
            "Name fewer regions.",
        )


def check_foreign_readers(stack: StackScope, target: Target, secrets: Iterable[SecretSpec]) -> None:
    """Readers in other accounts read replicas too, and `aws/secretsmanager` serves them in no region.

    Without a known account of the stack nobody counts as foreign.
    """
    for secret in secrets:
        readers = [*secret.readers, *named_by_policy(secret, target)]
        for index, replica in enumerate(secret.replicas if readers else ()):
            key = replica.kms_key_id
            if key is not None and KEY_ARN.fullmatch(key):
                continue
            under = f"key {key}" if key else "the default key aws/secretsmanager"
            stack.components[secret.ref.component].error(
                ("vars", "secrets", secret.ref.key, "replica_regions", index),
                f"{readers[0]} is in another account, but the replica in {replica.region} is under {under}",
                f"Name a customer-managed key of {replica.region} by its ARN: "
                f"{{region: {replica.region}, kms_key_id: 'arn:aws:kms:{replica.region}:…:key/…'}}.",
            )


def _partition(region: str) -> str:
    return next((prefix for prefix in _PARTITIONS if region.startswith(prefix)), "")
