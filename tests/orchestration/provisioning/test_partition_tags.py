"""Tags of runs that name partitions: the account comes with a stack, and the stack is the one whose lease is held."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.shared import partition_tags
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import BACKFILL, Deployment
from tests.orchestration.provisioning.conftest import STACK

CHOSEN = """
query($job: PipelineSelector!, $stack: String!) {
  job: pipelineOrError(params: $job) {
    ... on Pipeline {
      partition(partitionName: $stack) { tagsOrError { ... on PartitionTags { results { key value } } } }
    }
  }
}"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test writes is read at once."""
    monkeypatch.setattr(partition_tags, "KEPT_SECONDS", 0.0)


@pytest.mark.parametrize("job", ["provision", "on_rotation", "plan"])
def test_the_runs_of_a_backfill_of_a_job_carry_the_account(
    deployment: Deployment, aws: emulator.LocalAws, job: str
) -> None:
    params = {
        "selector": {"repositorySelector": deployment.repository, "partitionSetName": f"{job}_partition_set"},
        "partitionNames": [deployment.stack],
        "forceSynchronousSubmission": True,
    }
    launched = deployment.ask(BACKFILL, {"params": params})["launched"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    (run,) = deployment.instance.get_runs()
    assert (run.job_name, run.tags[ACCOUNT_TAG]) == (job, aws.account_id)


def chosen(deployment: Deployment) -> dict[str, str]:
    """What the launchpad adds to a run when a partition is chosen."""
    job = {**deployment.repository, "pipelineName": "provision"}
    found = deployment.ask(CHOSEN, {"job": job, "stack": deployment.stack})["job"]["partition"]["tagsOrError"]
    return {one["key"]: one["value"] for one in found["results"]}


def test_the_launchpad_is_told_the_account_of_the_stack_as_its_yaml_is_now(
    deployment: Deployment, repository: Repository, aws: emulator.LocalAws
) -> None:
    assert chosen(deployment)[ACCOUNT_TAG] == aws.account_id
    repository.tree[deployment.stack]["secretsmanager"]["account_id"] = "999988887777"
    repository.write()
    assert chosen(deployment)[ACCOUNT_TAG] == "999988887777"


def test_a_repository_that_cannot_be_read_leaves_the_launchpad_its_partition(
    deployment: Deployment, repository: Repository
) -> None:
    repository.settings = {"no such setting": True}
    repository.write()
    assert ACCOUNT_TAG not in chosen(deployment)
    assert chosen(deployment)["dagster/partition"] == deployment.stack


@pytest.mark.parametrize(
    ("by", "tags", "said"),
    [
        # Dagster asks first for what was observed of the declared stack, of which it knows no partition x-dev.
        ("dagster/partition", {"partition/stack": "x-dev"}, "Partition range x-dev to x-dev is"),
        (
            "dagster/asset_partition_range_start",
            {"asset_partition_range_end": STACK},
            f"apply stack {STACK}, and holds the lease of none",
        ),
    ],
)
def test_no_tag_has_a_run_apply_a_stack_whose_lease_it_does_not_hold(
    deployment: Deployment, by: str, tags: Mapping[str, str], said: str
) -> None:
    run = deployment.provision(by=by, **tags)
    assert run.status is dg.DagsterRunStatus.FAILURE
    failures = deployment.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    (error,) = [one.event_log_entry.get_dagster_event().step_failure_data.error for one in failures]
    assert error is not None
    assert said in (error.cause or error).message
