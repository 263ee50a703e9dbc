"""In which order a run does what the graph leaves open."""

from __future__ import annotations

import boto3
import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import ASSETS
from tests.orchestration.deployed import Deployment


def test_a_run_does_the_stages_in_their_order_and_a_second_one_does_not_ask_again_who_can_read(
    deployment: Deployment, key: str
) -> None:
    boto3.client("kms").enable_key(KeyId=key)
    for done in (ASSETS, [name for name in ASSETS if name != "access_matrix"]):
        run = deployment.provision()
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        records = deployment.instance.get_records_for_run(run.run_id, of_type=kind, ascending=True).records
        assert [record.asset_key.path[-1] for record in records if record.asset_key] == list(done)
