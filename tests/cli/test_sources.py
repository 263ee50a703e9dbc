"""Stacks from elsewhere than manifests: a description in a file or on stdin, and the `atmos` command."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from secrets_pipeline.cli.app import app
from secrets_pipeline.desired.build import SpecSet, build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule, load_settings
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks import SourceChoice, StackSource, open_source
from tests.cli.conftest import CANARY, EXAMPLES, Cli, write
from tests.cli.processes import COMMAND, environment
from tests.grants import TRUSTED
from tests.runs import assert_exited
from tests.strategies.repositories import VARIABLE, repositories
from tests.sweep import examples
from tests.waiting import SECONDS

DESCRIBE = ("describe", "stacks", "--process-functions=false", "--show-values", "--format", "json")
ALLOWED = {VARIABLE: "from-the-environment"}


@pytest.fixture
def description(cli: Cli, repository: Path) -> Path:
    """What `describe stacks` prints of the repository, beside it."""
    file = repository.parent / "stacks.json"
    file.write_text(cli(*DESCRIBE, "--base-path", repository).stdout)
    return file


@pytest.fixture
def atmos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Puts an `atmos` on PATH that prints a file, if it is asked as Atmos wants to be asked."""

    def install(prints: Path) -> Path:
        binary = tmp_path / "bin" / "atmos"
        write(
            binary,
            f"""\
            #!{sys.executable}
            import os, sys
            open({str(tmp_path / "asked")!r}, "a").write(os.getcwd() + "\\n")
            if sys.argv[1:5] != ["describe", "stacks", "--format", "json"]:
                sys.exit("unknown command")
            if os.environ.get("ATMOS_MASK") != "false" or "--process-functions=false" not in sys.argv:
                sys.exit("values would be masked, or looked up")
            sys.stdout.write(open({str(prints)!r}).read())
            """,
        )
        binary.chmod(0o755)
        monkeypatch.setenv("PATH", f"{binary.parent}:/usr/bin:/bin")
        return tmp_path / "asked"

    return install


def specs(source: StackSource, operator: OperatorSettings, base_path: Path, env: Mapping[str, str]) -> SpecSet:
    return build_specs(source, operator, base_path=base_path, environment=env)


def without_places(built: SpecSet) -> Value:
    """Everything but the places in YAML: a description has other ones."""

    def kept(value: Value) -> Value:
        if isinstance(value, dict):
            return {key: kept(inner) for key, inner in value.items() if key != "where"}
        return [kept(inner) for inner in value] if isinstance(value, list) else value

    return {name: kept(spec.model_dump(mode="json")) for name, spec in built.specs.items()}


def in_any_order(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: in_any_order(value[key]) for key in sorted(value)}
    return sorted(map(in_any_order, value), key=json.dumps) if isinstance(value, list) else value


def agree(folder: Path, printed: str, operator: OperatorSettings, env: Mapping[str, str]) -> None:
    """A repository and its description ask for the same, also with keys in the order in which Go prints them."""
    read = open_source(SourceChoice(), folder, env=env)
    ours = specs(read, operator, folder, env)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "described.json"
        file.write_text(json.dumps(json.loads(printed), sort_keys=True))
        by_go = specs(open_source(SourceChoice(str(file)), folder, env=env), operator, folder, env)
        file.write_text(printed)
        back = open_source(SourceChoice(str(file)), folder, env=env)
    theirs = specs(back, operator, folder, env)
    assert without_places(theirs) == without_places(ours)
    assert in_any_order(without_places(by_go)) == in_any_order(without_places(ours))
    assert messages(theirs) == messages(by_go) == messages(ours)
    for name, spec in ours.specs.items():
        for secret in spec.secrets:
            for leaf in getattr(secret.value, "leaves", ()):
                expected = leaf_expression(read.stack(name), secret.ref.component, leaf)
                assert leaf_expression(back.stack(name), secret.ref.component, leaf) == expected


def messages(built: SpecSet) -> dict[str, list[str]]:
    return {stack: sorted(error.message for error in errors) for stack, errors in built.errors.items()}


def test_the_examples_and_their_description_ask_for_the_same(cli: Cli) -> None:
    printed = cli(*DESCRIBE, "--base-path", EXAMPLES).stdout
    assert set(json.loads(printed)) == {"infra-shared", "myapp-dev", "myapp-prod"}
    agree(EXAMPLES, printed, load_settings(EXAMPLES / "operator.yaml"), {})


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(files=repositories())
def test_a_repository_and_its_description_ask_for_the_same(cli: Cli, files: Mapping[str, str]) -> None:
    operator = OperatorSettings(
        targets=(TargetRule(stacks="*", account_id="111122223333", region="eu-west-2"),),
        grants=TRUSTED,
        environment_allowed=({"name": VARIABLE, "secret": False},),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        described = cli(*DESCRIBE, "--base-path", folder)
        assert_exited(described)
        agree(folder, described.stdout, operator, ALLOWED)


@pytest.mark.parametrize("command", ["tree", "plan", "describe"])
def test_a_file_is_read_in_place_of_the_manifests(
    command: str, cli: Cli, repository: Path, description: Path, tmp_path: Path
) -> None:
    asked = {
        "tree": ("tree", "--format", "json"),
        "plan": ("plan", "--offline", "--format", "json"),
        "describe": ("describe", "stacks", "--format", "json"),
    }[command]
    from_manifests = cli(*asked, "--base-path", repository)
    from_file = cli(*asked, "--from-file", description, "--base-path", tmp_path)
    assert_exited(from_file)
    assert json.loads(from_file.stdout) == json.loads(from_manifests.stdout)


def test_a_description_comes_through_a_pipe(description: Path) -> None:
    result = CliRunner().invoke(app, ["tree", "--from-file", "-", "--format", "json"], input=description.read_bytes())
    assert_exited(result)
    assert {row["name"] for row in json.loads(result.stdout)} == {"shop/dev/api/token", "shop/dev/api/config"}


def test_a_description_may_be_yaml(cli: Cli, description: Path, tmp_path: Path) -> None:
    file = tmp_path / "stacks.yaml"
    file.write_text(yaml.safe_dump(json.loads(description.read_text())))
    shown = [json.loads(cli("tree", "--from-file", path, "--format", "json").stdout) for path in (file, description)]
    assert in_any_order(shown[0]) == in_any_order(shown[1])


def test_the_environment_names_the_source_and_an_option_wins_over_it(
    cli: Cli, description: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, atmos: Callable[[Path], Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = atmos(description)
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", str(description))
    assert "shop" in cli("tree").stdout
    assert not asked.exists()
    assert "shop" in cli("tree", "--from-atmos").stdout
    assert asked.read_text() == f"{tmp_path}\n"
    monkeypatch.delenv("SECRETS_PIPELINE_FROM_FILE")
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_ATMOS", "1")
    assert "shop" in cli("tree").stdout


def test_the_atmos_command_runs_in_the_base_path(
    cli: Cli, repository: Path, description: Path, atmos: Callable[[Path], Path]
) -> None:
    asked = atmos(description)
    result = cli(
        "describe", "component", "secretsmanager/app", "-s", "shop-dev", "--from-atmos", "--base-path", repository
    )
    assert_exited(result)
    assert yaml.safe_load(result.stdout)["atmos_stack"] == "shop-dev"
    assert asked.read_text() == f"{repository}\n"


def test_what_atmos_prints_is_never_shown_when_it_cannot_be_read(
    cli: Cli, repository: Path, atmos: Callable[[Path], Path], tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text(f'{{"dev": {CANARY}}}')
    atmos(text)
    result = cli("tree", "--from-atmos", "--base-path", repository)
    assert_exited(result, 1)
    assert "atmos describe stacks:1: not valid JSON" in result.stderr
    assert CANARY not in result.output
    assert "Traceback" not in result.stderr


def test_an_error_in_a_described_component_names_the_file_and_the_path(cli: Cli, description: Path) -> None:
    tree = json.loads(description.read_text())
    tree["shop-dev"]["components"]["terraform"]["secretsmanager/app"]["vars"]["secrets"]["token"]["nope"] = 1
    description.write_text(json.dumps(tree))
    result = cli("tree", "--from-file", description)
    assert_exited(result, 1)
    assert f"{description}, stack shop-dev, component secretsmanager/app, key ." in result.stderr
    assert '."shop-dev".components.terraform."secretsmanager/app".vars.secrets.token.nope' in result.stderr


def test_a_masked_description_is_refused(cli: Cli, repository: Path) -> None:
    file = repository.parent / "masked.json"
    file.write_text(cli("describe", "stacks", "--format", "json", "--base-path", repository).stdout)
    result = cli("plan", "--offline", "--from-file", file)
    assert_exited(result, 1)
    assert "Print it with --show-values." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("tree", "--from-file", "x.json", "--from-atmos"),
        ("apply", "--all", "--queue", "--from-atmos"),
        ("apply", "--all", "--queue", "--from-file", "x.json"),
        ("apply", "--all", "--queue", "--base-path", "."),
        ("apply", "--all", "--queue", "--adopt", "x", "--prune"),
    ],
)
def test_sources_that_cannot_be_used_together_are_refused(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert_exited(result, 1)
    assert result.stdout == ""
    named = " or ".join(one for one in arguments if one.startswith(("--from", "--base", "--adopt", "--prune")))
    refused = f"error: --queue hands the run to another process, which takes no {named}\n"
    assert "at once" in result.stderr or result.stderr.startswith(refused)


def test_a_queue_is_refused_where_the_environment_names_another_source_than_the_deployment_has(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_FROM_FILE", "x.json")
    result = cli("apply", "--all", "--queue")
    assert_exited(result, 1)
    assert "reads its own stacks" in result.stderr


@pytest.mark.usefixtures("trusted")
def test_files_of_the_repository_are_found_whatever_the_source(cli: Cli, repository: Path) -> None:
    (repository / "banner.txt").write_text("hello")
    stack = repository / "stacks" / "dev.yaml"
    document = yaml.safe_load(stack.read_text())
    document["components"]["terraform"]["secretsmanager/app"]["vars"]["secrets"]["banner"] = {
        "secret_data": "${file:banner.txt}"
    }
    stack.write_text(yaml.safe_dump(document))
    file = repository.parent / "stacks.json"
    file.write_text(cli(*DESCRIBE, "--base-path", repository).stdout)
    found = cli("tree", "--from-file", file, "--base-path", repository)
    assert_exited(found)
    elsewhere = cli("tree", "--from-file", file, "--base-path", repository.parent)
    assert "file banner.txt does not exist" in elsewhere.stderr


def process(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_a_pipe_from_describe_to_tree_works_as_processes_do(repository: Path) -> None:
    printed = process(*DESCRIBE, "--base-path", repository)
    assert printed.stderr == ""
    shown = process("tree", "--format", "json", "--from-file", "-", stdin=printed.stdout)
    assert shown.returncode == 0, shown.stderr
    assert [row["stack"] for row in json.loads(shown.stdout)] == ["shop-dev", "shop-dev"]
