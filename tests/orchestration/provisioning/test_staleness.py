"""What the UI calls "Unsynced": nothing, unless the YAML changed since."""

from __future__ import annotations

from collections import Counter

import boto3
import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import Deployment
from tests.orchestration.provisioning.conftest import STACK

STALE = """
query($assets: [AssetKeyInput!], $partition: String!) {
  assetNodes(assetKeys: $assets) { staleStatus(partition: $partition) }
}"""


def stale(deployment: Deployment) -> Counter[str]:
    """How many assets have which status."""
    asked = {"assets": [{"path": [name]} for name in ASSETS], "partition": STACK}
    return Counter(node["staleStatus"] for node in deployment.ask(STALE, asked)["assetNodes"])


def test_nothing_is_unsynced_after_applies_and_what_follows_a_rotation_until_the_yaml_is_applied_in_part(
    deployment: Deployment, repository: Repository, key: str
) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    for job in ("provision", "on_rotation", "provision", "on_database_change"):
        assert deployment.provision(job=job).status is dg.DagsterRunStatus.SUCCESS
        assert stale(deployment) == {"FRESH": len(ASSETS)}, job
    repository.tree[STACK]["secretsmanager"]["secrets"]["more"] = {"secret_data": "def-ghi-jkl", "kms_key_id": key}
    repository.write()
    assert deployment.provision("stack_config").status is dg.DagsterRunStatus.SUCCESS
    assert stale(deployment)["STALE"] > 0
    assert deployment.provision().status is dg.DagsterRunStatus.SUCCESS
    assert stale(deployment) == {"FRESH": len(ASSETS)}
