"""`config`: print what is in force and from where, without a call to AWS and without a secret."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.cli.shared.console import emit, emit_json, show
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import BASE_PATH_VARIABLE, StackOptions, TableFormat, TableOrJson, reads_stacks
from secrets_pipeline.cli.shared.repository import tell_notices
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.operations.in_force import (
    DEFAULT,
    InForce,
    atmos_in_force,
    settings_in_force,
    variables_in_force,
)
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, config_environment, operator_settings
from secrets_pipeline.stacks import SourceChoice, read_text
from secrets_pipeline.stacks.config.config import load_config
from secrets_pipeline.stacks.sources.source import FROM_ATMOS_VARIABLE, FROM_FILE_VARIABLE

EPILOG = "Exit codes: 0 printed, 1 the operator's settings or atmos.yaml cannot be read (the rest is printed)."
_COLUMNS = ("about", "name", "value", "source")


@reads_stacks
def config(
    source: StackOptions,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Also list the settings that have their defaults, as `--format json` does.")
    ] = False,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Show which settings are set and where, and the base path, atmos.yaml and variables in force. Calls nobody."""
    failures = Failures()
    settings, said = OperatorSettings(), list[InForce]()
    with failures.of(""):
        settings = operator_settings()
        file = Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None
        said += settings_in_force(settings, read_text(file) if file else "", file.name if file else "")
    rows = [_settings_file(source), *said, _repository(source)]
    if source.origin != SourceChoice():
        rows.append(_origin(source))
    with failures.of(""):
        readable = {name: os.environ.get(name) for name in settings.environment_plain}
        found = load_config(source.base_path, config_environment(source.base_path), readable)
        rows += atmos_in_force(found)
        tell_notices(found.notices)
    rows += variables_in_force(os.environ)
    if output is TableFormat.JSON:
        emit_json({"in_force": [row.plain() for row in rows], "errors": failures.texts})
    else:
        if said:
            emit(_summary(said, "" if every else "; --all lists them"))
        left_out = () if every else [row for row in said if row.source == DEFAULT]
        show(in_force_table(row for row in rows if row not in left_out))
    failures.exit()


def _summary(settings: Sequence[InForce], how_to_see_the_others: str) -> str:
    given = {_whole(one): one.source.rpartition(":")[0] for one in settings if one.source != DEFAULT}
    if not given:
        return f"No setting of the operator is set. All have their defaults{how_to_see_the_others}."
    listed = f"Set in {next(iter(given.values()))}: {', '.join(given)}."
    return f"{listed} All other settings have their defaults{how_to_see_the_others}."


def _whole(one: InForce) -> str:
    # targets[0] is an entry of targets.
    return one.name.partition("[")[0]


def in_force_table(rows: Iterable[InForce]) -> Table:
    """Build the table of what is in force."""
    return table(_COLUMNS, ((row.about, row.name, _text(row.value), row.source) for row in rows))


def _settings_file(source: StackOptions) -> InForce:
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        return InForce("operator's settings", "file", None, f"neither --config nor {CONFIG_VARIABLE}")
    by = "--config" if "--config" in source.given else CONFIG_VARIABLE
    relative = "" if Path(named).is_absolute() else f", {named} from the current folder"
    return InForce("operator's settings", "file", str(Path(named).absolute()), f"{by}{relative}")


def _repository(source: StackOptions) -> InForce:
    if "--base-path" in source.given:
        by = "--base-path"
    else:
        by = BASE_PATH_VARIABLE if os.environ.get(BASE_PATH_VARIABLE) else f"{DEFAULT}: the current folder"
    return InForce("Atmos", "repository", str(source.base_path), by)


def _origin(source: StackOptions) -> InForce:
    atmos = source.origin.atmos
    option, variable = ("--from-atmos", FROM_ATMOS_VARIABLE) if atmos else ("--from-file", FROM_FILE_VARIABLE)
    value = "the command atmos" if atmos else source.origin.file
    return InForce("Atmos", "stacks come from", value, option if option in source.given else variable)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
