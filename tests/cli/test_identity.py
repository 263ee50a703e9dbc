"""Two clones with a stack of one name, and marks that somebody tampered with, as the command line meets them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.cli.conftest import DEV, write
from tests.cli.shop import Shop, opened
from tests.runs import assert_exited

NAME, STACK = "shop/dev/api/token", "shop-dev"
REMOTE = '[remote "origin"]\n\turl = https://x:ghp_canary@github.com/acme/{}.git\n'
NOTICE = "this repository has no id: set repository:"


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A clone of acme/infra that was applied once."""
    shop = opened(embedded_aws, tmp_path_factory.mktemp("shop"), dev=DEV)
    write(shop.repository / ".git" / "config", REMOTE.format("infra"))
    applied = shop.run("apply", "-s", STACK)
    assert_exited(applied)
    assert NOTICE not in applied.stderr
    return shop


@pytest.fixture(scope="module")
def other(shop: Shop) -> Shop:
    """Another repository, with the same stack in it."""
    folder = shop.repository.parent / "other"
    shutil.copytree(shop.repository, folder)
    write(folder / ".git" / "config", REMOTE.format("other"))
    return replace(shop, repository=folder)


def tags(shop: Shop) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in shop.secrets.describe_secret(SecretId=NAME)["Tags"]}


def test_the_repository_of_the_clone_is_in_the_tags_and_its_token_is_not(shop: Shop) -> None:
    assert tags(shop)["secrets-pipeline:repository"] == "github.com/acme/infra"
    assert "canary" not in json.dumps(tags(shop))


def test_another_clone_with_that_stack_writes_prunes_and_reads_nothing(shop: Shop, other: Shop) -> None:
    before, value = tags(shop), shop.secrets.get_secret_value(SecretId=NAME)
    planned = other.run("plan", "-s", STACK, "--format", "json")
    assert_exited(planned, 1)
    assert f"belongs to stack {STACK} of repository github.com/acme/infra" in planned.stderr
    assert f"`apply -s {STACK} --adopt alias/" in planned.stderr
    applied = other.run("apply", "-s", STACK, "--prune")
    assert_exited(applied, 1)
    assert not other.counts.writes
    assert "canary" not in planned.stdout + planned.stderr + applied.stdout + applied.stderr
    after = shop.secrets.get_secret_value(SecretId=NAME)
    assert (tags(shop), after["VersionId"]) == (before, value["VersionId"])
    assert_exited(shop.run("plan", "-s", STACK, "--detailed-exitcode"))


def test_plan_and_apply_say_once_that_nothing_tells_a_repository_from_others(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "nameless"
    shutil.copytree(shop.repository, folder, ignore=shutil.ignore_patterns(".git"))
    nameless = replace(shop, repository=folder)
    for command in ("plan", "apply"):
        assert nameless.run(command, "-s", STACK).stderr.count(NOTICE) == 1
    assert NOTICE not in nameless.run("tree").stderr
    settings = tmp_path / "operator.yaml"
    write(settings, "repository: github.com/acme/infra\n")
    named = nameless.run("plan", "-s", STACK, "--detailed-exitcode", SECRETS_PIPELINE_CONFIG=str(settings))
    assert_exited(named)
    assert NOTICE not in named.stderr


@pytest.mark.usefixtures("wide")
def test_a_mark_that_somebody_took_away_fails_apply_and_verify_and_stands_in_the_plan(shop: Shop) -> None:
    mark = tags(shop)["secrets-pipeline:spec"]
    shop.secrets.untag_resource(SecretId=NAME, TagKeys=["secrets-pipeline:spec"])
    try:
        planned = shop.run("plan", "-s", STACK)
        assert "does not verify" in " ".join(planned.stdout.split())
        for command in (("apply", "-s", STACK), ("verify", "-s", STACK)):
            result = shop.run(*command, "--format", "json")
            assert_exited(result, 1)
            shown = json.loads(result.stdout)
            checks = {one["check"]: one for one in shown.get("checks") or shown["stacks"][STACK]["checks"]}
            assert (checks["marks_verify"]["passed"], checks["marks_verify"]["severity"]) == (False, "ERROR")
            assert f"secret {NAME}: carries our tags, but its mark does not verify" in checks["marks_verify"]["detail"]
    finally:
        shop.secrets.tag_resource(SecretId=NAME, Tags=[{"Key": "secrets-pipeline:spec", "Value": mark}])
    assert_exited(shop.run("apply", "-s", STACK))
