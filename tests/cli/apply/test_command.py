"""The commands that write, on an embedded AWS, in the order in which somebody uses them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from secrets_pipeline.emulator import LocalAws
from tests.cli.conftest import BROKEN, CANARY, DEV, write
from tests.cli.shop import Shop, opened
from tests.runs import assert_exited

FINGERPRINTS = {f"secrets-pipeline:{name}" for name in ("spec", "inputs", "value-version")}
TOKEN, CONFIG = "shop/dev/api/token", "shop/dev/api/config"
HALF = """
    vars:
      context_name: shop
      environment: half
      account_id: "111122223333"
      region: eu-west-2
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              bad: {path: api, generate_random_password: true, kms_key_id: alias/nobody-made-it}
              good: {path: api, generate_random_password: true}
"""


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """An embedded AWS where nothing was applied yet."""
    return opened(embedded_aws, tmp_path_factory.mktemp("shop"), dev=DEV)


@pytest.fixture(scope="module")
def first(shop: Shop) -> Result:
    """The first apply."""
    return shop.run("apply", "-s", "shop-dev")


def test_nothing_is_applied_in_a_read_only_run(shop: Shop) -> None:
    result = shop.run("apply", "--all", SECRETS_PIPELINE_READ_ONLY="1")
    assert_exited(result, 1)
    assert "SECRETS_PIPELINE_READ_ONLY is set" in result.stderr
    assert shop.counts.total == 0


def test_outputs_of_what_does_not_exist_yet_are_an_error(shop: Shop) -> None:
    result = shop.run("outputs", "-s", "shop-dev", "--format", "env")
    assert_exited(result, 1)
    assert result.stdout == ""
    assert f"secret {TOKEN} does not exist" in result.stderr


def test_apply_makes_the_secrets_and_tells_outcomes_and_checks(shop: Shop, first: Result) -> None:
    assert_exited(first)
    assert {secret["Name"] for secret in shop.secrets.list_secrets()["SecretList"]} == {TOKEN, CONFIG}
    assert json.loads(shop.secrets.get_secret_value(SecretId=CONFIG)["SecretString"])["pin"] == CANARY
    assert "shop-dev: run succeeded: " in first.stdout
    assert f"applied  create  secret   {TOKEN}" in first.stdout
    assert first.stdout.endswith(
        "\n7 checks: 7 passed, 0 warning, 0 failed; `secrets-pipeline verify` runs the remaining checks\n"
    )


def test_progress_is_one_line_a_stage_on_stderr_where_there_is_no_terminal(first: Result) -> None:
    note, *lines = first.stderr.splitlines()
    assert note.startswith("note: this repository has no id: set repository: in the operator's settings")
    stages = [line.partition(":")[0] for line in lines]
    assert stages == ["shop-dev kms_keys", "shop-dev secrets", "shop-dev consumer_arns"]
    assert lines[1].startswith("shop-dev secrets: 2 applied in ")


def test_no_value_is_ever_printed(shop: Shop, first: Result) -> None:
    token = shop.secrets.get_secret_value(SecretId=TOKEN)["SecretString"]
    for result in (first, shop.run("outputs", "-s", "shop-dev"), shop.run("plan", "--deep"), shop.run("verify")):
        assert CANARY not in result.output
        assert token not in result.output


def test_a_second_apply_writes_nothing_and_reads_no_value(shop: Shop, first: Result) -> None:
    result = shop.run("apply", "--all", "--format", "json")
    assert_exited(result)
    shown = json.loads(result.stdout)["stacks"]["shop-dev"]
    assert shown["success"]
    assert {row["outcome"] for row in shown["outcomes"]} == {"unchanged"}
    assert all(check["passed"] for check in shown["checks"])
    assert shop.counts.idle, shop.counts


def test_a_plan_sees_nothing_to_do_and_then_a_tag_that_was_changed_by_hand(shop: Shop, first: Result) -> None:
    assert_exited(shop.run("plan", "--all", "--detailed-exitcode"))
    shop.secrets.tag_resource(SecretId=TOKEN, Tags=[{"Key": "secrets-pipeline:key", "Value": "other"}])
    changed = shop.run("plan", "--all", "--detailed-exitcode")
    assert_exited(changed, 2)
    assert TOKEN in changed.stdout
    shop.secrets.tag_resource(SecretId=TOKEN, Tags=[{"Key": "secrets-pipeline:key", "Value": "token"}])
    assert_exited(shop.run("plan", "--all", "--detailed-exitcode"))


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("output", ["table", "json", "markdown"])
def test_a_plan_of_drift_shows_no_value_no_hash_of_one_and_no_fingerprint(
    shop: Shop, first: Result, output: str
) -> None:
    described = [shop.secrets.describe_secret(SecretId=name) for name in (TOKEN, CONFIG)]
    values = [shop.secrets.get_secret_value(SecretId=name)["SecretString"] for name in (TOKEN, CONFIG)]
    values.append(json.loads(values[1])["pin"])
    marks = [tag["Value"] for one in described for tag in one["Tags"] if tag["Key"] in FINGERPRINTS]
    hashed = [
        made(value.encode()).hexdigest() for value in values for made in (hashlib.md5, hashlib.sha1, hashlib.sha256)
    ]
    for name in (TOKEN, CONFIG):
        shop.secrets.tag_resource(SecretId=name, Tags=[{"Key": "Team", "Value": "by hand"}])
        shop.secrets.update_secret(SecretId=name, Description="by hand")
    result = shop.run("plan", "--deep", "--format", output, "--show-unchanged")
    for name in (TOKEN, CONFIG):
        shop.secrets.untag_resource(SecretId=name, TagKeys=["Team"])
        shop.secrets.update_secret(SecretId=name, Description="")
    assert_exited(result)
    assert "description differs" in result.stdout
    assert marks
    for forbidden in (*values, *hashed, *marks, *(part for mark in marks for part in mark.split("."))):
        assert forbidden not in result.output + result.stderr


def test_outputs_are_read_from_aws_in_every_format(shop: Shop, first: Result) -> None:
    arn = shop.secrets.describe_secret(SecretId=TOKEN)["ARN"]
    shown = json.loads(shop.run("outputs", "-s", "shop-dev").stdout)["secretsmanager/app"]
    assert shown["secret_arns"]["token"] == arn
    assert shown["secret_names"] == {"token": TOKEN, "config": CONFIG}
    assert shown["rotation_enabled_secrets"] == {"token": False, "config": False}
    assert shown["secret_versions"]["token"] in shop.secrets.describe_secret(SecretId=TOKEN)["VersionIdsToStages"]
    assert f"TOKEN_ARN={arn}" in shop.run("outputs", "-s", "shop-dev", "--format", "env").stdout.splitlines()
    ecs = json.loads(shop.run("outputs", "-s", "shop-dev", "--format", "ecs").stdout)
    assert {"name": "TOKEN", "valueFrom": arn} in ecs
    assert f'token = "{arn}"' in shop.run("outputs", "-s", "shop-dev", "--format", "tfvars").stdout
    assert shop.counts.idle


def test_verify_lists_every_check_and_fails_on_a_failed_one(shop: Shop, first: Result) -> None:
    green = shop.run("verify")
    assert_exited(green)
    assert "0 warning, 0 failed" in green.stdout
    shop.secrets.delete_secret(SecretId=TOKEN, RecoveryWindowInDays=7)
    red = shop.run("verify", "-s", "shop-dev", "--format", "json")
    assert_exited(red, 1)
    failed = [check for check in json.loads(red.stdout)["checks"] if not check["passed"]]
    assert any(check["check"] == "secrets_have_current_values" and TOKEN in check["detail"] for check in failed)
    shop.secrets.restore_secret(SecretId=TOKEN)


def test_one_failing_secret_and_one_broken_stack_hide_nobody(shop: Shop, first: Result) -> None:
    write(shop.repository / "stacks" / "half.yaml", HALF)
    write(shop.repository / "stacks" / "broken.yaml", BROKEN)
    result = shop.run("apply", "--all", "--format", "json")
    (shop.repository / "stacks" / "half.yaml").unlink()
    (shop.repository / "stacks" / "broken.yaml").unlink()
    assert_exited(result, 1)
    shown = json.loads(result.stdout)
    assert sorted(shown["stacks"]) == ["shop-dev", "shop-half"]
    assert list(shown["errors"]) == ["shop-broken"]
    rows = shown["stacks"]["shop-half"]["outcomes"]
    outcomes = {row["name"]: row["outcome"] for row in rows if row["stage"] in ("kms_keys", "secrets")}
    assert outcomes == {
        "alias/secrets/shop/half": "applied",
        "alias/nobody-made-it": "failed",
        "shop/half/api/bad": "skipped",
        "shop/half/api/good": "applied",
    }
    assert shown["stacks"]["shop-dev"]["success"]
    assert "shop-half kms_keys: 1 applied, 1 failed in " in result.stderr
    assert "vars.secrets.nothing" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_secret_of_somebody_else_is_left_alone_until_adopt_is_asked(shop: Shop, first: Result) -> None:
    stack = shop.repository / "stacks" / "dev.yaml"
    before = stack.read_text()
    document = yaml.safe_load(before)
    secrets = document["components"]["terraform"]["secretsmanager/app"]["vars"]["secrets"]
    secrets["older"] = {"path": "api", "generate_random_password": True}
    shop.secrets.create_secret(Name="shop/dev/api/older", SecretString="theirs")
    stack.write_text(yaml.safe_dump(document))
    left = shop.run("apply", "-s", "shop-dev")
    assert "shop/dev/api/older" in left.stdout
    assert not shop.secrets.describe_secret(SecretId="shop/dev/api/older").get("Tags")
    shop.run("apply", "-s", "shop-dev", "--adopt", "shop/dev/api/old", "--adopt", "shop/prod/*")
    assert not shop.secrets.describe_secret(SecretId="shop/dev/api/older").get("Tags")
    assert_exited(shop.run("apply", "-s", "shop-dev", "--adopt", "shop/dev/api/older"))
    assert shop.secrets.describe_secret(SecretId="shop/dev/api/older")["Tags"]
    assert shop.secrets.get_secret_value(SecretId="shop/dev/api/older")["SecretString"] == "theirs"
    stack.write_text(before)
    kept = shop.run("plan", "--detailed-exitcode")
    assert_exited(kept, 2)
    assert "orphan" in kept.stdout
    assert_exited(shop.run("apply", "-s", "shop-dev", "--prune"))
    assert "DeletedDate" in shop.secrets.describe_secret(SecretId="shop/dev/api/older")


def test_prune_of_all_stacks_names_the_command_that_looks_at_stacks_without_secrets(shop: Shop, first: Result) -> None:
    assert first.exit_code == 0
    stack = shop.repository / "stacks" / "dev.yaml"
    before = stack.read_text()
    stack.write_text("vars: {context_name: shop, environment: dev}\ncomponents: {terraform: {vpc: {vars: {a: b}}}}\n")
    for command in ("plan", "apply"):
        said = shop.run(command, "--all", "--prune").stderr
        assert "`secrets-pipeline orphans` lists what others left" in " ".join(said.split())
    stack.write_text(before)
    assert "lists what others left" not in shop.run("plan", "--all").stderr


def test_a_description_on_stdin_is_applied_and_verified_as_the_repository_is(
    shop: Shop, first: Result, tmp_path: Path
) -> None:
    printed = shop.run("describe", "stacks", "--format", "json", "--process-functions=false", "--show-values").stdout
    home = {"DAGSTER_HOME": str(tmp_path / "home")}
    arguments = ("--from-file", "-", "--format", "json")
    applied = shop.run("apply", "-s", "shop-dev", *arguments, stdin=printed, **home)
    assert_exited(applied)
    assert {row["outcome"] for row in json.loads(applied.stdout)["stacks"]["shop-dev"]["outcomes"]} == {"unchanged"}
    assert shop.counts.idle, shop.counts
    verified = shop.run("verify", *arguments, stdin=printed, **home)
    assert_exited(verified)
    assert all(check["passed"] for check in json.loads(verified.stdout)["checks"])
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert b"shop-dev" in kept
    assert CANARY.encode() not in kept


def test_a_queue_that_nobody_serves_is_an_error(shop: Shop) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**shop.environment, "ATMOS_BASE_PATH": str(shop.repository)}.items():
            patch.setenv(name, value)
        arguments = ["apply", "-s", "shop-dev", "--queue", "--url", "http://127.0.0.1:9"]
        nameless = CliRunner().invoke(app, arguments, prog_name="secrets-pipeline")
        patch.setenv("SECRETS_PIPELINE_COMMIT", "a" * 40)
        result = CliRunner().invoke(app, arguments, prog_name="secrets-pipeline")
    assert_exited(nameless, 1)
    assert "nobody can tell which one this is" in nameless.stderr
    assert_exited(result, 1)
    assert "http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_moving_line_is_shown_on_a_terminal_alone(shop: Shop, first: Result) -> None:
    result = shop.run("apply", "-s", "shop-dev", FORCE_COLOR="1", TERM="xterm")
    assert_exited(result)
    assert "\x1b[" in result.stderr
    assert "\x1b[" not in first.stderr


def test_stdout_of_a_real_process_is_json_alone(shop: Shop, first: Result) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "secrets_pipeline",
            "apply",
            "--all",
            "--format",
            "json",
            "--base-path",
            shop.repository,
        ],
        env={**shop.environment, "PATH": "/usr/bin:/bin"},
        cwd=shop.repository,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stacks"]["shop-dev"]["success"]
    (note,) = done.stderr.splitlines()
    assert note.startswith("note: this repository has no id")
