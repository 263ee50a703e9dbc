"""The root command: it knows what its commands are called, imports the one that is called, and ends every error."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from secrets_pipeline.cli.commands import COMMANDS, module_of
from secrets_pipeline.cli.overview import PROGRAM, overview
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import FAILED, unexpected
from secrets_pipeline.cli.shared.help import Command, Group, HelpedGroup
from secrets_pipeline.errors import Lines, SecretsPipelineError

_USAGE = 2


class Root(HelpedGroup, TyperGroup):
    """The root command: every error becomes text on stderr and exit code 1.

    Exit code 2 means "there are changes", so a mistyped option must not give it, as it does by default.
    """

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own types are private
        told = {name: Deferred(name, short_help=text) for rows in COMMANDS.values() for name, text in rows.items()}
        super().__init__(**{**attributes, "commands": told})

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types are private
        """Write the help that `main` prints without typer."""
        formatter.write(overview(ctx.info_name or PROGRAM))

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Parse the arguments."""
        with _usage_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Run the command."""
        with _usage_errors():
            try:
                return super().invoke(ctx)
            except SecretsPipelineError as error:
                say(Lines.of("error: ", error.diagnostics(), between=""), style="red")
            except KeyboardInterrupt:
                # typer exits with 130, without a word.
                say("interrupted: what was finished stays, and the same command goes on from there", style="yellow")
                raise
            except Exception as error:
                text = unexpected(error)
                if text is None:
                    raise
                say(text, style="red")
        raise typer.Exit(FAILED)


class Deferred(TyperCommand):
    """A command of which the name and a sentence are known; its own parser and help come with its module."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own types are private
        """Have the command itself parse the arguments."""
        command = loaded(str(self.name))
        if not gc.isenabled():
            # `main` has stopped it; what is there by now stays.
            gc.freeze()
            gc.enable()
        return command.make_context(*args, **kwargs)


@cache
def loaded(name: str) -> Any:  # noqa: ANN401 - typer's own types are private
    """Import a command.

    Args:
        name: as it stands in `COMMANDS`.
    """
    module = import_module(module_of(name))
    group = getattr(module, "app", None)
    if group is None:
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name, cls=Command, epilog=module.EPILOG)(getattr(module, name.replace("-", "_")))
        return get_command(alone)
    group.rich_markup_mode, group.info.cls = None, Group
    for command in group.registered_commands:
        command.cls = Command
    made = get_group(group)
    made.name = name
    return made


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, typer.Exit) and getattr(error, "exit_code", None) == _USAGE:
            error.exit_code = FAILED  # type: ignore[attr-defined] # typer's UsageError, whose class is private
        raise
