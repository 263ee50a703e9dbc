"""Stages that were not done, as the report of a run finds them."""

from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.engine.model import Change, ChangeClass, Failed, Outcome, Resource, Skipped
from secrets_pipeline.engine.report import rows
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.provisioning.stage_outcomes import broken_stages, failure, undone

STAGES = [dg.AssetKey("kms_keys"), dg.AssetKey("secrets"), dg.AssetKey("rds_instances")]


@pytest.mark.parametrize("breaks", [True, False])
def test_a_stage_whose_step_broke_is_a_failure_also_where_nothing_of_the_graph_leads_to_the_report(
    tmp_path: Path, *, breaks: bool
) -> None:
    found: list[list[str]] = []

    @dg.asset(op_tags={"dagster/priority": "2"})
    def kms_keys() -> None:
        if breaks:
            raise RuntimeError

    @dg.asset(op_tags={"dagster/priority": "1"})
    def secrets() -> None:
        pass

    @dg.asset
    def stack_report(context: dg.AssetExecutionContext) -> None:
        found.append([row["name"] for row in broken_stages(context, STAGES)])

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        dg.materialize([kms_keys, secrets, stack_report], instance=instance, raise_on_error=False)
    assert found == [["kms_keys"] if breaks else []]


def test_a_run_fails_for_what_failed_and_for_what_is_declared_and_was_not_made(tmp_path: Path) -> None:
    def secret(name: str) -> Change:
        return Change(Resource("secret", name), ChangeClass.CREATE)

    unmade: Outcome = Skipped(secret("shop/url"), "RDS instance orders does not exist yet")
    outcomes = [
        unmade,
        Failed(secret("shop/token"), SecretsPipelineError("AWS refused")),
        Skipped(secret("shop/later"), "instance is creating", passes=True),
    ]
    assert undone(rows(outcomes[2:])) == []
    said: list[str] = []

    @dg.asset
    def stack_report(context: dg.AssetExecutionContext) -> None:
        said.extend(failure(context, undone(rows(some))) for some in (outcomes, [unmade]))

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        dg.materialize([stack_report], instance=instance)
    assert said == [
        "1 failed, 1 not made: secret shop/token: AWS refused\nsecret shop/url: RDS instance orders does not exist yet",
        "1 not made: secret shop/url: RDS instance orders does not exist yet",
    ]
