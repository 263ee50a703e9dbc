"""Say what exists instead of an option or a command that users of Terraform, Atmos and others expect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

_MORE_OUTPUT: Final = (
    "There are no levels of output: --show-all lists each thing, --format json has everything, and an error is always "
    "whole."
)
_YES: Final = "--yes"
_UNASKED: Final = "`secrets-pipeline apply --yes` does not ask."
_OPTIONS: Final[Mapping[str, str]] = {
    "--auto-approve": _UNASKED,
    "-auto-approve": _UNASKED,
    "-v": _MORE_OUTPUT,
    "-vv": _MORE_OUTPUT,
    "--verbose": _MORE_OUTPUT,
    "--debug": _MORE_OUTPUT,
}
_AFTER: Final = "Write it after the command: `secrets-pipeline COMMAND {} …`."
_OF_COMMANDS: Final = ("--base-path", "--config", "--stack", "-s", "--format", "--all", "--offline", _YES)
"""Options that stand behind the command."""
_COMMANDS: Final[Mapping[str, str]] = {
    "validate": "`secrets-pipeline tree` reads every manifest and says each error; `plan --offline` also shows what is "
    "declared. Neither calls AWS.",
    "version": "Write `secrets-pipeline --version`.",
    "components": "`secrets-pipeline describe stacks --format table` lists stacks and their components.",
}


def add_option_hint(error: Any, words: Iterable[str], known: Collection[str], *, in_command: bool) -> None:  # noqa: ANN401 - typer's own types are private
    """Add to the error of an unknown option what exists instead; leave any other error as it is.

    Args:
        error: that typer raised.
        words: the arguments, as they were typed.
        known: the options of the command.
        in_command: whether they stand behind a command.
    """
    if getattr(error, "option_name", None) is None:
        return
    name = _as_typed(error.option_name, words)
    hint = _OPTIONS.get(name, "")
    if hint == _UNASKED and _YES in known:
        hint = "Write --yes, or -y."
    if not hint and not in_command and name in _OF_COMMANDS:
        hint = _AFTER.format(name)
    if hint:
        error.message, error.possibilities = f"No such option: {name}. {hint}", None


def _as_typed(name: str, words: Iterable[str]) -> str:
    """Return the word that an error is about: of `-auto-approve` the parser names `-a` alone."""
    if name.startswith("--"):
        return name
    typed = (word.partition("=")[0] for word in words)
    return next((word for word in typed if word in _OPTIONS and word.startswith(name)), name)


def add_command_hint(error: Any, word: str) -> None:  # noqa: ANN401 - typer's own types are private
    """Say in the error of an unknown command what exists instead, if that is known.

    Args:
        error: that typer raised.
        word: the command, as it was typed.
    """
    if hint := _COMMANDS.get(word):
        error.message = f"No such command {word!r}. {hint}"
