"""Write the help of a command: its own options first, then those that it shares with others, then examples."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from secrets_pipeline.cli.examples import EXAMPLES
from secrets_pipeline.cli.overview import VARIABLES
from secrets_pipeline.cli.shared.hints import add_command_hint, add_option_hint

STACKS: Final = "Stacks"
"""Heading of the options that say which stacks are worked on, and how they are read."""
_ARGUMENTS: Final = "Arguments"
_OWN: Final = "Options"
_WHOLE: Final = 1000
"""Characters of a sentence: none is cut."""


class Helped:
    """A command with both names of the option for help, whichever command it was reached through, and with hints."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own types are private
        """Parse the arguments; the error of an unknown option says what exists instead."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc] # of the command beside it
        except Exception as error:
            known = [name for parameter in ctx.command.get_params(ctx) for name in parameter.opts]
            add_option_hint(error, words, known, in_command=ctx.parent is not None)
            raise

    def get_help_option_names(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own types are private
        """Return the names: typer keeps those of the context that asked first."""
        del ctx
        return ["-h", "--help"]


class HelpedGroup(Helped):
    """A group whose error of an unknown command says what exists instead."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own types are private
        """Find the command that the first argument names."""
        try:
            return super().resolve_command(ctx, args)  # type: ignore[misc] # of the group beside it
        except Exception as error:
            add_command_hint(error, args[0])
            raise


class Command(Helped, TyperCommand):
    """A command whose options are listed by their `rich_help_panel`, in plain text."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types are private
        """Write arguments, then options by heading."""
        by_heading: dict[str, list[tuple[str, str]]] = {_ARGUMENTS: [], _OWN: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                own = _ARGUMENTS if parameter.param_type_name == "argument" else _OWN
                heading = getattr(parameter, "rich_help_panel", None) or own
                by_heading.setdefault(heading, []).append(record)
        for heading, rows in by_heading.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types are private
        """Write examples, as they stand, then the epilog."""
        _, _, called = ctx.command_path.partition(" ")
        if examples := EXAMPLES.get(called):
            formatter.write("\nExamples:\n")
            formatter.write("".join(f"  {line}\n" for line in examples))
        super().format_epilog(ctx, formatter)
        if any(parameter.name == "base_path" for parameter in self.get_params(ctx)):
            with formatter.indentation():
                formatter.write_paragraph()
                formatter.write_text(VARIABLES)


class Group(HelpedGroup, TyperGroup):
    """A group whose commands are listed with the whole of their first sentence, in plain text."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types are private
        """Write the commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(_WHOLE)) for name, one in commands if one is not None])
