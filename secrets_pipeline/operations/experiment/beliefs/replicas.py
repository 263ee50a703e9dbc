"""Beliefs about replicas: a key that does not exist, and what a replica keeps its secret from."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import NOWHERE, Belief, described, named, secret
from secrets_pipeline.operations.experiment.contract import Step, Template

_SOURCE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html"
_STATUS = "ReplicationStatus[].Status"
_ENDED = "!contains(ReplicationStatus[].Status, 'InProgress')"


def _replicated(*, refused: bool = False, **more: Template) -> Step:
    return Step(
        "secretsmanager",
        "ReplicateSecretToRegions",
        {"SecretId": named("copied"), "AddReplicaRegions": [{"Region": "<replica_region>", **more}]},
        refused=refused,
    )


def _ended() -> Step:
    return described(
        "copied",
        until=_ENDED,
        seconds=180,
        measures="replica InProgress",
        status=_STATUS,
        message="ReplicationStatus[].StatusMessage",
    )


_REMOVED = Step(
    "secretsmanager",
    "RemoveRegionsFromReplication",
    {"SecretId": named("copied"), "RemoveReplicaRegions": ["<replica_region>"]},
)

BELIEFS = (
    Belief(
        "replicas",
        "A replica under a key that does not exist fails; a secret that has one is not deleted, and is right after it "
        "was removed",
        _SOURCE,
        (
            secret("copied"),
            described("copied"),
            _replicated(KmsKeyId=NOWHERE),
            _ended(),
            _REMOVED,
            _replicated(),
            _ended(),
            Step(
                "secretsmanager",
                "DeleteSecret",
                {"SecretId": named("copied"), "ForceDeleteWithoutRecovery": True},
                refused=True,
            ),
            _REMOVED,
            Step("secretsmanager", "DeleteSecret", {"SecretId": named("copied"), "ForceDeleteWithoutRecovery": True}),
        ),
        needs="replica",
    ),
)
