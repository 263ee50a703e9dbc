"""Write the reference of the commands from the commands themselves: the tree of which `-h` is printed as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typer.core import TyperGroup
from typer.main import get_command

from docs_build.markdown import anchor, escaped, table
from secrets_pipeline.cli.app import app
from secrets_pipeline.cli.commands import COMMANDS
from secrets_pipeline.cli.examples import EXAMPLES
from secrets_pipeline.cli.overview import EPILOG, OPTIONS, PROGRAM
from secrets_pipeline.cli.root import loaded

SEVERAL: Final = 3
"""An option of so many commands, in the same words, is explained once, at the end."""
_SHARED: Final = "Options of several commands"


@dataclass(frozen=True, slots=True)
class Told:
    """What a command says of itself.

    Attributes:
        called: how it is called, without the program.
        usage: the words that it takes, as `[OPTIONS]`.
        text: what it does; paragraphs.
        arguments: name → text.
        options: names and what they take → text.
        ends: its exit codes.
        commands: those of a group.
    """

    called: str
    usage: str
    text: str
    arguments: Mapping[str, str]
    options: Mapping[str, str]
    ends: str
    commands: tuple[Told, ...] = ()


def page() -> str:
    """Write the page."""
    told = {heading: [_told(name, loaded(name)) for name in rows] for heading, rows in COMMANDS.items()}
    found = [one for some in told.values() for one in some]
    leaves = [leaf for one in found for leaf in (one.commands or (one,))]
    often = Counter(option for leaf in leaves for option in leaf.options.items())
    shared = {option: text for (option, text), number in often.items() if number >= SEVERAL}
    lines = [
        "# Commands",
        "",
        "<!-- `make docs` writes this page from the commands; a test compares them. -->",
        "",
        f"`{PROGRAM} COMMAND -h` prints the same for one command. {escaped(EPILOG)}",
        "",
        "[The command line](../commands.md) says what holds for all of them: how stacks are chosen, at which commit",
        "they are read, what is printed where.",
        "",
        *table(["command", "what it does"], (_row(one) for one in found)),
        *table(["option of the program", "what it does"], _rows(OPTIONS)),
    ]
    for heading, some in told.items():
        lines += [f"## {heading}", ""]
        for one in some:
            lines += _section(one, 3, shared)
    lines += [f"## {_SHARED}", "", *table(["option", "what it does"], _rows(shared))]
    return "\n".join(lines).rstrip() + "\n"


def _told(called: str, command: Any) -> Told:  # noqa: ANN401 - typer's own types are private
    with get_command(app).make_context(PROGRAM, ["list"]) as root:
        context = type(root)(command, info_name=called, parent=None)
        # How help is asked for is said once, of the program.
        records = [
            (one.param_type_name, one.get_help_record(context))
            for one in command.get_params(context)
            if one.name != "help"
        ]
        usage = " ".join(command.collect_usage_pieces(context))
    inner = command.commands if isinstance(command, TyperGroup) else {}
    return Told(
        called,
        usage,
        command.help or "",
        {name: text for kind, record in records if record and kind == "argument" for name, text in (record,)},
        {name: text for kind, record in records if record and kind == "option" for name, text in (record,)},
        command.epilog or "",
        tuple(_told(f"{called} {name}", one) for name, one in inner.items()),
    )


def _section(one: Told, level: int, shared: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{'#' * level} {one.called}", "")
    for paragraph in one.text.split("\n\n"):
        yield from (escaped(" ".join(paragraph.split())), "")
    if one.commands:
        yield from table(["command", "what it does"], (_row(inner) for inner in one.commands))
        for inner in one.commands:
            yield from _section(inner, level + 1, shared)
        return
    yield from ("```text", f"{PROGRAM} {one.called} {one.usage}", "```", "")
    if one.arguments:
        yield from table(["argument", "what it is"], _rows(one.arguments))
    own = {name: text for name, text in one.options.items() if shared.get(name) != text}
    if own:
        yield from table(["option", "what it does"], _rows(own))
    if common := [name for name in one.options if name not in own]:
        names = ", ".join(f"`{name.partition(' ')[0].rstrip(',')}`" for name in common)
        yield from (f"It also takes, [as others do](#{anchor(_SHARED)}): {names}.", "")
    yield from ("```text", *EXAMPLES[one.called], "```", "")
    if one.ends:
        yield from (escaped(one.ends), "")


def _row(one: Told) -> tuple[str, str]:
    first, _, _ = one.text.partition("\n\n")
    return f"[`{one.called}`](#{anchor(one.called)})", escaped(" ".join(first.split()))


def _rows(records: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in records.items():
        called, _, choices = name.partition(" <")
        if "|" in choices:
            # A bar would end the cell, in code, too.
            named = f"`{called}` {', '.join(f'`{one}`' for one in choices.removesuffix('>').split('|'))}"
        else:
            named = f"`{name}`"
        yield named, escaped(" ".join(text.split()))
