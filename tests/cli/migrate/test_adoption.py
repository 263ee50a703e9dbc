"""The whole way from a Terraform state, by the commands that `migrate terraform` prints itself."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.reconcilers.tag_keys import PREFIX
from tests.cli.shop import opened
from tests.embedded import lead_to, operator
from tests.operations.migration.server import Everything, function
from tests.operations.migration.terraform_state import create, estate, instances, state_file
from tests.runs import assert_exited

DEV = """
vars: {context_name: shop, environment: dev, region: eu-west-2, account_id: "111122223333", tags: {Stage: dev}}
"""


def commands(steps: Path, verb: str) -> list[str]:
    """The arguments of the command with that verb in the printed steps, which goes over many lines."""
    text = steps.read_text().replace("\\\n", " ")
    (found,) = {line for line in text.splitlines() if re.match(rf"\$ secrets-pipeline {verb} .*--adopt", line)}
    return shlex.split(found)[2:]


def test_thirty_secrets_of_terraform_are_adopted_and_nothing_changes_that_no_yaml_declares(
    embedded_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = "grants: {preset: single-team, readers: ['*']}\n"
    shop = opened(embedded_aws, tmp_path, settings=settings, dev=f"{DEV}components: {{terraform: {{vpc: {{}}}}}}\n")
    lead_to(shop.aws, monkeypatch)
    session = operator(shop.aws)
    key, rotates = session.client("kms").create_key()["KeyMetadata"]["Arn"], function(shop.aws)
    made = create(session, estate("shop/dev", key=key, function=rotates, account=shop.aws.account_id))
    names, out = [one.name for one in made], tmp_path / "migration"
    before = Everything(session, names)
    (tmp_path / "state.json").write_text(json.dumps(state_file(instances(made))))
    asked = ("--state", str(tmp_path / "state.json"), "-s", "shop-dev", "-o", str(out))
    assert_exited(shop.run("migrate", "terraform", *asked))
    (shop.repository / "stacks" / "dev.yaml").write_text(DEV + (out / "secrets.yaml").read_text())

    preview = [*commands(out / "steps.md", "plan"), "--format", "json"]
    planned = json.loads(shop.run(*preview).stdout)["stacks"]["shop-dev"]
    adopted = {one["name"]: one for one in planned["changes"] if one["action"] == "adopt"}
    assert set(adopted) == set(names)
    for name in names:
        tags = [one["what"] for one in adopted[name]["details"] if one["what"].startswith("tag ")]
        assert tags == ["tag Stage"]

    assert_exited(shop.run(*commands(out / "steps.md", "apply")))
    after = Everything(session, names)
    for name in names:
        assert after.of[name] == before.of[name] | {"tags": before.of[name]["tags"] | {"Stage": "dev"}}
        ours = {tag["Key"] for tag in session.client("secretsmanager").describe_secret(SecretId=name)["Tags"]}
        assert {f"{PREFIX}stack", f"{PREFIX}spec"} <= ours
    empty = shop.run("plan", "-s", "shop-dev", "--deep", "--detailed-exitcode")
    assert_exited(empty)
    assert "changed outside" not in empty.stdout


def test_an_adoption_that_was_planned_into_a_file_is_the_one_that_is_applied(
    embedded_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = "mine: {value: external, tags: {Team: ours}}, other: {value: external}"
    secrets = f"components: {{terraform: {{secretsmanager/app: {{vars: {{secrets: {{{entries}}}}}}}}}}}\n"
    shop = opened(embedded_aws, tmp_path, dev=DEV + secrets)
    lead_to(shop.aws, monkeypatch)
    names, file, session = ["shop/dev/mine", "shop/dev/other"], str(tmp_path / "plan.json"), operator(shop.aws)
    for name in names:
        shop.secrets.create_secret(Name=name, SecretString="theirs", Tags=[{"Key": "Team", "Value": "theirs"}])
    before = Everything(session, names)
    planned = ("plan", "-s", "shop-dev", "--adopt", names[0], "-o", file)
    assert_exited(shop.run(*planned))
    shop.secrets.tag_resource(SecretId=names[0], Tags=[{"Key": "Team", "Value": "moved"}])
    moved = shop.run("apply", file)
    assert_exited(moved, 1)
    assert "tag Team differs: 'theirs' → 'ours'" in moved.stderr
    shop.secrets.tag_resource(SecretId=names[0], Tags=[{"Key": "Team", "Value": "theirs"}])
    assert before.differences(Everything(session, names)) == {}

    # The other one is declared and not made.
    assert_exited(shop.run("apply", file), 1)
    after = Everything(session, names)
    adopted = before.of[names[0]] | {"tags": {"Team": "ours", "Stage": "dev"}}
    assert after.of == {names[0]: adopted, names[1]: before.of[names[1]]}
