"""What is known of commands without importing them is what they say themselves; each has a help that can be read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from secrets_pipeline.cli.app import app
from secrets_pipeline.cli.commands import COMMANDS
from secrets_pipeline.cli.examples import EXAMPLES
from secrets_pipeline.cli.overview import OPTIONS, WIDEST, overview
from secrets_pipeline.cli.root import loaded
from tests.cli.conftest import Cli
from tests.runs import assert_exited

NAMES = [name for rows in COMMANDS.values() for name in rows]


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by how it is called."""
    for name in NAMES:
        command = loaded(name)
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def test_each_command_is_told_by_its_own_words() -> None:
    for rows in COMMANDS.values():
        for name, text in rows.items():
            own = loaded(name)
            assert own.name == name
            assert " ".join(own.help.split()).startswith(text.removesuffix(".")), name


def test_the_options_of_the_root_are_those_that_it_takes(cli: Cli) -> None:
    root = get_command(app)
    with root.make_context("secrets-pipeline", ["list"]) as ctx:
        taken = [one.get_help_record(ctx) for one in root.get_params(ctx)]
    assert dict(one for one in taken if one) == OPTIONS
    assert cli("--help").stdout == overview() == cli("-h").stdout


def test_the_overview_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 80, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = overview().splitlines()
        assert max(map(len, lines)) <= min(columns, WIDEST)
        words = " ".join(" ".join(lines).split())
        assert all(text in words for rows in (*COMMANDS.values(), OPTIONS) for text in rows.values())


def test_every_command_has_help_with_examples(cli: Cli) -> None:
    assert dict(leaves()).keys() == EXAMPLES.keys()
    for called in EXAMPLES:
        result = cli(*called.split(), "-h")
        assert_exited(result)
        assert all(f"  {line}\n" in result.stdout for line in EXAMPLES[called]), called
        assert "<bool>" not in result.stdout
        assert cli(*called.split(), "--help").stdout == result.stdout


@pytest.mark.parametrize("called", ["plan", "list stacks"])
def test_a_command_that_was_asked_by_itself_has_both_names_for_help_afterwards(cli: Cli, called: str) -> None:
    loaded.cache_clear()
    command = dict(leaves())[called]
    command.make_context(called, []).close()
    assert cli(*called.split(), "-h").stdout == cli(*called.split(), "--help").stdout != ""


def test_shared_options_have_a_heading_of_their_own(cli: Cli) -> None:
    own, stacks = cli("plan", "-h").stdout.split("\nStacks:\n")
    assert "--deep " in own
    for option in ("--stack", "--all", "--base-path", "--from-file", "--from-atmos", "--allow-exec", "--strict"):
        assert f" {option} " in stacks
        assert option not in own.partition("Options:")[2]


def test_each_example_is_what_the_command_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for called, command in leaves():
        for line in EXAMPLES[called]:
            words = shlex.split(line.removeprefix('eval "$(').removesuffix(')"').partition(" > ")[0])
            assert words[: 1 + len(called.split())] == ["secrets-pipeline", *called.split()]
            command.make_context(called, words[1 + len(called.split()) :]).close()


def test_a_command_that_is_mistyped_is_offered(cli: Cli) -> None:
    result = cli("pln")
    assert_exited(result, 1)
    assert "Did you mean 'plan'?" in result.stderr
    assert_exited(cli(), 1)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("apply --auto-approve", "No such option: --auto-approve. Write --yes, or -y."),
        ("apply -auto-approve -s x", "No such option: -auto-approve. Write --yes, or -y."),
        ("destroy --auto-approve", "No such option: --auto-approve. Write --yes, or -y."),
        ("plan --auto-approve", "No such option: --auto-approve. `secrets-pipeline apply --yes` does not ask."),
        ("--all plan", "Write it after the command: `secrets-pipeline COMMAND --all …`."),
        ("--offline plan", "Write it after the command: `secrets-pipeline COMMAND --offline …`."),
        ("--yes apply", "Write it after the command: `secrets-pipeline COMMAND --yes …`."),
        ("plan -o x -vv", "No such option: -vv. There are no levels of output"),
        ("-v plan", "--show-all lists each thing"),
        ("plan --verbose", "No such option: --verbose. There are no levels of output"),
        ("verify --debug", "--format json has everything"),
        ("validate", "`secrets-pipeline tree` reads every manifest"),
        ("version", "No such command 'version'. Write `secrets-pipeline --version`."),
        ("list components", "`secrets-pipeline describe stacks --format table`"),
        ("--base-path x plan", "Write it after the command: `secrets-pipeline COMMAND --base-path …`."),
    ],
)
def test_what_users_of_other_tools_type_is_answered_by_what_exists(cli: Cli, words: str, hint: str) -> None:
    result = cli(*words.split())
    assert_exited(result, 1)
    assert hint in result.stderr
    assert "Possible options" not in result.stderr


def test_an_option_and_a_command_that_nobody_knows_get_no_hint(cli: Cli) -> None:
    assert cli("plan", "--nope").stderr.endswith("No such option: --nope (Possible options: --adopt, --prune)\n")
    assert "No such option: --foo (Possible" in cli("plan", "--foo", "-v").stderr
    assert cli("nope").stderr.endswith("No such command 'nope'.\n")
    # Behind a dash pair it is an argument, and before the command only an option of commands stands wrong.
    assert "after the command" not in cli("plan", "--base").stderr
