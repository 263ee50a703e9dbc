"""`migrate terraform` prints YAML, HCL and steps, and nothing of what a state keeps secret, whatever goes wrong."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from tests.operations.migration import terraform_state as tf
from tests.runs import assert_exited

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

CANARY = "canary-Zx81-of-a-state"
SENSITIVE = {
    "secret_string",
    "secret_binary",
    "secret_string_wo",
    "result",
    "bcrypt_hash",
    "value",
    "value_wo",
    "insecure_value",
    "password",
    "master_password",
    "private_key_pem",
    "keepers",
    "of_a_later_provider",
}


def planted() -> list[tf.State]:
    """A state with everything in it, a canary in each string of a sensitive attribute, marked in the state or not."""
    found = tf.instances(tf.estate("shop/dev", count=12))
    found += [tf.parameter("/shop/dev/db/password", CANARY)]
    found += [
        {"type": "aws_db_instance", "name": "main", "attributes": {"password": CANARY}, "sensitive": ["password"]},
        {"type": "aws_rds_cluster", "name": "main", "attributes": {"master_password": CANARY}},
        {"type": "tls_private_key", "name": "key", "attributes": {"private_key_pem": CANARY}},
    ]
    for number, one in enumerate(found):
        one["sensitive"] = one.get("sensitive", []) if number % 3 else []
        one["attributes"] |= {"of_a_later_provider": CANARY, "keepers": {"seed": CANARY}}
        for name in SENSITIVE & one["attributes"].keys() - {"secret_string", "result"}:
            one["attributes"][name] = {"seed": CANARY} if name == "keepers" else CANARY
        for name in {"secret_string", "result"} & one["attributes"].keys():
            # A password and its version have to hold the same.
            one["attributes"][name] = f"{CANARY}-{one['key']}" if number % 2 else json.dumps({CANARY: [CANARY]})
    return found


def files(folder: Path, form: Any = tf.state_file) -> Path:  # noqa: ANN401 - a function
    outputs = {"password": {"value": CANARY, "type": "string", "sensitive": True}}
    (folder / "state.json").write_text(json.dumps({**form(planted()), "outputs": outputs}))
    return folder / "state.json"


def all_of(result: Result) -> str:
    """Everything that a run says, and what a developer would see of its error."""
    raised = result.exception
    trace = "".join(traceback.format_exception(raised)) if raised else ""
    return f"{result.output}{result.stderr}{trace}{raised!r}"


@pytest.mark.parametrize("form", [tf.state_file, tf.shown])
@pytest.mark.parametrize("arguments", [(), ("--format", "json"), ("--with-ssm", "--with-kms")])
def test_no_value_is_shown(cli: Cli, tmp_path: Path, form: Any, arguments: tuple[str, ...]) -> None:  # noqa: ANN401 - JSON
    result = cli("migrate", "terraform", "--state", files(tmp_path, form), *arguments)
    assert_exited(result)
    assert "secret_00" in result.stdout
    assert CANARY not in all_of(result)


def test_no_value_is_written(cli: Cli, tmp_path: Path) -> None:
    state, folder = files(tmp_path), tmp_path / "out"
    result = cli("migrate", "terraform", "--state", state, "--with-ssm", "-o", folder)
    assert_exited(result)
    assert sorted(one.name for one in folder.iterdir()) == ["removed.tf", "secrets.yaml", "steps.md"]
    assert not [one for one in folder.iterdir() if CANARY in one.read_text()]
    assert (result.stdout, CANARY in all_of(result)) == ("", False)
    (secrets,) = yaml.safe_load((folder / "secrets.yaml").read_text())["components"].values()
    assert len(secrets["secretsmanager/migrated"]["vars"]["secrets"]) == 12
    again = cli("migrate", "terraform", "--state", state, "-o", folder)
    assert_exited(again, 1)
    assert "has secrets.yaml, removed.tf, steps.md already" in again.stderr


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = cli("migrate", "terraform", "--state", files(tmp_path), "-o", tmp_path / "file" / "out")
    assert_exited(result, 1)
    assert f"{tmp_path}/file/out cannot be written: Not a directory" in result.stderr
    assert "bug" not in result.stderr


def test_json_is_printed_and_not_written_to_a_folder(cli: Cli, tmp_path: Path) -> None:
    result = cli("migrate", "terraform", "--state", files(tmp_path), "-o", tmp_path / "out", "--format", "json")
    assert_exited(result, 1)
    assert "-o writes YAML, HCL and Markdown" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
def test_a_state_that_is_cut_off_anywhere_is_not_quoted(cli: Cli, tmp_path: Path, kept: float) -> None:
    state = files(tmp_path)
    whole = state.read_text()
    state.write_text(whole[: int(len(whole) * kept)])
    result = cli("migrate", "terraform", "--state", state)
    assert_exited(result, 1)
    assert "the state is not JSON, or cut off (line 1, column" in result.stderr
    assert CANARY not in all_of(result)


def test_values_of_wrong_types_are_not_quoted(cli: Cli, tmp_path: Path) -> None:
    state = files(tmp_path)
    document = json.loads(state.read_text())
    for resource in document["resources"]:
        for one in resource["instances"]:
            one["attributes"] |= {name: [{"x": CANARY}] for name in SENSITIVE & one["attributes"].keys()}
    state.write_text(json.dumps(document))
    result = cli("migrate", "terraform", "--state", state, "--format", "json")
    assert_exited(result)
    assert CANARY not in all_of(result)


def test_standard_input_is_read() -> None:
    text = json.dumps(tf.shown(planted()))
    arguments = ["migrate", "terraform", "--state", "-"]
    result = CliRunner().invoke(app, arguments, input=text, prog_name="secrets-pipeline")
    assert_exited(result)
    assert "read: output of show -json by terraform 1.9.8: 45 resource instances, 12 aws_secre" in result.stderr
    assert CANARY not in all_of(result)


@pytest.mark.parametrize("state", ["missing.json", "."])
def test_a_state_that_cannot_be_opened(cli: Cli, tmp_path: Path, state: str) -> None:
    result = cli("migrate", "terraform", "--state", tmp_path / state)
    assert_exited(result, 1)
    assert "cannot be read: " in result.stderr


def test_nothing_found_is_said(cli: Cli, tmp_path: Path) -> None:
    bucket = {"type": "aws_s3_bucket", "name": "b", "attributes": {}}
    (tmp_path / "state.json").write_text(json.dumps(tf.state_file([bucket])))
    result = cli("migrate", "terraform", "--state", tmp_path / "state.json")
    assert_exited(result)
    assert result.stdout == ""
    assert "read: state file of format 4 by terraform 1.9.8: 1 resource instances\n" in result.stderr
    assert "there is nothing to migrate" in result.stderr


def test_a_stack_takes_its_secrets_and_says_which_it_declares(cli: Cli, tmp_path: Path, repository: Path) -> None:
    (first, second, *_) = tf.estate("shop/dev", count=2)
    first = replace(first, name="shop/dev/api/token")
    (tmp_path / "state.json").write_text(json.dumps(tf.state_file(tf.instances([first, second]))))
    asked = ("migrate", "terraform", "--state", tmp_path / "state.json", "--base-path", repository)
    result = cli(*asked, "-s", "shop-dev", "--component", "secretsmanager/legacy", "--format", "json")
    assert_exited(result)
    shown = json.loads(result.stdout)
    (component,) = shown["components"]
    assert component["component"] == "secretsmanager/legacy"
    assert component["vars"]["secrets"]["secret_01"]["path"] == "team-1"
    (declared,) = shown["declared"]
    assert (declared["component"], declared["key"]) == ("secretsmanager/app", "token")
    assert {"tags", "policy", "kms_key_id"} <= {one["key"].partition(".")[0] for one in declared["differences"]}
    (adopt,) = shown["adopt"]
    assert adopt["apply"] == (
        "secrets-pipeline apply -s shop-dev --adopt shop/dev/api/token --adopt shop/dev/team-1/secret_01"
    )
    text = cli(*asked, "-s", "shop-dev")
    assert "# shop/dev/api/token is declared already: stacks/dev.yaml:" in text.stdout


def test_a_stack_that_is_not_there_is_an_error_and_all_else_is_printed(
    cli: Cli, tmp_path: Path, repository: Path
) -> None:
    asked = ("--state", files(tmp_path), "--base-path", repository, "-s", "shop-devv", "--format", "json")
    result = cli("migrate", "terraform", *asked)
    assert_exited(result, 1)
    assert "shop-devv" in result.stderr
    assert len(json.loads(result.stdout)["secrets"]) == 12


def test_a_stack_without_secrets_yet_names_them_by_its_variables(cli: Cli, tmp_path: Path, repository: Path) -> None:
    manifest = repository / "stacks" / "dev.yaml"
    head, _, _ = manifest.read_text().partition("components:")
    manifest.write_text(f"{head}components: {{terraform: {{vpc: {{vars: {{cidr: 10.0.0.0/16}}}}}}}}\n")
    result = cli("migrate", "terraform", "--state", files(tmp_path), "--base-path", repository, "-s", "shop-dev")
    assert_exited(result)
    assert "# For stack shop-dev." in result.stdout
    assert 'context_name: "shop"' in result.stdout
