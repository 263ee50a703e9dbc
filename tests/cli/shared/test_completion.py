"""What shells are offered: names of stacks and secrets, and no word where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from secrets_pipeline.cli.app import app


def completed(shell: str, line: str) -> list[str]:
    """What a shell's function gets, which sets these variables."""
    words = line.split(" ")
    variables = {
        "_SECRETS_PIPELINE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    result = CliRunner().invoke(app, env=variables, prog_name="secrets-pipeline")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout.split("\n")[:-1]


def test_names_of_stacks_also_behind_a_comma(half_broken: Path) -> None:
    asked = f"secrets-pipeline plan --base-path {half_broken}"
    assert completed("bash", f"{asked} -s ") == ["shop-broken", "shop-dev"]
    assert completed("bash", f"{asked} --stack shop-d") == ["shop-dev"]
    assert completed("bash", f"{asked} -s shop-broken,shop-") == ["shop-broken,shop-broken", "shop-broken,shop-dev"]
    assert completed("fish", f"{asked} -s shop-d") == ["shop-dev"]
    assert '"shop-dev"' in completed("zsh", f"{asked} -s shop-d")[0]


def test_names_of_secrets(half_broken: Path) -> None:
    asked = f"--base-path {half_broken}"
    assert completed("bash", f"secrets-pipeline rotate {asked} ") == ["shop/dev/api/config", "shop/dev/api/token"]
    assert completed("bash", f"secrets-pipeline access explain {asked} --secret shop/dev/api/t") == [
        "shop/dev/api/token"
    ]


def test_commands_and_options() -> None:
    assert completed("bash", "secrets-pipeline do") == ["doctor"]
    assert completed("bash", "secrets-pipeline access ma") == ["matrix"]
    assert completed("bash", "secrets-pipeline plan --off") == ["--offline"]


@pytest.mark.parametrize("asked", ["plan -s ", "rotate x"])
def test_where_nothing_can_be_read_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("bash", f"secrets-pipeline {asked}") == [""]
    (tmp_path / "atmos.yaml").write_text("stacks: [no, map]\n\t")
    assert completed("bash", f"secrets-pipeline {asked}") == [""]


@pytest.mark.parametrize("source", ["--from-atmos", "--from-file -"])
def test_no_program_is_run_and_no_input_is_read(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    monkeypatch.setenv("ATMOS_BINARY", str(program))
    assert completed("bash", f"secrets-pipeline plan --base-path {repository} {source} -s ") == ["shop-dev"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    result = CliRunner().invoke(
        app, env={"_SECRETS_PIPELINE_COMPLETE": f"source_{shell}"}, prog_name="secrets-pipeline"
    )
    assert result.exit_code == 0
    assert "_SECRETS_PIPELINE_COMPLETE=complete_" in result.stdout
