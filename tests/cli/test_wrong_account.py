"""Credentials of another account stop every command, and Materialize, before anything but who we are is asked."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.emulator import LocalAws, calls
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, add_missing
from secrets_pipeline.orchestration.shared.resources import Asked
from tests.cli.conftest import Cli
from tests.runs import assert_exited

ELSEWHERE = "999988887777"
REFUSED = f"stack shop-dev belongs to account {ELSEWHERE}, but the credentials belong to 111122223333"


@pytest.fixture
def wrong(repository: Path, aws: LocalAws, dagster_home: None) -> Path:
    """A repository whose stack belongs to an account that the credentials are not of."""
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text(stack.read_text().replace("111122223333", ELSEWHERE))
    return repository


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(
    "command", [("apply", "-s", "shop-dev"), ("apply", "--all"), ("plan",), ("verify",), ("outputs", "-s", "shop-dev")]
)
def test_no_command_goes_on(cli: Cli, wrong: Path, aws: LocalAws, command: tuple[str, ...]) -> None:
    result = cli(*command, "--base-path", wrong)
    assert_exited(result, 1)
    assert REFUSED in result.output + result.stderr
    assert {call.service for call in calls(aws)} <= {"sts"}


@pytest.mark.parametrize("asset", ["stack_config", "generated_passwords", "kms_keys", "secrets", "secret_policies"])
def test_a_single_asset_that_is_materialised_does_not_go_on(wrong: Path, aws: LocalAws, asset: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        add_missing(instance, ["shop-dev"])
        result = (
            build_definitions(asked=Asked(base_path=wrong))
            .resolve_job_def("provision")
            .execute_in_process(
                instance=instance,
                asset_selection=[dg.AssetKey(asset)],
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
                tags={PARTITION_TAG: "shop-dev"},
            )
        )
    assert not result.success
    assert REFUSED in str([event.event_specific_data for event in result.all_events if event.is_failure])
    assert {call.service for call in calls(aws)} == {"sts"}
