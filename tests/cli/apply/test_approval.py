"""What an apply may do: what a terminal said yes to, what a plan file holds, what --target names."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from secrets_pipeline.cli.apply.approval import destructive, question
from secrets_pipeline.cli.apply.command import StackRun
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Resource, Skipped
from secrets_pipeline.engine.only import UNAPPROVED
from secrets_pipeline.engine.reason import Because, Detail, OnItsWay, Sign
from secrets_pipeline.engine.report import rows
from secrets_pipeline.orchestration.in_process.running import RunReport
from tests.cli.conftest import CANARY, DEV, write
from tests.cli.shop import Shop, opened
from tests.runs import assert_exited

TOKEN, CONFIG = "shop/dev/api/token", "shop/dev/api/config"


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """An embedded AWS where nothing was applied yet."""
    return opened(embedded_aws, tmp_path_factory.mktemp("shop"), dev=DEV)


def names(shop: Shop) -> set[str]:
    return {secret["Name"] for secret in shop.secrets.list_secrets()["SecretList"]}


def answered(shop: Shop, answer: str, *arguments: str) -> tuple[int, str]:
    """The exit code of the command on a terminal where a human gives one answer, and what he saw."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "secrets_pipeline", *arguments, "--base-path", str(shop.repository)]
    environment = {**os.environ, **shop.environment, "COLUMNS": "140"}
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as run:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        seen = b""
        while chunk := _read(ours):
            seen += chunk
    os.close(ours)
    return run.returncode, seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        # Nobody holds the other side any more.
        return b""


def test_on_a_terminal_the_plan_is_shown_and_a_no_writes_nothing(shop: Shop) -> None:
    code, seen = answered(shop, "no", "apply", "--all")
    assert code == 1
    assert TOKEN in seen
    assert "Apply 7 changes to 1 stack? Only `yes` goes on:" in seen
    assert seen.rstrip().endswith("Nothing was written.")
    assert names(shop) == set()


def test_what_is_deleted_is_said_with_the_time_in_which_it_can_be_had_back() -> None:
    lost = (Detail(Sign.REMOVED, "the secret with all its versions", "at once and for ever"),)
    pruned = [
        Change(Resource("secret", f"shop/old{number}"), ChangeClass.PRUNE, (Because("is not there", details=lost),))
        for number in range(12)
    ]
    kept = Change(Resource("secret", "shop/new"), ChangeClass.CREATE)
    told = destructive([StackPlan({"secrets": [kept, *pruned]}, "shop-dev", "111122223333", "eu-west-2")])
    assert told[0] == "secret shop/old0 is deleted: the secret with all its versions, at once and for ever"
    assert told[9:] == [told[0].replace("old0", "old9"), "and 2 more are deleted"]
    assert destructive([StackPlan({"secrets": [kept]}, "shop-dev", "111122223333", "eu-west-2")]) == []


def test_what_waits_for_aws_is_counted_apart_in_the_question_as_in_the_plan() -> None:
    ready = Change(Resource("secret", "shop/new"), ChangeClass.CREATE)
    waiting = Change(Resource("secret", "shop/url"), ChangeClass.CREATE, (OnItsWay("orders has no address yet"),))
    blocked = Change(Resource("secret", "shop/bad"), ChangeClass.BLOCKED, (Because("nobody knows it"),))
    book = Change(Resource("secret", "shop/book"), ChangeClass.CREATE, note=True)

    def asked(*stacks: list[Change]) -> str:
        return question([StackPlan({"secrets": one}, "shop-dev", "111122223333", "eu-west-2") for one in stacks])

    assert StackPlan({"secrets": [ready, waiting]}, "", "", "").counts == {"create": 1, "waiting": 1}
    more = "Apply 1 change, and 1 more when AWS has made what it waits for, to 1 stack?"
    assert asked([ready, waiting, blocked, book], [blocked]) == more
    assert asked([ready, ready], [waiting], [waiting]).startswith(
        "Apply 2 changes, and 2 more when AWS has made what they"
    )
    assert asked([waiting]) == "Apply 1 change to 1 stack when AWS has made what it waits for?"
    assert asked([ready], [ready]) == "Apply 2 changes to 2 stacks?"
    assert asked([blocked, book]) == asked() == ""


def test_a_run_in_which_something_moved_after_the_approval_is_not_green() -> None:
    change = Change(Resource("secret", "shop/new"), ChangeClass.CREATE)
    left = Skipped(change, str(UNAPPROVED), sentence=UNAPPROVED.problem)
    for outcome, green in ((Applied(change), True), (Skipped(change, "waits", passes=True), True), (left, False)):
        assert StackRun(RunReport("shop-dev", "run", success=True, rows=tuple(rows([outcome])))).green is green


def test_a_target_is_made_with_its_key_and_the_rest_is_left_out_and_said(shop: Shop, tmp_path: Path) -> None:
    planned = shop.run("plan", "--target", "*/token")
    assert_exited(planned)
    assert "6 create; 1 left out by --target" in planned.stdout
    assert CONFIG not in planned.stdout
    result = shop.run("apply", "--all", "--target", "*/token", "--format", "json")
    rows = {row["name"]: row for row in json.loads(result.stdout)["stacks"]["shop-dev"]["outcomes"]}
    assert rows[TOKEN]["outcome"] == rows["alias/secrets/shop/dev"]["outcome"] == "applied"
    assert rows[CONFIG]["outcome"] == "skipped"
    assert rows[CONFIG]["detail"] == "left out, as --target names others"
    assert names(shop) == {TOKEN}


def test_a_target_that_nothing_is_called_is_refused_before_any_call_and_prune_beside_one(shop: Shop) -> None:
    result = shop.run("apply", "--all", "--target", "shop/dev/api/tokem")
    assert_exited(result, 1)
    assert f"Did you mean {TOKEN}" in result.stderr
    assert shop.counts.total == 0
    result = shop.run("apply", "--all", "--prune", "--target", TOKEN)
    assert_exited(result, 1)
    assert "--prune deletes whatever left the YAML" in result.stderr


def test_a_plan_that_was_approved_is_applied_as_it_is_and_not_twice(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    assert_exited(shop.run("plan", "-s", "shop-dev", "-o", file))
    assert CANARY not in Path(file).read_text()
    result = shop.run("apply", file)
    assert_exited(result)
    assert names(shop) == {TOKEN, CONFIG}
    assert_exited(shop.run("plan", "--deep", "--detailed-exitcode"))
    again = shop.run("apply", file)
    assert_exited(again, 1)
    assert f"stack shop-dev: gone: create secret {CONFIG}" in again.stderr


def test_a_plan_is_refused_where_something_moved_and_nothing_is_written(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    shop.secrets.update_secret(SecretId=TOKEN, Description="by hand")
    assert_exited(shop.run("plan", "--all", "-o", file))
    shop.secrets.update_secret(SecretId=CONFIG, Description="by hand")
    result = shop.run("apply", file)
    assert_exited(result, 1)
    assert f"stack shop-dev: new: secret {CONFIG}: update" in result.stderr
    for name in (TOKEN, CONFIG):
        assert shop.secrets.describe_secret(SecretId=name)["Description"] == "by hand"
        shop.secrets.update_secret(SecretId=name, Description="")


def test_a_plan_of_another_declaration_or_source_is_refused(shop: Shop, tmp_path: Path) -> None:
    file, described = str(tmp_path / "plan.json"), tmp_path / "described.json"
    assert_exited(shop.run("plan", "--all", "-o", file))
    described.write_text(shop.run("describe", "stacks", "--format", "json", "--show-values").stdout)
    result = shop.run("apply", file, "--from-file", str(described))
    assert_exited(result, 1)
    assert "source of the stacks: manifests → file" in result.stderr
    manifest = shop.repository / "stacks" / "dev.yaml"
    before = manifest.read_text()
    write(manifest, DEV.replace("path: api", "path: web"))
    result = shop.run("apply", file)
    manifest.write_text(before)
    assert_exited(result, 1)
    assert "stack shop-dev: what it declares has changed" in result.stderr


def test_a_plan_file_says_itself_what_is_applied_and_how(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("{}")
    result = shop.run("apply", str(file), "-s", "shop-dev", "--prune", "--target", "x")
    assert_exited(result, 1)
    for option in ("--stack", "--prune", "--target"):
        assert option in result.stderr
    result = shop.run("apply", str(file), "--queue")
    assert_exited(result, 1)
    assert "--queue hands the run to another process, which takes no FILE" in result.stderr
    assert shop.counts.total == 0


BAD = """
              bad: {path: api, secret_data: "${output.vpc.vpn_endpoint}"}
"""


def test_what_a_target_leaves_out_is_no_error_though_nobody_can_resolve_it(shop: Shop) -> None:
    manifest = shop.repository / "stacks" / "dev.yaml"
    before = manifest.read_text()
    write(manifest, f"{DEV.rstrip()}{BAD}")
    try:
        for command in (("plan", "--all"), ("apply", "--all")):
            assert_exited(shop.run(*command, "--target", TOKEN))
            for target in ((), ("--target", "*/bad")):
                result = shop.run(*command, *target)
                assert_exited(result, 1)
                assert "vars.secrets.bad" in result.stderr
    finally:
        manifest.write_text(before)
