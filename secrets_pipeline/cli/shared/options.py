"""Define the options that several commands share, and how they become `StackOptions`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from secrets_pipeline.cli.shared.completion import complete_stacks
from secrets_pipeline.cli.shared.help import STACKS
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE
from secrets_pipeline.stacks import SourceChoice

Command: TypeAlias = Callable[..., None]
BASE_PATH_VARIABLE = "ATMOS_BASE_PATH"
_BASE_VARIABLES = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA")
"""What a pull request of GitHub, and a merge request of GitLab, says that it is compared with.

Sources: https://docs.github.com/en/actions/reference/workflows-and-actions/variables,
https://docs.gitlab.com/ci/variables/predefined_variables/
"""
_BASE = "origin/HEAD"

BasePath: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--base-path",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The Atmos repository; by default ATMOS_BASE_PATH, else the current folder.",
        show_default=False,
        rich_help_panel=STACKS,
    ),
]
ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        dir_okay=False,
        help="The operator's settings, relative to the current folder; by default what SECRETS_PIPELINE_CONFIG names. "
        "`secrets-pipeline config` shows what is in force.",
        show_default=False,
        rich_help_panel=STACKS,
    ),
]


def _refuse_blank(given: str | list[str] | None) -> str | list[str] | None:
    """Refuse a --stack that names none, as a variable that is not set gives it: nothing would be done, and said."""
    for one in [given] if isinstance(given, str) else given or []:
        if not one.strip(" ,"):
            raise typer.BadParameter("it names no stack", param_hint="--stack")
    return given


OneStack: TypeAlias = Annotated[
    str,
    typer.Option(
        "--stack",
        "-s",
        metavar="STACK",
        help="The stack, or a glob that means one.",
        callback=_refuse_blank,
        rich_help_panel=STACKS,
        autocompletion=complete_stacks,
    ),
]
SomeStacks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="STACK,…",
        help="Only these stacks: names and globs ('eg-*'), with commas between them; may be repeated.",
        show_default=False,
        callback=_refuse_blank,
        rich_help_panel=STACKS,
        autocompletion=complete_stacks,
    ),
]
AllStacks: TypeAlias = Annotated[
    bool, typer.Option("--all", help="Every stack of the repository.", rich_help_panel=STACKS)
]
AffectedOnly: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--affected",
        help="Only stacks that differ from those of another commit: what a pull request touches.",
        rich_help_panel=STACKS,
    ),
]
BaseRef: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF",
        help="With --affected, what to compare with: the merge base with this commit, branch or tag. By default "
        "GITHUB_BASE_REF or CI_MERGE_REQUEST_DIFF_BASE_SHA of CI, else origin/HEAD.",
        show_default=False,
        rich_help_panel=STACKS,
    ),
]
AllowExec: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--allow-exec", help="Let `!exec` run commands, those of every manifest that is read.", rich_help_panel=STACKS
    ),
]
FromFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from-file",
        metavar="FILE",
        help="Read the stacks from what `atmos describe stacks` printed, JSON or YAML; - is standard input. "
        "By default SECRETS_PIPELINE_FROM_FILE.",
        show_default=False,
        rich_help_panel=STACKS,
    ),
]
FromAtmos: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--from-atmos",
        help="Let the `atmos` command resolve the stacks: ATMOS_BINARY, else on PATH. "
        "By default SECRETS_PIPELINE_FROM_ATMOS=1.",
        rich_help_panel=STACKS,
    ),
]
AdoptNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--adopt",
        metavar="NAME",
        help="Take over the secret, database or key alias of that name, or glob, that exists without our tags, or "
        "that is marked by a stack which declares it no longer. A glob does not match what another repository marked: "
        "write its whole name. Write function:NAME for a rotation function with its role and log group. May be "
        "repeated.",
        show_default=False,
    ),
]
TargetNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="Only the secret, key, database, role or consumer of that name, or glob, and what it needs: the rest is "
        "left out, and said; may be repeated.",
        show_default=False,
    ),
]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strict", help="Any error in any stack stops everything; else the other stacks go on.", rich_help_panel=STACKS
    ),
]


class TableFormat(StrEnum):
    """A table for humans, or JSON alone on stdout."""

    TABLE = "table"
    JSON = "json"


ShowAll: TypeAlias = Annotated[
    bool,
    typer.Option("--show-all", help="List each resource, not only three of many of which the same is said."),
]
TableOrJson: TypeAlias = Annotated[
    TableFormat, typer.Option("--format", help="`json` prints JSON alone on stdout; logs go to stderr.")
]


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How a command reads stacks, and which.

    Attributes:
        base_path: the Atmos repository, absolute.
        origin: where its stacks come from.
        allow_exec: whether `!exec` runs commands.
        strict: whether an error in any stack stops all.
        given: values of --base-path, --config, --from-file and --from-atmos, if given and not left to the environment.
        names: what --stack says, each once, as names and globs with commas between them; None for all stacks.
        base: what --affected compares with; empty where stacks count, affected or not.
    """

    base_path: Path
    origin: SourceChoice
    allow_exec: bool
    strict: bool
    given: Mapping[str, str] = field(default_factory=dict)
    names: list[str] | None = None
    base: str = ""

    @property
    def arguments(self) -> list[str]:
        """Return the options that another command needs to read the same stacks; --config is left to the caller."""
        kept = [(name, value) for name, value in self.given.items() if name != "--config"]
        return [text for pair in kept for text in pair if text]


def reads_stacks(command: Command) -> Command:
    """Give a command the options of every reader of stacks; its first parameter receives them."""
    return _reader(command, dict)


def chooses_stacks(*, all_by_default: bool, instead: str = "") -> Callable[[Command], Command]:
    """Do as `reads_stacks`, with --stack, --all and --affected in front: `StackOptions.names` and `base`.

    Args:
        all_by_default: whether none of the three means all stacks, or is refused.
        instead: parameter of the command that, where it is given, says which stacks: then none is needed.
    """

    def choose(
        *, stacks: SomeStacks = None, every: AllStacks = False, affected: AffectedOnly = False, base: BaseRef = None
    ) -> dict[str, Any]:
        if bool(stacks) == (every or ((all_by_default or affected) and not stacks)):
            raise typer.BadParameter(
                "name stacks with --stack, or all of them with --all", param_hint="--stack / --all"
            )
        return {
            "names": list(dict.fromkeys(stacks)) if stacks else None,
            "base": compared_with(base, affected=affected),
        }

    return lambda command: _reader(command, choose, instead)


def compared_with(base: str | None, *, affected: bool) -> str:
    """Return what --affected compares with, by --base, else by CI's variables, else the remote's default branch.

    Returns:
        Empty where --affected is not given.

    Raises:
        typer.BadParameter: if --base is given without it.
    """
    if not affected:
        if base is not None:
            raise typer.BadParameter("it says what --affected compares with", param_hint="--base")
        return ""
    return base or next(filter(None, map(os.environ.get, _BASE_VARIABLES)), _BASE)


def _reader(command: Command, choose: Callable[..., dict[str, Any]], instead: str = "") -> Command:
    shared = inspect.signature(_stack_options, eval_str=True).parameters
    choice = {} if choose is dict else inspect.signature(choose, eval_str=True).parameters
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]

    def run(**options: Any) -> None:  # noqa: ANN401 - typer passes what the parameters of the command say
        read = _stack_options(**{name: options.pop(name) for name in shared})
        chosen = {name: options.pop(name) for name in choice}
        elsewhere = bool(instead) and options[instead] is not None and not any(chosen.values())
        read = replace(read, **({} if elsewhere else choose(**chosen)))
        command(read, **options)

    # Typer reads the parameters off the signature.
    parameters = [*choice.values(), *own, *shared.values()]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined] # what `inspect` looks for
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    return run


def _stack_options(
    *,
    base_path: BasePath = None,
    config: ConfigFile = None,
    from_file: FromFile = None,
    from_atmos: FromAtmos = False,
    allow_exec: AllowExec = False,
    strict: Strict = False,
) -> StackOptions:
    origin = SourceChoice.chosen(from_file, atmos=from_atmos, env=os.environ)
    named = {"--base-path": base_path, "--config": config, "--from-file": from_file}
    given = {name: str(value) for name, value in named.items() if value is not None}
    given |= {"--from-atmos": ""} if from_atmos else {}
    use_settings(config)
    return StackOptions(repository(base_path), origin, allow_exec, strict, given)


def use_settings(config: Path | None) -> None:
    """Let this process, and those that it starts, read the operator's settings from a file that was named."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())


def repository(base_path: Path | None) -> Path:
    """Return the folder of the Atmos repository, absolute.

    A folder that was named wins over ATMOS_BASE_PATH, which Atmos would otherwise read again as `base_path`.
    """
    if base_path is not None:
        os.environ.pop(BASE_PATH_VARIABLE, None)
        return base_path.absolute()
    return Path(os.environ.get(BASE_PATH_VARIABLE) or ".").absolute()
