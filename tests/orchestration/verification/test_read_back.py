"""A run that verifies reads everything, also what it has just written itself; a provisioning run does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.running import execute
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.runs import assert_succeeded
from tests.statements import TLS_ONLY

SECRETS = 3


@pytest.mark.parametrize("verifies", [False, True])
def test_what_a_provisioning_run_makes_is_read_back_only_by_one_that_verifies(
    repository: Repository, aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verifies: bool
) -> None:
    lead_to(aws, monkeypatch, DAGSTER_HOME=str(tmp_path / "home"))
    context = "verified" if verifies else "provisioned"
    policy = {"Version": "2012-10-17", "Statement": [TLS_ONLY]}
    declared = {f"n{number}": {"generate_random_password": True, "policy": policy} for number in range(SECRETS)}
    place: dict[str, Any] = {"environment": "dev", "region": aws.region, "account_id": aws.account_id}
    stack = f"{context}-dev"
    repository.tree = {stack: {"secretsmanager": {**place, "context_name": context, "secrets": declared}}}
    emulator.reset_calls(aws)
    built = build_definitions(asked=Asked(desired=repository.desired()))
    done = execute("provision", stack, built, {VERIFY_TAG: "true"} if verifies else {})
    assert_succeeded(done)
    assert all(one.passed for one in done.get_asset_check_evaluations() if one.check_name == "policies_are_not_public")
    counted = {one.operation: one.count for one in emulator.calls(aws) if one.service == "secretsmanager"}
    assert counted["PutResourcePolicy"] == SECRETS
    # The check of policies reads them, and the audit does.
    assert counted.get("GetResourcePolicy", 0) == (2 * SECRETS if verifies else 0)
    assert counted.get("ListSecretVersionIds", 0) == (SECRETS if verifies else 0)
