"""`init` proposes operator's settings under which the repository's stacks are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.operations.open_repository import open_repository
from tests.cli.conftest import EXAMPLES, Cli, write
from tests.runs import assert_exited

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def proposed(cli: Cli, repository: Path) -> tuple[str, dict[str, Any]]:
    """What it prints, as text and as YAML."""
    result = cli("init", "--base-path", repository)
    assert_exited(result)
    return result.stdout, yaml.safe_load(result.stdout)


def test_the_examples_need_a_preset_and_one_account_of_readers(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, settings = proposed(cli, EXAMPLES)
    assert settings["grants"] == [{"preset": "single-team"}]
    assert {rule["stacks"] for rule in settings["targets"]} == {"infra-shared", "myapp-dev", "myapp-prod"}
    assert '  # - {stacks: "myapp-prod", readers: ["444455556666"]}' in text
    whole = text.replace("  # - {", "  - {")
    (tmp_path / "operator.yaml").write_text(whole)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    desired = open_repository(EXAMPLES)
    assert not desired.errors
    assert not [one for spec in desired.specs.values() for secret in spec.secrets for one in secret.unresolved]


def test_a_plain_repository_needs_the_preset_alone_and_broken_stacks_are_left_out(
    cli: Cli, repository: Path, half_broken: Path
) -> None:
    assert half_broken == repository
    text, settings = proposed(cli, repository)
    assert settings == {
        "targets": [{"stacks": "shop-dev", "account_id": "111122223333", "manifests": ["stacks/dev.yaml"]}],
        "grants": [{"preset": "single-team"}],
    }
    assert "# - {" not in text
    assert "note: without a rule for shop-broken: `secrets" in cli("init", "--base-path", repository).stderr


LOCAL_STATE = """
    vars: {context_name: shop, environment: dev}
    components:
      terraform:
        vpc: {backend_type: local, backend: {local: {}}}
        secretsmanager: {vars: {secrets: {network: {secret_data: !terraform.state vpc vpc_id}}}}
"""


def test_a_local_state_has_a_line_of_its_own_beside_the_preset(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", LOCAL_STATE)
    write(repository / "vpc/terraform.tfstate.d/shop-dev/terraform.tfstate", "{}")
    path = "vpc/terraform.tfstate.d/shop-dev/terraform.tfstate"
    assert f'  # - {{stacks: "shop-dev", files: ["{path}"]}}' in proposed(cli, repository)[0]


JOINING = """
    vars: {context_name: shop, environment: dev}
    components:
      terraform:
        secretsmanager/evil:
          vars: {secrets: {copy: {secret_data: "!terraform.output secretsmanager/app secret_values.token"}}}
"""


def test_a_manifest_that_comes_later_does_not_join_a_stack_under_what_it_prints(
    cli: Cli, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "operator.yaml").write_text(proposed(cli, repository)[0])
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    assert_exited(cli("plan", "--offline", "--base-path", repository))
    write(repository / "stacks" / "evil.yaml", JOINING)
    planned = cli("plan", "--offline", "--base-path", repository)
    assert_exited(planned)
    assert "stacks/evil.yaml names stack shop-dev, but the operator's settings" in planned.stderr
    assert "It is left out" in planned.stderr
    assert "3 declared" in planned.stdout


def test_every_manifest_of_a_stack_is_listed_whatever_its_name_is(cli: Cli, repository: Path, tmp_path: Path) -> None:
    write(repository / "stacks" / "more [x]" / "a*.yaml", JOINING)
    text, settings = proposed(cli, repository)
    assert [rule["manifests"] for rule in settings["targets"]] == [["stacks/dev.yaml", "stacks/more [[]x]/a[*].yaml"]]
    (tmp_path / "operator.yaml").write_text(text)
    planned = cli("plan", "--offline", "--base-path", repository, "--config", tmp_path / "operator.yaml")
    assert_exited(planned)
    assert "any manifest" not in planned.stderr


def test_the_manifests_of_a_description_are_those_that_its_components_name(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    described = cli("describe", "stacks", "--format", "json", "--process-functions=false", "--show-values",
                    "--base-path", repository).stdout  # fmt: skip
    (tmp_path / "stacks.json").write_text(described)
    origin = ("--from-file", tmp_path / "stacks.json", "--base-path", repository)
    result = cli("init", *origin)
    assert_exited(result)
    assert yaml.safe_load(result.stdout)["targets"] == proposed(cli, repository)[1]["targets"]
    (tmp_path / "operator.yaml").write_text(result.stdout)
    assert_exited(cli("plan", "--offline", *origin, "--config", tmp_path / "operator.yaml"))
    (tmp_path / "stacks.json").write_text(described.replace('"atmos_manifest": "dev"', '"atmos_manifest": "evil"'))
    refused = cli("plan", "--offline", *origin, "--config", tmp_path / "operator.yaml")
    assert_exited(refused, 1)
    assert "stacks/evil.yaml makes itself part of stack shop-dev" in refused.stderr


def test_settings_can_be_read_where_no_stack_can(cli: Cli, repository: Path, tmp_path: Path) -> None:
    write(repository / "stacks" / "dev.yaml", "components: {terraform: {secretsmanager: {vars: {secrets: {a: {}}}}}}")
    (tmp_path / "operator.yaml").write_text(proposed(cli, repository)[0])
    assert load_settings(tmp_path / "operator.yaml").targets == ()


def test_an_account_that_nobody_names_is_left_to_be_filled_in(cli: Cli, repository: Path) -> None:
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text(stack.read_text().replace('account_id: "111122223333"', "unused: none"))
    text, settings = proposed(cli, repository)
    assert settings["targets"] == [{"stacks": "shop-dev", "manifests": ["stacks/dev.yaml"]}]
    assert "# add account_id:" in text
    (repository / "operator.yaml").write_text(text)
    assert_exited(cli("tree", "--config", str(repository / "operator.yaml"), "--base-path", str(repository)))


def test_where_nothing_is_found_the_settings_can_be_read_all_the_same(cli: Cli, repository: Path) -> None:
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text("vars: {environment: dev, context_name: shop}\n")
    text, settings = proposed(cli, repository)
    assert settings["targets"] == []
    (repository / "operator.yaml").write_text(text)
    assert_exited(cli("tree", "--config", str(repository / "operator.yaml"), "--base-path", str(repository)))


def test_a_clone_of_a_remote_is_called_after_it(cli: Cli, repository: Path) -> None:
    (repository / ".git").mkdir()
    (repository / ".git" / "config").write_text(
        '[remote "origin"]\n  url = https://x:token@github.com/acme/infra.git\n'
    )
    text, settings = proposed(cli, repository)
    assert settings["repository"] == "github.com/acme/infra"
    assert "token" not in text.replace("shop-dev", "")


def test_settings_that_do_not_exist_yet_do_not_stop_it(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(repository / "none.yaml"))
    proposed(cli, repository)


def test_variables_that_values_ask_for_are_proposed_as_secret(cli: Cli, repository: Path) -> None:
    manifest = repository / "stacks" / "dev.yaml"
    manifest.write_text(manifest.read_text().replace("https://partner.example", '"${env:PARTNER}"'))
    _, settings = proposed(cli, repository)
    assert settings["environment_allowed"] == ["PARTNER"]


def test_a_value_of_another_stack_is_proposed_with_both_names(cli: Cli, repository: Path) -> None:
    web = """
        vars: {context_name: shop, environment: web, account_id: "111122223333", region: eu-west-2}
        components:
          terraform:
            secretsmanager/app:
              vars:
                secrets: {copy: {secret_data: "!terraform.output secretsmanager/app shop-dev secret_values.token"}}
    """
    write(repository / "stacks" / "web.yaml", web)
    text, settings = proposed(cli, repository)
    assert '  # - {stacks: "shop-web", values: ["shop-dev"]}' in text
    assert len(settings["targets"]) == 2


def test_where_no_manifest_can_be_read_it_says_so(cli: Cli, repository: Path) -> None:
    (repository / "stacks" / "dev.yaml").write_text("import: [catalog/missing]\n")
    _, settings = proposed(cli, repository)
    assert settings["targets"] == []
    said = cli("init", "--base-path", repository).stderr
    assert "without a rule for some manifests: `secrets-pipeline tree` says what is wrong" in said
