from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from secrets_pipeline.aws.operations import reads
from tests.aws.product_calls import BY_LIBRARIES, SERVICES, called

_WRITING = """
AddPermission AddTagsToResource CancelRotateSecret ChangeMessageVisibilityBatch CreateAlias CreateDBCluster
CreateDBInstance CreateDeployment CreateEventBus CreateFunction CreateKey CreateLogGroup CreateQueue CreateRole
CreateSecret DeleteFunction DeleteLogGroup DeleteMessageBatch DeleteObject DeleteParameter DeleteResourcePolicy
DeleteRole DeleteRolePolicy DeleteRule DeleteSecret DisableKeyRotation EnableKeyRotation Encrypt GenerateDataKey
ModifyDBCluster ModifyDBInstance Publish PurgeQueue PutKeyPolicy PutObject PutParameter PutPermission
PutResourcePolicy PutRetentionPolicy PutRolePermissionsBoundary PutRolePolicy PutRule PutSecretValue PutTargets
ReceiveMessage RegisterTaskDefinition RemovePermission RemoveRegionsFromReplication RemoveTagsFromResource
RemoveTargets ReplicateSecretToRegions RestoreSecret RotateSecret ScheduleKeyDeletion SendCommand SendMessage
SetQueueAttributes StartMessageMoveTask TagQueue TagResource TagRole UntagResource UpdateAlias UpdateAssumeRolePolicy
UpdateFunctionCode UpdateFunctionConfiguration UpdateKeyDescription UpdateSecret UpdateSecretVersionStage UpdateService
UpdateStage
"""
WRITES = frozenset(_WRITING.split())
READS_BY_POST = frozenset(
    {
        "AssumeRole",
        "BatchGetSecretValue",
        "Decrypt",
        "FilterLogEvents",
        "GenerateMac",
        "SimulatePrincipalPolicy",
    }
)
"""Called, and named by no verb that reads."""


def test_every_operation_that_is_called_is_one_that_reads_or_one_that_writes() -> None:
    asked = called() | BY_LIBRARIES
    assert {one for one in asked if not reads(one)} == WRITES
    by_verb = ("Describe", "Get", "Head", "List")
    assert {one for one in asked if reads(one) and not one.startswith(by_verb)} == READS_BY_POST


@pytest.mark.parametrize("service", SERVICES)
def test_what_reads_is_what_botocores_model_says_so_far_as_it_does(service: str) -> None:
    model: Any = botocore.session.Session().get_service_model(service)
    described = vars(model)["_service_description"]["operations"]
    rest = str(model.metadata["protocol"]).startswith("rest")
    for name, said in described.items():
        method = said["http"]["method"]
        if said.get("readonly") or (rest and method in {"GET", "HEAD"}):
            # The one GET of all these that makes something: credentials of S3 Express.
            assert reads(name) != (name == "CreateSession"), name
        elif rest:
            assert reads(name) == (name in READS_BY_POST), name


def test_an_operation_that_nobody_knows_may_write() -> None:
    assert not any(map(reads, ("Getaway", "get_secret_value", "ForgetEverything", "")))
