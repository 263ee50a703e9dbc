"""A failed run that is re-executed as the UI's buttons do it: green only when every stage was done and none failed."""

from __future__ import annotations

import boto3
import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import Deployment
from tests.orchestration.provisioning.conftest import STACK

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


def test_a_failed_run_stays_red_until_its_cause_is_mended_and_all_steps_are_done_again(
    deployment: Deployment, key: str
) -> None:
    failed = deployment.provision()
    assert failed.status is FAILURE
    assert "is Disabled" in deployment.said(failed)
    assert "Re-execute" not in deployment.said(failed)
    again = deployment.re_execute(failed, "FROM_FAILURE")
    assert deployment.steps(again) == {"stack_report"}
    assert again.status is FAILURE
    assert "is Disabled" in deployment.said(again)
    assert f"Re-execute all steps of run {failed.run_id} when the cause is mended" in deployment.said(again)
    boto3.client("kms").enable_key(KeyId=key)
    last = deployment.re_execute(again, "FROM_FAILURE")
    assert (last.status, last.root_run_id) == (FAILURE, failed.run_id)
    done = deployment.re_execute(failed, "ALL_STEPS")
    assert done.status is SUCCESS, deployment.said(done)
    assert boto3.client("secretsmanager").get_secret_value(SecretId="reexecuted/dev/token")["SecretString"]
    # Every stage was done since, and none failed.
    assert deployment.re_execute(last, "FROM_FAILURE").status is SUCCESS


def test_no_strategy_is_green_while_the_cause_is_there_and_a_newer_failure_of_another_run_counts(
    deployment: Deployment, key: str
) -> None:
    assets = ("kms_keys", "stack_report")
    failed = deployment.provision(*assets)
    assert failed.status is FAILURE
    for strategy in ("ALL_STEPS", "FROM_FAILURE", "FROM_ASSET_FAILURE"):
        again = deployment.re_execute(failed, strategy)
        assert (again.status, "kms_keys" in deployment.steps(again)) == (FAILURE, strategy == "ALL_STEPS"), strategy
    # Who asks for the report alone asks for no stage.
    assert deployment.provision("stack_report").status is SUCCESS
    boto3.client("kms").enable_key(KeyId=key)
    assert deployment.re_execute(failed, "ALL_STEPS").status is SUCCESS
    boto3.client("kms").disable_key(KeyId=key)
    deployment.provision("kms_keys")
    assert deployment.re_execute(failed, "FROM_FAILURE").status is FAILURE


def test_a_report_that_is_chosen_alone_fails_where_a_stage_was_not_done(
    deployment: Deployment, repository: Repository, key: str
) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    assets = ("kms_keys", "stack_report")
    assert deployment.provision(*assets).status is SUCCESS
    here = repository.tree[STACK]["secretsmanager"]["account_id"]
    repository.tree[STACK]["secretsmanager"]["account_id"] = "999988887777"
    repository.write()
    failed = deployment.provision(*assets)
    # Nothing of the graph stands between the two, as the stages between them are not chosen.
    assert (failed.status, deployment.steps(failed)) == (FAILURE, {"kms_keys", "stack_report"})
    repository.tree[STACK]["secretsmanager"]["account_id"] = here
    repository.write()
    again = deployment.re_execute_step(failed, "stack_report", *assets)
    assert (again.status, deployment.steps(again)) == (FAILURE, {"stack_report"})
    assert "stage kms_keys: was not done since the run that is re-executed began" in deployment.said(again)
    assert deployment.re_execute(failed, "FROM_FAILURE").status is SUCCESS


def test_a_backfill_that_is_re_executed_from_failure_stays_red_until_all_of_it_is_done_again(
    deployment: Deployment, key: str
) -> None:
    first, failed = deployment.backfill(*ASSETS)
    assert failed.status is FAILURE
    again, run = deployment.re_execute_backfill(first, "FROM_FAILURE")
    assert (run.status, deployment.steps(run)) == (FAILURE, {"stack_report"})
    assert "Re-execute all steps of backfill" in deployment.said(run)
    # Dagster leaves the tags of the backfill away.
    assert deployment.re_execute(run, "FROM_FAILURE").status is FAILURE
    boto3.client("kms").enable_key(KeyId=key)
    assert deployment.re_execute_backfill(again, "FROM_FAILURE")[1].status is FAILURE
    assert deployment.re_execute_backfill(first, "ALL_STEPS")[1].status is SUCCESS
    assert deployment.re_execute_backfill(first, "FROM_FAILURE")[1].status is SUCCESS


def test_a_stage_that_is_chosen_without_the_report_fails_by_itself(deployment: Deployment, key: str) -> None:
    failed = deployment.provision("kms_keys")
    assert failed.status is FAILURE
    assert "is Disabled" in deployment.said(failed)
    boto3.client("kms").enable_key(KeyId=key)
    assert deployment.provision("kms_keys").status is SUCCESS
