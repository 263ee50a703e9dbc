from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import boto3
import dagster as dg
import pytest
from rich.console import Console

from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.cli.plan.view import StackPlan, plan_json, plan_table, summary
from secrets_pipeline.emulator import LocalAws, calls
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because, ChangedOutside, NotOurs
from secrets_pipeline.errors import AwsError
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.partitions import add_missing
from secrets_pipeline.orchestration.shared.resources import Asked
from tests.cli.conftest import CANARY, Cli, write
from tests.runs import assert_exited


def plan_of(*actions: ChangeClass) -> StackPlan:
    changes = [Change(Resource("secret", f"s{number}"), action) for number, action in enumerate(actions)]
    return StackPlan({"secrets": changes}, "shop-dev", "111122223333", "eu-west-2")


def test_a_virgin_account_is_planned_without_a_write_or_a_value(cli: Cli, repository: Path, aws: LocalAws) -> None:
    result = cli("plan", "--base-path", repository, "--format", "json")
    assert_exited(result)
    plan = json.loads(result.stdout)
    assert plan["errors"] == {}
    changes = plan["stacks"]["shop-dev"]["changes"]
    assert {(c["kind"], c["name"], c["action"]) for c in changes} >= {
        ("kms-key", "alias/secrets/shop/dev", "create"),
        ("secret", "shop/dev/api/token", "create"),
        ("secret", "shop/dev/api/config", "create"),
    }
    assert CANARY not in result.output
    assert call_counts(calls(aws)).idle


def test_changes_give_exit_code_2_when_asked_for_detail(cli: Cli, repository: Path, aws: LocalAws) -> None:
    result = cli("plan", "--base-path", repository, "-s", "shop-dev", "--detailed-exitcode")
    assert_exited(result, 2)
    assert result.stdout.startswith("shop-dev (111122223333, eu-west-2): 7 create")
    assert "shop/dev/api/token" in result.stdout


def test_a_stack_with_nothing_to_do_gives_exit_code_0(cli: Cli, repository: Path, aws: LocalAws) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: empty, region: eu-west-2}
        components: {terraform: {vpc: {}}}
        """,
    )
    result = cli("plan", "--base-path", repository, "--detailed-exitcode")
    assert_exited(result)


def test_a_stack_with_errors_is_told_and_the_others_are_planned(cli: Cli, half_broken: Path, aws: LocalAws) -> None:
    result = cli("plan", "--base-path", half_broken, "--detailed-exitcode", "--format", "json")
    assert_exited(result, 1)
    shown = json.loads(result.stdout)
    assert list(shown["stacks"]) == ["shop-dev"]
    assert list(shown["errors"]) == ["shop-broken"]
    assert "vars.secrets.nothing" in result.stderr
    chosen = cli("plan", "--base-path", half_broken, "-s", "shop-dev")
    assert_exited(chosen)
    assert "broken" not in chosen.stderr


def test_the_wrong_account_is_refused(cli: Cli, repository: Path, aws: LocalAws) -> None:
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text(stack.read_text().replace("111122223333", "999988887777"))
    result = cli("plan", "--base-path", repository)
    assert_exited(result, 1)
    assert "belongs to account 999988887777" in result.stderr
    assert not [call for call in calls(aws) if call.service != "sts"]


def test_offline_lists_what_is_declared_without_any_call(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("AWS was asked")

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", refused)
    result = cli("plan", "--offline", "--base-path", repository, "--format", "json")
    assert_exited(result)
    stack = json.loads(result.stdout)["stacks"]["shop-dev"]
    assert stack["account_id"] == "111122223333"
    assert [row["name"] for row in stack["declared"] if row["kind"] == "secret"] == [
        "shop/dev/api/token",
        "shop/dev/api/config",
    ]
    assert CANARY not in result.output
    table = cli("plan", "--offline", "--base-path", repository)
    assert "shop/dev/api/token" in table.stdout


@pytest.mark.parametrize("other", ["--deep", "--detailed-exitcode"])
def test_offline_compares_nothing(cli: Cli, repository: Path, other: str) -> None:
    result = cli("plan", "--offline", other, "--base-path", repository)
    assert_exited(result, 1)
    assert "nothing is compared" in result.stderr


def test_a_deep_plan_says_so_by_not_saying_the_opposite(cli: Cli, repository: Path, aws: LocalAws) -> None:
    assert "are seen with --deep" in cli("plan", "--base-path", repository).stderr
    assert "--deep" not in cli("plan", "--base-path", repository, "--deep").stderr


def test_no_credentials_are_an_error_without_a_traceback(cli: Cli, repository: Path) -> None:
    result = cli("plan", "--base-path", repository)
    assert_exited(result, 1)
    assert "credentials" in result.stderr.lower()
    assert "Traceback" not in result.output


@pytest.mark.parametrize("action", [action for action in ChangeClass if action is not ChangeClass.NONE])
def test_every_class_but_none_counts_as_a_change(action: ChangeClass) -> None:
    assert plan_of(ChangeClass.NONE, action).differs
    assert not plan_of(ChangeClass.NONE).differs


def test_a_summary_counts_every_class_in_a_fixed_order() -> None:
    plan = plan_of(ChangeClass.NONE, ChangeClass.ORPHAN, ChangeClass.CREATE, ChangeClass.CREATE)
    assert summary(plan) == "shop-dev (111122223333, eu-west-2): 2 create, 1 orphan, 1 none"


def test_what_needs_no_change_is_hidden_unless_asked_for() -> None:
    plan = plan_of(ChangeClass.NONE, ChangeClass.CREATE)
    assert plan_table(plan, unchanged=False).row_count == 1
    assert plan_table(plan, unchanged=True).row_count == 2
    assert [change["name"] for change in plan_json(plan, unchanged=False)["changes"]] == ["s1"]


DRIFT = Change(
    Resource("secret", "a"), ChangeClass.UPDATE, (ChangedOutside(Because("tag Team is missing")),), drift=True
)
BLOCKED = Change(
    Resource("secret", "b", "c", "k"),
    ChangeClass.BLOCKED,
    (NotOurs("exists without our tags", "`apply --adopt` takes it over"),),
)
BEHIND = Change(Resource("rotation", "b"), ChangeClass.BLOCKED, (NotOurs("the secret is not ours"),))
UNREADABLE = Change(
    Resource("kms-key", "alias/x"),
    ChangeClass.BLOCKED,
    (Because("ListAliases failed: AccessDenied"),),
    error=AwsError("ListAliases failed: AccessDenied", remedy="Allow the action."),
)
TOLD = Change(Resource("secret", "d"), ChangeClass.BLOCKED, (Because("a: b"),), remedy="Do this.")
PLAN = StackPlan(
    {"kms_keys": [UNREADABLE], "secrets": [DRIFT, BLOCKED, TOLD], "secret_rotation": [BEHIND]},
    "shop-dev",
    "111122223333",
    "eu-west-2",
)


def test_drift_and_what_unblocks_a_change_are_told_apart_from_the_rest() -> None:
    changes = {(one["kind"], one["name"]): one for one in plan_json(PLAN, unchanged=False)["changes"]}
    assert {key: one["unblocked_by"] for key, one in changes.items()} == {
        ("kms-key", "alias/x"): "Allow the action.",
        ("secret", "a"): None,
        ("secret", "b"): "`apply --adopt` takes it over",
        ("secret", "d"): "Do this.",
        ("rotation", "b"): "unblock the secret of that name",
    }
    assert [key for key, one in changes.items() if one["drift"]] == [("secret", "a")]
    assert plan_json(PLAN, unchanged=False)["drifted"] == 1
    assert summary(PLAN) == "shop-dev (111122223333, eu-west-2): 1 update, 4 blocked; 1 changed outside"


def test_the_table_says_drift_beside_the_action_and_what_unblocks_a_change_last() -> None:
    console = Console(file=StringIO(), width=200)
    console.print(plan_table(PLAN, unchanged=False))
    written = console.file
    assert isinstance(written, StringIO)
    rows = [line.rstrip() for line in written.getvalue().splitlines()]
    assert rows[0].endswith("what unblocks it")
    assert any("update, drift" in row and "changed outside: tag Team is missing" in row for row in rows)
    (blocked,) = [row for row in rows if " exists without our tags" in row]
    assert blocked.endswith("`apply --adopt` takes it over")
    assert blocked.count("apply --adopt") == 1
    assert "what unblocks it" not in plan_table(plan_of(), unchanged=True).columns


def test_plan_makes_no_service_key(cli: Cli, repository: Path, aws: LocalAws) -> None:
    cli("plan", "--base-path", repository)
    aliases = boto3.client("kms").list_aliases()["Aliases"]
    assert not [alias for alias in aliases if alias["AliasName"].startswith("alias/secrets-pipeline")]


def test_the_plan_job_observes_each_stage_with_drift_and_what_unblocks_it(repository: Path, aws: LocalAws) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="shop/dev/api/token", SecretString="somebody else's")
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            add_missing(instance, ["shop-dev"])
            result = (
                build_definitions(asked=Asked(base_path=repository))
                .resolve_job_def("plan")
                .execute_in_process(
                    instance=instance,
                    partition_key="shop-dev",
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                )
            )
            events = result.get_asset_observation_events()
    finally:
        secrets.delete_secret(SecretId="shop/dev/api/token", ForceDeleteWithoutRecovery=True)
    observed = {one.asset_observation_data.asset_observation.asset_key.to_user_string(): one for one in events}
    metadata = observed["secrets"].asset_observation_data.asset_observation.metadata
    assert (metadata["planned changes"].value, metadata["changed outside"].value, metadata["blocked"].value) == (
        1,
        0,
        1,
    )
    table = metadata["plan"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data["changes"] for record in table.records] == [
        "below shop/dev/api/",
        (
            "blocked secret token: exists without our tags; `apply -s shop-dev --adopt shop/dev/api/token` takes it "
            "over; `plan` with the same shows what that changes"
        ),
        "create secret config",
    ]
