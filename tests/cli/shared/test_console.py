"""Tables, messages and results: no name of a YAML file speaks to the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secrets_pipeline.cli.shared.console import emit_json, messages, say, show, title
from secrets_pipeline.cli.shared.markdown import block, text
from secrets_pipeline.cli.shared.tables import table
from tests.cli.conftest import Cli
from tests.test_errors import odd, speaks

fixture_is_kept = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@fixture_is_kept
@given(odd)
def test_what_is_said_and_shown_holds_no_control_characters(capsys: pytest.CaptureFixture[str], name: str) -> None:
    say(f"error: {name}")
    title(name)
    show(table(("name", "component"), [(name, "b")]))
    messages().print(f"{name}: done", soft_wrap=True)
    shown = capsys.readouterr()
    assert not speaks(shown.out)
    assert not speaks(shown.err)


@fixture_is_kept
@given(st.dictionaries(odd | st.text(), odd | st.text(), max_size=3))
def test_json_holds_none_either_and_means_the_same(
    capsys: pytest.CaptureFixture[str], document: dict[str, str]
) -> None:
    emit_json(document)
    out = capsys.readouterr().out
    assert not speaks(out)
    # Two halves of a surrogate pair, each a character of a text in Python, are one character in JSON.
    assert json.loads(out) == json.loads(json.dumps(document))


@given(odd)
def test_markdown_holds_none_either(name: str) -> None:
    assert not speaks(text(name), kept="")
    assert not speaks(block(name))


ODD = "a\x1b[31m\u202e\u200b\x9b2J"
MANIFEST = {
    "components": {
        "terraform": {
            f"secretsmanager/{ODD}": {
                "vars": {"context_name": "c", "note": ODD, "secrets": {ODD: {"secret_data": f"${{{{output.{ODD}}}}}"}}}
            }
        }
    }
}


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "--offline"],
        ["plan", "--offline", "--format", "json"],
        ["plan", "--offline", "--format", "markdown"],
        ["tree"],
        ["describe", "stacks"],
        ["describe", "stacks", "--format", "json"],
        ["describe", "stacks", "--format", "table"],
    ],
)
def test_no_command_passes_them_on(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text('base_path: "."\nstacks: {base_path: stacks, included_paths: ["*"]}\n')
    (tmp_path / "stacks" / "dev.yaml").write_text(yaml.safe_dump(MANIFEST))
    result = cli(*command, "--base-path", tmp_path)
    assert "31m" in result.stdout + result.stderr
    assert not speaks(result.stdout)
    assert not speaks(result.stderr)
    if command == ["describe", "stacks"]:
        assert yaml.safe_load(result.stdout)["dev"]["components"]["terraform"][f"secretsmanager/{ODD}"]
