"""What needs a grant is shown by whatever reads YAML alone, and refused by whatever asks AWS, before the first call."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.cli.commands import COMMANDS
from secrets_pipeline.emulator import LocalAws, calls
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, add_missing
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG
from tests.cli.conftest import Cli, write
from tests.runs import assert_exited

STACK = "evil-dev"
FILE_CANARY, ENVIRONMENT_CANARY = "canary-file-Qx7", "canary-environment-Qx7"
MANIFEST = """
    vars: {context_name: evil, environment: dev, account_id: "111122223333", region: eu-west-2}
    settings: {secrets_pipeline: {dialect: tf-atmos}}
    components:
      terraform:
        secretsmanager/a:
          vars:
            create_kms_key: true
            secrets:
              own: {generate_random_password: true}
              file: {secret_data: {v: "${file:private.txt}"}}
              parameter: {secret_data: {v: "${ssm:/other-team/token}"}}
              value: {secret_data: {v: !terraform.state secretsmanager/app shop-dev secret_values.token}}
              environment: {secret_data: {v: !env PASSWORD}}
              named: {full_name: shop/prod/token, generate_random_password: true}
              replicated: {generate_random_password: true, replica_regions: [us-east-1]}
            consumers:
              theirs: {type: lambda, role_arn: "arn:aws:iam::444455556666:role/x", secrets: [own]}
"""
LINES = {
    "evil/dev/file": '- {stacks: "evil-dev", files: ["private.txt"]}',
    "evil/dev/parameter": '- {stacks: "evil-dev", parameters: ["/other-team/token"]}',
    "evil/dev/value": '- {stacks: "evil-dev", values: ["shop-dev"]}',
    "evil/dev/environment": "environment_allowed: [PASSWORD]",
    "shop/prod/token": '- {stacks: "evil-dev", secrets: ["shop/prod/token"]}',
    "evil/dev/replicated": '- {stacks: "evil-dev", regions: ["us-east-1"]}',
    "evil/dev/own": '- {stacks: "evil-dev", readers: ["444455556666"]}',
}
"""Secret → the line that it needs; a reader is a matter of the secret that it reads."""
REFUSED = [line for secret, line in LINES.items() if secret != "evil/dev/environment"]

_opened: list[str] = []
_watching: list[bool] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event == "open":
        _opened.append(str(arguments[0]))


sys.addaudithook(_watch)


@pytest.fixture
def ungranted(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a stack that reaches what is not its own; the operator grants it nothing."""
    write(repository / "stacks" / "evil.yaml", MANIFEST)
    write(repository / "private.txt", FILE_CANARY)
    write(tmp_path / "operator.yaml", 'targets: [{stacks: "*", region: eu-west-2}]')
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    monkeypatch.setenv("PASSWORD", ENVIRONMENT_CANARY)
    return repository


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Names of the files that this process opens."""
    _opened.clear()
    _watching.append(True)
    yield _opened
    _watching.clear()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is another one, for commands that write a file."""
    monkeypatch.chdir(tmp_path)


READING = {
    "tree": ("tree",),
    "tree in JSON": ("tree", "--format", "json"),
    "list": ("list", "stacks"),
    "list in JSON": ("list", "stacks", "--format", "json"),
    "plan": ("plan", "--offline"),
    "plan in JSON": ("plan", "--offline", "--format", "json"),
    "plan in Markdown": ("plan", "--offline", "--format", "markdown"),
    "strictly": ("tree", "--strict"),
}


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_reading_needs_no_grant_and_takes_nothing_in_that_needs_one(
    cli: Cli, ungranted: Path, aws: LocalAws, opened: list[str], command: tuple[str, ...]
) -> None:
    result = cli(*command, "--base-path", ungranted)
    assert_exited(result)
    assert STACK in result.stdout
    assert not [name for name in opened if name.endswith("private.txt")]
    # The hook does see files.
    assert [name for name in opened if name.endswith("evil.yaml")]
    for canary in (FILE_CANARY, ENVIRONMENT_CANARY):
        assert canary not in result.stdout + result.stderr
    assert not calls(aws)


def test_each_secret_says_what_it_needs_and_who_writes_which_line(cli: Cli, ungranted: Path) -> None:
    result = cli("tree", "--base-path", ungranted, "--format", "json", "-s", STACK)
    assert {row["name"]: row["needs_grant"] for row in json.loads(result.stdout)} == {
        secret: [line] for secret, line in LINES.items()
    }
    for line in LINES.values():
        assert line in result.stderr
    drawn = cli("tree", "--base-path", ungranted, "-s", STACK).stdout
    assert "own  evil-dev  generated password  needs a grant\n" in drawn
    assert "file  evil-dev  JSON from YAML  needs a grant\n" in drawn
    assert "environment  evil-dev  JSON from YAML  needs a grant\n" in drawn
    assert "blocked" not in drawn
    assert max(map(len, drawn.splitlines())) < 100
    assert "settings have these lines (`secrets-pipeline init` prints settings):\n  grants:\n" in result.stderr
    planned = cli("plan", "--offline", "--base-path", ungranted, "-s", STACK, "--format", "json").stdout
    details = {row["name"]: row["detail"] for row in json.loads(planned)["stacks"][STACK]["declared"]}
    assert details["evil/dev/environment"].endswith(", needs a grant")
    assert "blocked" not in str(details)


def test_a_list_has_place_and_number_of_secrets_in_spite_of_missing_grants(cli: Cli, ungranted: Path) -> None:
    rows = json.loads(cli("list", "stacks", "--base-path", ungranted, "--format", "json").stdout)
    (row,) = [one for one in rows if one["stack"] == STACK]
    assert (row["account_id"], row["region"], row["secrets"]) == ("111122223333", "eu-west-2", len(LINES))
    assert (row["errors"], row["needs_grants"]) == (0, len(LINES))


def test_a_plan_offline_marks_references_as_the_yaml_spells_them(cli: Cli, ungranted: Path) -> None:
    told = cli("plan", "--offline", "--base-path", ungranted, "-s", STACK, "--format", "json").stdout
    stack = json.loads(told)["stacks"][STACK]
    assert {row["reference"]: row["state"] for row in stack["references"]} == {
        "${file:private.txt}": "needs a grant",
        "${ssm:/other-team/token}": "needs a grant",
        "!terraform.state secretsmanager/app shop-dev secret_values.token": "needs a grant",
        "!env PASSWORD": "needs a grant",
    }
    assert {one["line"] for one in stack["needs_grants"]} == set(LINES.values())
    assert json.loads(told)["errors"] == {}


def test_an_error_beside_a_missing_grant_is_one_of_reading_too(cli: Cli, ungranted: Path) -> None:
    broken = (
        (ungranted / "stacks" / "evil.yaml").read_text().replace("own: {generate", "own: {no_such_key: 1, generate")
    )
    (ungranted / "stacks" / "evil.yaml").write_text(broken)
    result = cli("tree", "--base-path", ungranted, "-s", STACK)
    assert_exited(result, 1)
    assert "unknown key no_such_key" in result.stderr
    assert result.stderr.count("error:") == 1
    assert "evil" not in result.stdout
    (row,) = json.loads(cli("list", "stacks", "--base-path", ungranted, "-s", STACK, "--format", "json").stdout)
    assert (row["account_id"], row["region"], row["errors"]) == ("111122223333", "eu-west-2", 1)


ASKING: dict[str, list[tuple[str, ...]]] = {
    "doctor": [("doctor", "-s", STACK)],
    "plan": [("plan", "-s", STACK), ("plan", "-s", STACK, "--deep"), ("plan", "-s", STACK, "--target", "evil/dev/own")],
    "apply": [
        ("apply", "-s", STACK),
        ("apply", "-s", STACK, "--yes"),
        ("apply", "-s", STACK, "--target", "evil/dev/own"),
        ("apply", "-s", STACK, "--prune"),
        ("apply", "-s", STACK, "--adopt", "*"),
    ],
    "verify": [("verify", "-s", STACK)],
    "rotate": [("rotate", "evil/dev/own"), ("rotate", "evil/dev/own", "-s", STACK)],
    "destroy": [("destroy", "-s", STACK, "--yes")],
    "access": [
        ("access", "matrix", "-s", STACK),
        ("access", "policy", "-s", STACK, "--consumer", "theirs"),
        (
            *("access", "explain", "-s", STACK, "--secret", "evil/dev/own"),
            *("--principal", "arn:aws:iam::444455556666:role/x"),
        ),
        ("access", "snapshot", "-s", STACK, "-o", "snapshot.json"),
    ],
    "outputs": [("outputs", "-s", STACK)],
    "events": [("events", "status"), ("events", "redrive")],
}
"""Command → how it is called; those that call AWS are all here."""
OF_NO_STACK = {"orphans"}
"""It lists what has marks in AWS: of a stack that cannot be read it says so."""
WITHOUT_AWS = {"config", "init", "list", "tree", "describe", "schema", "migrate", "iam-policy", "rotation", "health"}
ON_THIS_MACHINE = {"local", "demo", "dev"}


def test_every_command_is_judged() -> None:
    every = {name for commands in COMMANDS.values() for name in commands}
    assert every == {*ASKING, *OF_NO_STACK, *WITHOUT_AWS, *ON_THIS_MACHINE}


@pytest.mark.usefixtures("dagster_home", "elsewhere")
@pytest.mark.parametrize("command", [one for every in ASKING.values() for one in every], ids=" ".join)
def test_what_asks_aws_refuses_before_the_first_call(
    cli: Cli, ungranted: Path, aws: LocalAws, opened: list[str], command: tuple[str, ...]
) -> None:
    (ungranted / "stacks" / "dev.yaml").unlink()  # `shop-dev` would be asked for by commands that take no stack.
    result = cli(*command, "--base-path", ungranted)
    assert result.exit_code != 0, result.output
    assert not calls(aws)
    pruning = f"nothing may be pruned while stacks of the repository have errors: {STACK}" in result.stderr
    assert pruning or [line for line in LINES.values() if line in result.stderr], result.stderr
    assert not [name for name in opened if name.endswith("private.txt")]


EVALUATING_NONE = {"on_access_change "}
"""It evaluates the stacks that an event of IAM concerns, here none."""


def test_every_job_and_asset_of_dagster_refuses_before_the_first_call(
    ungranted: Path, aws: LocalAws, opened: list[str]
) -> None:
    built = build_definitions(asked=Asked(base_path=ungranted))
    every = built.resolve_implicit_global_asset_job_def()
    runs: list[tuple[str, dg.AssetKey | None]]
    runs = [(job.name, None) for job in built.resolve_all_job_defs() if not job.name.startswith("__")]
    runs += [(every.name, key) for key in sorted(every.asset_layer.executable_asset_keys)]
    judged: dict[str, bool] = {}
    with dg.DagsterInstance.ephemeral() as instance:
        add_missing(instance, [STACK])
        for name, key in runs:
            judged[f"{name} {key.to_user_string() if key else ''}"] = _refuses(instance, built, name, key)
    assert not calls(aws)
    assert not [name for name in opened if name.endswith("private.txt")]
    assert judged
    assert {name for name, refused in judged.items() if not refused} <= EVALUATING_NONE


def _refuses(instance: dg.DagsterInstance, built: dg.Definitions, name: str, key: dg.AssetKey | None) -> bool:
    """Whether a run failed, or every check of it did, with a line that would grant what is missing."""
    result = built.resolve_job_def(name).execute_in_process(
        instance=instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
        tags={PARTITION_TAG: STACK, SECRETS_TAG: "evil/dev/own"},
        asset_selection=None if key is None else [key],
    )
    judged = result.get_asset_check_evaluations()
    failures = [str(event.event_specific_data) for event in result.all_events if event.is_failure]
    said = failures or [str(one) for one in judged if not one.passed]
    if result.success and len(said) < len(judged):
        return False
    return bool(said) and any(line in one.replace('\\"', '"') for one in said for line in REFUSED)
