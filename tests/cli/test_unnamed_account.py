"""A stack whose account nobody names is planned, and never written: the error has the line that names it."""

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

REFUSED = (
    "stack shop-dev: nobody says to which account this stack belongs, so nothing is written; the credentials belong"
)
LINE = 'targets:\n    - {stacks: "shop-dev", account_id: "111122223333"}'


@pytest.fixture
def unnamed(repository: Path, aws: LocalAws, dagster_home: None) -> Path:
    """A repository whose stack names no account."""
    assert aws
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text(stack.read_text().replace('account_id: "111122223333"', ""))
    return repository


@pytest.mark.parametrize(
    "command",
    [("apply", "-s", "shop-dev"), ("apply", "--all", "--prune"), ("rotate", "shop/dev/api/token")],
)
def test_no_command_writes(cli: Cli, unnamed: Path, aws: LocalAws, command: tuple[str, ...]) -> None:
    result = cli(*command, "--base-path", unnamed)
    assert_exited(result, 1)
    assert result.stderr.count("error: ") == 1
    assert REFUSED in result.stderr
    assert LINE in result.stderr
    assert {call.service for call in calls(aws)} == {"sts"}


def test_a_plan_takes_the_account_as_it_is_and_says_so(cli: Cli, unnamed: Path) -> None:
    result = cli("plan", "--base-path", unnamed)
    assert_exited(result)
    assert "note: stack shop-dev names no account, so 111122223333 was taken as it is" in result.stderr


def test_a_verification_says_whose_account_it_looks_at(cli: Cli, unnamed: Path) -> None:
    said = cli("verify", "--base-path", unnamed).stderr
    assert (
        "note: nobody names the account of shop-dev: that of the credentials is taken; an apply asks for it in" in said
    )


def test_the_line_that_the_error_says_is_enough(cli: Cli, unnamed: Path, tmp_path: Path) -> None:
    refused = cli("apply", "-s", "shop-dev", "--base-path", unnamed).stderr
    line = next(line for line in refused.splitlines() if "{stacks:" in line)
    (tmp_path / "operator.yaml").write_text(f"targets:\n{line}\n")
    result = cli("plan", "--base-path", unnamed, "--config", tmp_path / "operator.yaml")
    assert_exited(result)
    assert "names no account" not in result.stderr


def test_a_rule_without_an_account_is_named(cli: Cli, unnamed: Path, tmp_path: Path) -> None:
    (tmp_path / "operator.yaml").write_text('targets: [{stacks: "shop-*"}]\n')
    result = cli("apply", "--all", "--base-path", unnamed, "--config", tmp_path / "operator.yaml")
    assert_exited(result, 1)
    assert 'Write account_id: "111122223333" into its rule under targets of the operator\'s settings: ' in result.stderr
    assert '{stacks: "shop-*"}' in result.stderr


@pytest.mark.parametrize("job", ["provision", "on_rotation"])
def test_no_run_of_dagster_writes(unnamed: Path, aws: LocalAws, job: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        add_missing(instance, ["shop-dev"])
        result = (
            build_definitions(asked=Asked(base_path=unnamed))
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
                tags={PARTITION_TAG: "shop-dev"},
            )
        )
        assert not result.success
        assert REFUSED in str([event.event_specific_data for event in result.all_events if event.is_failure])
    assert {call.service for call in calls(aws)} == {"sts"}
