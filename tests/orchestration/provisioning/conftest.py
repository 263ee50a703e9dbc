"""A stack with one secret under a key of a human's, and its deployment behind GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.run_coordinator import BackfillsLast
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import Deployment, deployed

STACK = "reexecuted-dev"


@pytest.fixture
def key(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch) -> str:
    """A KMS key that the stack's secrets are under, disabled."""
    lead_to(aws, monkeypatch)
    kms = boto3.client("kms")
    made = kms.create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=made)
    return made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One that queues runs, and launches them in this process."""
    launcher = {"module": SyncInMemoryRunLauncher.__module__, "class": SyncInMemoryRunLauncher.__name__}
    coordinator = {"module": BackfillsLast.__module__, "class": BackfillsLast.__name__}
    settings = {"run_launcher": launcher, "run_coordinator": coordinator}
    with dg.DagsterInstance.local_temp(str(tmp_path), settings) as made:
        yield made


@pytest.fixture
def deployment(
    repository: Repository, key: str, aws: emulator.LocalAws, instance: dg.DagsterInstance
) -> Iterator[Deployment]:
    repository.tree = {
        STACK: {
            "secretsmanager": {
                "environment": "dev",
                "region": aws.region,
                "account_id": aws.account_id,
                "context_name": "reexecuted",
                "secrets": {"token": {"secret_data": "abc-def-ghi", "kms_key_id": key}},
            }
        }
    }
    repository.write()
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    with deployed(instance, STACK) as made:
        yield made
