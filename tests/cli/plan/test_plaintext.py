"""What of the YAML looks like a secret is a warning of `plan` in each format, of `tree` and of `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws, calls
from tests.cli.conftest import CANARY, Cli
from tests.runs import assert_exited

TOKEN = "gh" + "p_" + "Zx81" * 9
PLACE = "stacks/dev.yaml:{}, stack shop-dev, component secretsmanager/app, key vars.secrets.{}: plaintext: "
PASSWORD = PLACE.format(20, "config.secret_data.password") + "a literal stands under the name password. Write "
NOTE = PLACE.format(21, "config.secret_data.note") + "this looks like a token of GitHub. Have it revoked"


@pytest.fixture
def written_out(repository: Path) -> Path:
    """A repository whose stack writes a password and a token out."""
    write_out(repository, "password", "note")
    return repository


def write_out(repository: Path, *names: str) -> None:
    """Write values under these names, in place of what is there."""
    manifest = repository / "stacks" / "dev.yaml"
    before, pin, _ = manifest.read_text().partition(f"pin: {CANARY}")
    indent = before.rpartition("\n")[2]
    lines = [f"{name}: {TOKEN if name == 'note' else CANARY}" for name in names]
    manifest.write_text(before + f"\n{indent}".join(lines) + "\n" if pin else "")


def told(text: str) -> None:
    """Nothing of the values is in what was printed."""
    assert CANARY not in text
    assert TOKEN not in text
    assert "Zx81" not in text


@pytest.mark.parametrize("command", [("plan",), ("plan", "--offline"), ("tree",)])
def test_it_is_a_warning_and_changes_no_exit_code(
    cli: Cli, written_out: Path, aws: LocalAws, command: tuple[str, ...]
) -> None:
    result = cli(*command, "--base-path", written_out)
    assert_exited(result)
    assert f"warning: {PASSWORD}" in result.stderr
    assert f"warning: {NOTE}" in result.stderr
    told(result.output)
    if command != ("plan",):
        assert not calls(aws)


@pytest.mark.parametrize("more", [(), ("--offline",)])
def test_it_is_in_json_and_in_markdown(cli: Cli, written_out: Path, aws: LocalAws, more: tuple[str, ...]) -> None:
    assert aws
    result = cli("plan", *more, "--format", "json", "--base-path", written_out)
    assert_exited(result)
    found = json.loads(result.stdout)["stacks"]["shop-dev"]["plaintext"]
    assert [one["key"].rpartition(".")[2] for one in found] == ["password", "note"]
    assert all(one["where"].startswith("stacks/dev.yaml:2") and one["remedy"] for one in found)
    told(result.output)
    result = cli("plan", *more, "--format", "markdown", "--base-path", written_out)
    assert_exited(result)
    assert "**⚠️ Plaintext in the YAML**\n\n| place | plaintext | write instead |" in result.stdout
    assert "this looks like a token of GitHub" in result.stdout
    told(result.output)


def test_the_doctor_advises_against_it(cli: Cli, written_out: Path, aws: LocalAws) -> None:
    assert aws
    result = cli("doctor", "--format", "json", "--base-path", written_out)
    answers = [row for row in json.loads(result.stdout)["answers"] if row["question"] == "plaintext"]
    assert [row["verdict"] for row in answers] == ["advised", "advised"]
    assert answers[1]["about"] == "secretsmanager/app vars.secrets.config.secret_data.note"
    assert "value: external" in answers[1]["remedy"]
    told(result.output)


def test_of_many_the_first_ten_are_said(cli: Cli, repository: Path) -> None:
    write_out(repository, *(f"password_{number}" for number in range(1, 13)))
    result = cli("tree", "--base-path", repository)
    assert_exited(result)
    assert result.stderr.count("warning: stacks/dev.yaml") == 10
    assert "warning: and 2 more such literals; `plan --format json` has all" in result.stderr
