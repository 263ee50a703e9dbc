"""`init --example` leads to a secret in AWS: its steps are followed to the letter in every newcomer's repository."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml

from benchmarks.newcomer import repositories, shop, tf_atmos
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

if TYPE_CHECKING:
    from typer.testing import Result


def repositories_of(module: ModuleType) -> dict[str, Any]:
    """The repositories of a module, by name."""
    return {name: files for name, files in vars(module).items() if isinstance(files, dict) and "stacks" in str(files)}


EVERY = {name: files for module in (repositories, shop, tf_atmos) for name, files in repositories_of(module).items()}
UNREADABLE = {"TF_ATMOS"}
"""Atmos itself refuses all of its stacks."""
EXITS: dict[str, tuple[int, int]] = {"SHOP": (0, 1), "STORES": (0, 1), "VENDORED": (1, 1)}
"""Exit codes of plan and apply that are not 0.

The role of a consumer of SHOP does not exist. Secrets of STORES get their values from somebody else. A manifest of
VENDORED imports a file that does not exist.
"""
STEP = re.compile(r"^# \d+\. (.*):$", re.MULTILINE)


def laid_out(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    return folder


def follow(printed: str, folder: Path) -> list[list[str]]:
    """Do what each numbered step says, to the letter, and return the commands of the last one."""
    steps = STEP.split(printed)[1:]
    for what, text in zip(steps[::2], steps[1::2], strict=True):
        done(what, text.strip("\n"), folder)
    return [line.split()[1:] for line in steps[-1].splitlines() if line.startswith("secrets-pipeline ")]


def done(what: str, text: str, folder: Path) -> None:
    if found := re.match(r"Add these entries to the lists in (\S+?)\. ", what):
        path = folder / found[1]
        path.write_text(merged(path.read_text(), text))
    elif found := re.match(r"Write (\S+?)(?:\.|$)(?: |$)", what):
        path = folder / found[1]
        assert not path.exists(), "it would overwrite a file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    elif found := re.match(r"In (\S+), (add below|add above|replace) line (\d+)", what):
        path, line = folder / found[1], int(found[3])
        lines = path.read_text().splitlines()
        place = {"add below": (line, line), "add above": (line - 1, line - 1), "replace": (line - 1, line)}[found[2]]
        lines[slice(*place)] = text.splitlines()
        path.write_text("\n".join([*lines, ""]))
    else:
        assert what == "Run"


def merged(settings: str, text: str) -> str:
    """Paste entries below the keys that comments name; a key that the settings lack is written before them."""
    key = ""
    for line in text.splitlines():
        if found := re.match(r"# (\w+)(?:,.*)?:$", line):
            key = found[1]
            settings = settings if f"{key}:\n" in settings else f"{settings}{key}:\n"
        elif not line.startswith("#"):
            settings = settings.replace(f"{key}:\n", f"{key}:\n{line}\n")
    return settings


def suggested(result: Result) -> list[str]:
    """The arguments of the one next command."""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Next: ")]
    return line.removeprefix("Next: secrets-pipeline ").split()


@pytest.mark.parametrize("name", sorted(EVERY.keys() - UNREADABLE))
@pytest.mark.usefixtures("aws", "dagster_home")
def test_what_it_prints_makes_a_secret_in_every_repository(
    cli: Cli, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = laid_out({file: text for file, text in EVERY[name].items() if file != "operator.yaml"}, tmp_path / "repo")
    monkeypatch.chdir(folder)
    if not (folder / "atmos.yaml").exists():
        (config,) = folder.rglob("atmos.yaml")
        monkeypatch.setenv("ATMOS_CLI_CONFIG_PATH", str(config.parent))
        monkeypatch.setenv("ATMOS_BASE_PATH", str(folder))
    listed = cli("list", "stacks", "--format", "plain", "--all")
    stack = next(stack for stack in listed.stdout.split() if "prod" not in stack and "auto" not in stack)
    printed = cli("init", "--example", stack)
    assert_exited(printed)
    assert repositories.CANARY not in printed.output
    plan, apply = follow(printed.stdout, folder)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    secret = printed.stdout.splitlines()[0].rpartition(": ")[2]
    planned = cli(*plan)
    assert_exited(planned, EXITS.get(name, (0, 0))[0])
    assert re.search(rf"create\s+secret\s+{re.escape(secret)}\s", planned.stdout), planned.output
    applied = cli(*apply)
    assert_exited(applied, EXITS.get(name, (0, 0))[1])
    region = yaml.safe_load((folder / "operator.yaml").read_text())["targets"][0].get("region")
    region = region or next(one for one in re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", planned.output))
    names = [one["Name"] for one in boto3.client("secretsmanager", region).list_secrets()["SecretList"]]
    assert secret in names, applied.output


def test_the_first_screen_leads_to_it_without_a_value(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laid_out(dict(repositories.APPLICATION), tmp_path))
    for command in (("tree",), ("plan", "--offline"), ("plan",), ("list", "stacks"), ("init",)):
        shown = cli(*command)
        assert_exited(shown)
        assert suggested(shown) == ["init", "--example", "dev"], command
        for sign in (
            "stacks/catalog/app.yaml\n",
            "    line 6: vars.secret_names of app-api\n",
            "    line 7: vars.database.password of app-api\n",
            "    line 8: vars.partner_arn, the ARN of a secret, of app-api\n",
            "    line 10: env.API_TOKEN of app-api\n",
            "components/terraform/app-api/main.tf\n    line 5: aws_secretsmanager_secret.db\n",
            "    line 9: aws_ssm_parameter.session\n",
            "read 2 stacks and 4 components:\n  dev, prod\n",
        ):
            assert sign in shown.stderr
        assert "secrets_enabled" not in shown.stderr
        assert repositories.CANARY not in shown.output
        assert max(map(len, shown.stderr.splitlines())) <= 80
    assert_exited(cli(*suggested(shown)))


def test_where_the_repository_was_named_the_next_command_names_it_too(cli: Cli, tmp_path: Path) -> None:
    folder = laid_out(dict(repositories.APPLICATION), tmp_path / "repo")
    shown = cli("tree", "--base-path", folder)
    assert suggested(shown) == ["init", "--example", "dev", "--base-path", str(folder)]
    assert f"secrets-pipeline plan -s dev --base-path {folder}" in cli(*suggested(shown)).stdout


def test_stacks_are_listed_with_account_and_region_before_any_of_them_has_a_secret(cli: Cli, tmp_path: Path) -> None:
    folder = laid_out({**repositories.APPLICATION, **prod_account()}, tmp_path)
    listed = cli("list", "stacks", "--base-path", folder)
    assert_exited(listed)
    assert [line.split()[:-2] for line in listed.stdout.splitlines()[1:]] == [
        ["dev", "eu-central-1"],
        ["prod", "111122223333", "eu-central-1"],
    ]
    settings = yaml.safe_load(cli("init", "--base-path", folder).stdout)
    assert [(rule["stacks"], rule.get("account_id")) for rule in settings["targets"]] == [
        ("dev", None),
        ("prod", "111122223333"),
    ]


def prod_account() -> dict[str, str]:
    return {"stacks/deploy/prod.yaml": repositories.APPLICATION["stacks/deploy/prod.yaml"]}


def test_a_stack_that_does_not_exist_is_named_with_near_misses(cli: Cli, tmp_path: Path) -> None:
    result = cli("init", "--example", "deb", "--base-path", laid_out(dict(repositories.APPLICATION), tmp_path))
    assert_exited(result, 1)
    assert "dev" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("given", ["variable", "option", "file of that name"])
@pytest.mark.usefixtures("aws", "dagster_home")
def test_a_second_example_has_a_name_of_its_own_and_adds_to_the_settings_that_exist(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    folder = laid_out(dict(repositories.APPLICATION), tmp_path)
    monkeypatch.chdir(folder)
    follow(cli("init", "--example", "dev").stdout, folder)
    options = ("--config", "operator.yaml") if given == "option" else ()
    if given == "variable":
        monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    printed = cli("init", "--example", "prod", *options).stdout
    assert printed.startswith("# A first secret in stack prod: prod/example-2/password\n")
    named = "operator.yaml" if given == "file of that name" else f"{folder}/operator.yaml"
    assert f"Add these entries to the lists in {named}. " in printed
    exported = {"variable": None, "option": str(folder / "operator.yaml"), "file of that name": "$PWD/operator.yaml"}
    found = re.search(r"^export SECRETS_PIPELINE_CONFIG=(.*)$", printed, re.MULTILINE)
    assert (found and found[1]) == exported[given]
    plan, _ = follow(printed, folder)
    settings = yaml.safe_load((folder / "operator.yaml").read_text())
    assert sorted(rule["stacks"] for rule in settings["targets"]) == ["dev", "prod"]
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
    assert_exited(cli(*plan))


def test_settings_that_option_names_and_nobody_wrote_yet_are_written(cli: Cli, tmp_path: Path) -> None:
    folder = laid_out(dict(repositories.APPLICATION), tmp_path)
    settings = tmp_path / "my settings.yaml"
    printed = cli("init", "--example", "dev", "--base-path", folder, "--config", settings).stdout
    assert f"Write {settings}. " in printed
    assert "\ntargets:\n" in printed
    assert f"\nexport SECRETS_PIPELINE_CONFIG='{settings}'\n" in printed


READS = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    components:
      terraform:
        secretsmanager/app:
          vars:
            secrets:
              token: {secret_data: {v: "${env:TOKEN}"}}
              file: {secret_data: {v: "${file:private.txt}"}}
"""


def test_what_the_stack_reads_already_is_in_the_settings(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", READS)
    result = cli("init", "--example", "shop-dev", "--base-path", repository)
    assert_exited(result)
    assert "has errors" not in result.stderr
    steps = STEP.split(result.stdout)
    settings = yaml.safe_load(
        next(text for what, text in zip(steps[1::2], steps[2::2], strict=True) if "operator" in what)
    )
    assert settings["environment_allowed"] == ["TOKEN"]
    assert settings["grants"] == [{"stacks": "shop-dev", "files": ["private.txt"]}]


def test_a_stack_with_errors_is_said_to_stop_the_plan(cli: Cli, half_broken: Path) -> None:
    result = cli("init", "--example", "shop-broken", "--base-path", half_broken)
    assert_exited(result)
    assert "note: stack shop-broken has errors, so plan stops: `secrets-pipeline tree` says each\n" in result.stderr
    assert "has errors" not in cli("init", "--example", "shop-dev", "--base-path", half_broken).stderr


BODY = "vars: {stage: dev, region: eu-west-2}\ncomponents: {terraform: {vpc: {vars: {cidr: x}}}}\n"
OTHER = "stacks/catalog/other.yaml"


@pytest.mark.parametrize(
    "manifest",
    [
        f"import:\n  []\n{BODY}",
        f"import: &none []\n{BODY}",
        f"import: &none\n{BODY}",
        "{import: [\n], vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}}",
    ],
)
def test_an_import_that_is_not_on_one_line_is_written_by_hand(cli: Cli, tmp_path: Path, manifest: str) -> None:
    config = 'stacks: {base_path: stacks, included_paths: ["deploy/**/*"], name_template: "{{ .vars.stage }}"}\n'
    folder = laid_out({"atmos.yaml": config, "stacks/deploy/dev.yaml": manifest}, tmp_path)
    printed = cli("init", "--example", "dev", "--base-path", folder)
    assert_exited(printed)
    added = "import:\n  - catalog/secretsmanager/example\n"
    assert f"In stacks/deploy/dev.yaml, write the list `import` anew:\n\n{added}" in printed.stdout


@pytest.mark.parametrize(
    ("manifest", "imported"),
    [
        (BODY, []),
        (f"# Dev.\n---\n{BODY}", []),
        (f"import: []\n{BODY}", []),
        (f"import:\n{BODY}", []),
        (f"import: ~  # none yet\n{BODY}", []),
        (f"{BODY}import:", []),
        (f"import: [catalog/other]\n{BODY}", ["catalog/other"]),
        (f"import:\n  - catalog/other\n{BODY}", ["catalog/other"]),
        (f"import: &shared\n  - catalog/other\n{BODY}", ["catalog/other"]),
        (f"import: # all\n- &one catalog/other\n{BODY}", ["catalog/other"]),
        ("{vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}}", []),
        ("{\n  vars: {stage: dev, region: eu-west-2},\n  components: {terraform: {vpc: {}}},\n}", []),
        ("{import: [], vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}}", []),
        ("{import: , vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}}", []),
        ("{vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}, import: null}", []),
        (
            "{import: [catalog/other], vars: {stage: dev, region: eu-west-2}, components: {terraform: {vpc: {}}}}",
            ["catalog/other"],
        ),
    ],
)
def test_the_import_can_be_pasted_into_any_manifest(
    cli: Cli, tmp_path: Path, manifest: str, imported: list[str]
) -> None:
    config = 'stacks: {base_path: stacks, included_paths: ["deploy/**/*"], name_template: "{{ .vars.stage }}"}\n'
    folder = laid_out({"atmos.yaml": config, OTHER: "vars: {a: b}\n", "stacks/deploy/dev.yaml": manifest}, tmp_path)
    before = yaml.safe_load(manifest)
    printed = cli("init", "--example", "dev", "--base-path", folder)
    assert_exited(printed)
    steps = STEP.split(printed.stdout)[1:]
    for what, text in zip(steps[::2], steps[1::2], strict=True):
        if "operator.yaml" not in what:
            done(what, text.strip("\n"), folder)
    after = yaml.safe_load((folder / "stacks/deploy/dev.yaml").read_text())
    assert after.pop("import") == [*imported, "catalog/secretsmanager/example"]
    before.pop("import", None)
    assert after == before
    assert "dev/example/password" in cli("tree", "--base-path", folder, "--format", "json").stdout


def test_the_import_goes_into_the_manifest_of_most_components(cli: Cli, tmp_path: Path) -> None:
    printed = cli("init", "--example", "lab", "--base-path", laid_out(dict(repositories.RENDERED_TWICE), tmp_path))
    assert_exited(printed)
    assert "# 2. In stacks/deploy/lab.yaml, " in printed.stdout
    assert "# Add region: … below." in printed.stdout
    assert '# Add account_id: "…" below' in printed.stdout
