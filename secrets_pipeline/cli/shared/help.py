"""Write the help of a command: its own options first, then those that it shares with others, then examples."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand

STACKS: Final = "Stacks"
"""Heading of the options that say which stacks are worked on, and how they are read."""
_OWN: Final = "Options"


def with_examples(epilog: str, *lines: str) -> str:
    """Put examples before an epilog.

    Args:
        epilog: of a command's help, for example its exit codes.
        lines: each a command, `# ` before what it is for.
    """
    # A paragraph that begins with \b is not folded.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines), "", epilog])


class Command(TyperCommand):
    """A command whose options are listed by their `rich_help_panel`, in plain text."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own types are private
        """Write arguments, then options by heading."""
        by_heading: dict[str, list[tuple[str, str]]] = {"Arguments": [], _OWN: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                own = "Arguments" if parameter.param_type_name == "argument" else _OWN
                heading = getattr(parameter, "rich_help_panel", None) or own
                by_heading.setdefault(heading, []).append(record)
        for heading, rows in by_heading.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
