"""The job `verify` has the partitions of the stacks, and its evaluations say of which they are."""

from __future__ import annotations

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository

STACK = "shop-dev"


def test_a_partition_is_chosen_for_verify_as_for_every_job_of_a_stack() -> None:
    built = build_definitions(names=Names("payments"))
    of_stacks = ("verify", "plan", "provision", "rotate_secrets")
    found = [built.resolve_job_def(f"payments_{name}").partitions_def for name in of_stacks]
    assert [one.name for one in found if isinstance(one, dg.DynamicPartitionsDefinition)] == ["payments_stacks"] * 4


def test_a_run_of_a_partition_has_the_tags_of_its_stack_and_evaluations_of_it(
    repository: Repository, instance: dg.DagsterInstance, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_to(aws, monkeypatch)
    place = {"environment": "dev", "region": aws.region, "account_id": aws.account_id, "context_name": "shop"}
    repository.tree = {STACK: {"secretsmanager": {**place, "secrets": {"t": {"generate_random_password": True}}}}}
    repository.write()
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    job = build_definitions().resolve_job_def("verify")
    assert job.get_tags_for_partition_key(STACK, selected_asset_keys=None)[ACCOUNT_TAG] == aws.account_id
    done = job.execute_in_process(partition_key=STACK, instance=instance, raise_on_error=False)
    evaluations = done.get_asset_check_evaluations()
    assert evaluations
    assert {one.partition for one in evaluations} == {STACK}
