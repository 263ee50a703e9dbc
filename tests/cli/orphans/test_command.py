"""`orphans` and `destroy`: what stacks left is found, said and pruned by name; a stack goes whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.cli.apply.test_approval import answered
from tests.cli.conftest import BROKEN, CANARY, DEV, write
from tests.cli.shop import Shop, opened
from tests.runs import assert_exited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TOKEN, CONFIG = "shop/old/api/token", "shop/old/api/config"
KEY = "alias/secrets/shop/old"
OUTPUTS = {
    "/secrets-pipeline/shop-old/secretsmanager/app/secret_arns",
    "/secrets-pipeline/shop-old/repository",
    # Where Atmos looks, and whose that is.
    "/secrets-pipeline/shop/old/secretsmanager/app/secret_arns",
    "/secrets-pipeline/shop/old/stack",
}
SETTINGS = """
    repository: github.com/acme/shop
    targets:
      - {stacks: "shop-*", account_id: "111122223333", region: eu-west-2}
      - {stacks: "other-*", account_id: "444455556666", region: eu-west-2}
"""


@pytest.fixture(scope="module")
def shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two stacks that were applied, of which one is in the repository still."""
    old = DEV.replace("environment: dev", "environment: old")
    shop = opened(embedded_aws, tmp_path_factory.mktemp("shop"), settings=SETTINGS, dev=DEV, old=old)
    assert_exited(shop.run("apply", "--all", "--yes"))
    (shop.repository / "stacks" / "old.yaml").unlink()
    return shop


def listed(shop: Shop, *arguments: str) -> dict[str, Any]:
    result = shop.run("orphans", "--format", "json", *arguments)
    assert_exited(result)
    assert CANARY not in result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def things(found: Mapping[str, Any]) -> dict[str, set[str]]:
    return {one["stack"]: {change["name"] for change in one["changes"]} for one in found["stacks"]}


def deleted(shop: Shop, name: str) -> bool:
    return "DeletedDate" in shop.secrets.describe_secret(SecretId=name)


def test_what_a_stack_left_is_listed_with_where_was_looked_and_nothing_is_written(shop: Shop) -> None:
    result = shop.run("orphans")
    assert_exited(result)
    assert "shop-old (111122223333, eu-west-2) is not in the repository any more" in result.stdout
    for name in (TOKEN, CONFIG, KEY, *OUTPUTS):
        assert name in result.stdout
    assert "`orphans --prune NAME` deletes it, to be restored for 30 days" in result.stdout
    assert "about $1.80 a month" in result.stderr
    assert "Looked at: 111122223333 eu-west-2. With --region, other regions are." in result.stderr
    assert "not looked at: 444455556666 eu-west-2" in result.stderr
    assert shop.counts.writes == 0
    assert things(listed(shop)) == {"shop-old": {TOKEN, CONFIG, KEY, *OUTPUTS}}
    assert things(listed(shop, "-s", "shop-de*")) == {}


@pytest.mark.parametrize("command", [("orphans",), ("orphans", "--prune", "*", "--yes"), ("destroy", "-s", "gone")])
def test_where_nothing_can_be_looked_at_nobody_hears_that_nothing_is_left(shop: Shop, command: tuple[str, ...]) -> None:
    result = shop.run(*command, "--account", "999900001111")
    assert_exited(result, 1)
    assert "999900001111 eu-west-2: the credentials belong to 1" in result.stderr
    assert result.stdout == ""


def test_a_stack_that_is_switched_off_is_listed_and_so_is_an_entry_that_left(shop: Shop) -> None:
    manifest = shop.repository / "stacks" / "dev.yaml"
    before = manifest.read_text()
    write(manifest, DEV.replace("create_kms_key: true", "create_kms_key: true\n            secrets_enabled: false"))
    off = listed(shop, "-s", "shop-dev")
    write(manifest, DEV.replace("              token:\n", "              renamed:\n"))
    entry = listed(shop, "-s", "shop-dev")
    manifest.write_text(before)
    (stack,) = off["stacks"]
    assert stack["why"].startswith("is in the repository, and declares nothing any more")
    assert {"shop/dev/api/token", "shop/dev/api/config", "alias/secrets/shop/dev"} <= things(off)["shop-dev"]
    assert things(entry) == {"shop-dev": {"shop/dev/api/token"}}
    assert things(listed(shop, "-s", "shop-dev")) == {}


def test_nothing_is_pruned_unasked_nor_while_a_stack_cannot_be_read(shop: Shop) -> None:
    result = shop.run("orphans", "--prune", "*")
    assert_exited(result, 1)
    assert "nobody can be asked" in result.stderr
    assert "Look at what goes first: `secrets-pipeline orphans`; then say --yes." in result.stderr
    manifest = shop.repository / "stacks" / "broken.yaml"
    write(manifest, BROKEN)
    refused = [shop.run("orphans", "--prune", "*", "--yes"), shop.run("destroy", "-s", "shop-old", "--yes")]
    told = shop.run("orphans")
    manifest.unlink()
    for one in refused:
        assert_exited(one, 1)
        assert "nothing may be pruned while stacks of the repository have errors: shop-broken" in one.stderr
    assert "note: nothing may be pruned while stacks of the repository have errors: shop-broken" in told.stderr
    assert not deleted(shop, TOKEN)


def test_nothing_is_pruned_while_an_import_of_atmos_yaml_is_not_read(shop: Shop) -> None:
    configuration = shop.repository / "atmos.yaml"
    text = configuration.read_text()
    configuration.write_text(f"{text}\nimport: ['https://example.com/atmos.yaml']\n")
    try:
        refused = shop.run("orphans", "--prune", "*", "--yes")
        assert_exited(refused, 1)
        assert "nothing may be pruned while an import of atmos.yaml is not read" in refused.stderr
        assert listed(shop)["may_prune"] is False
        assert "note: nothing may be pruned while an import of atmos.yaml is not read" in shop.run("orphans").stderr
        # What one stack left is kept as well: another manifest may declare more of it.
        applied = shop.run("apply", "-s", "shop-dev", "--prune", "--format", "json")
        outcomes = json.loads(applied.stdout)["stacks"]["shop-dev"]["outcomes"]
        assert not [one["name"] for one in outcomes if one["action"] == "prune"]
    finally:
        configuration.write_text(text)
    assert not deleted(shop, TOKEN)


def test_a_description_that_may_leave_stacks_out_prunes_nothing(shop: Shop, tmp_path: Path) -> None:
    described = tmp_path / "stacks.json"
    described.write_text('{"shop-none": {"components": {"terraform": {}}}}')
    for command in (("orphans", "--prune", "*"), ("destroy", "-s", "shop-dev")):
        refused = shop.run(*command, "--yes", "--from-file", str(described))
        assert_exited(refused, 1)
        assert "it may leave out some that are declared" in refused.stderr
    assert listed(shop, "--from-file", str(described))["may_prune"] is False
    assert shop.counts.writes == 0


def test_one_thing_is_pruned_by_name_and_the_rest_stays(shop: Shop) -> None:
    assert_exited(shop.run("orphans", "--prune", "*/config", "--yes"))
    assert (deleted(shop, CONFIG), deleted(shop, TOKEN)) == (True, False)
    assert things(listed(shop))["shop-old"] == {TOKEN, KEY, *OUTPUTS}
    again = shop.run("orphans", "--prune", "*/config", "--yes")
    assert_exited(again)
    assert "Nothing that may be pruned is called */config." in again.stderr
    assert shop.counts.writes == 0
    told = shop.run("orphans", "--prune", "*/config", "--yes", "--format", "json")
    assert json.loads(told.stdout) == {"runs": [], "errors": {}}


def test_what_is_pruned_before_an_apply_leaves_what_is_not_made_yet_to_that(shop: Shop) -> None:
    manifest = shop.repository / "stacks" / "dev.yaml"
    before = manifest.read_text()
    write(manifest, DEV.replace("              token:\n", "              renamed:\n"))
    result = shop.run("orphans", "--prune", "shop/dev/api/token", "--yes")
    manifest.write_text(before)
    restored = shop.run("apply", "--all", "--yes")
    assert_exited(result)
    assert "1 applied" in result.stdout
    assert_exited(restored)


@pytest.mark.usefixtures("wide")
def test_what_is_left_of_a_stack_is_taken_down_and_what_waits_is_said(shop: Shop) -> None:
    planned = shop.run("destroy", "-s", "shop-old", "--dry-run")
    assert_exited(planned)
    assert "it is deleted, to be restored for 30 days" in planned.stdout
    assert shop.counts.writes == 0
    result = shop.run("destroy", "-s", "shop-old", "--yes")
    assert_exited(result)
    assert deleted(shop, TOKEN)
    assert f"secret {CONFIG} and 1 more is encrypted under it" in result.stdout
    assert "goes by `destroy -s shop-old` again" in result.stderr
    assert things(listed(shop)) == {"shop-old": {KEY}}


def test_production_is_taken_down_only_where_that_is_said_and_a_declared_stack_with_a_warning(shop: Shop) -> None:
    manifest = shop.repository / "stacks" / "dev.yaml"
    before = manifest.read_text()
    write(
        manifest,
        DEV.replace("    components:\n", "    settings: {secrets_pipeline: {protected: true}}\n    components:\n", 1),
    )
    refused, planned = (
        shop.run("destroy", "-s", "shop-dev", "--yes"),
        shop.run("destroy", "-s", "shop-dev", "--dry-run"),
    )
    manifest.write_text(before)
    assert_exited(refused, 1)
    assert "stack shop-dev is protected" in refused.stderr
    assert_exited(planned)
    code, seen = answered(shop, "no", "destroy", "-s", "shop-dev")
    assert code == 1
    assert "Take stack shop-dev down? Only `yes` goes on:" in seen
    assert seen.rstrip().endswith("Nothing was written.")
    assert "stack shop-dev is still declared: the next apply makes it again" in seen
    unknown = shop.run("destroy", "-s", "shop-odl", "--yes")
    assert_exited(unknown)
    assert "Stack shop-odl is unknown; no mark names it where was looked." in unknown.stderr
    assert shop.counts.writes == 0
    nothing = shop.run("destroy", "-s", "shop-odl", "--yes", "--format", "json")
    assert json.loads(nothing.stdout) == {"runs": [], "errors": {}}


@pytest.mark.parametrize("where", [("--account", "444455556666"), ("--region", "us-east-1")])
def test_a_declared_stack_is_not_taken_down_where_it_does_not_live(shop: Shop, where: tuple[str, str]) -> None:
    refused = shop.run("destroy", "-s", "shop-dev", "--yes", *where)
    assert_exited(refused, 1)
    assert "stack shop-dev is declared and lives in 111122223333, eu-west-2, not where" in refused.stderr
    assert shop.counts.writes == 0
    own = ("--account", "111122223333", "--region", "eu-west-2")
    assert_exited(shop.run("destroy", "-s", "shop-dev", "--dry-run", *own))
