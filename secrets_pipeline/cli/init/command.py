"""`init`: print operator's settings to start from, with the grants that the stacks ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import typer
import yaml

from secrets_pipeline.cli.init.example import Asked, example_lines
from secrets_pipeline.cli.shared.completion import complete_stacks
from secrets_pipeline.cli.shared.console import emit, say
from secrets_pipeline.cli.shared.options import StackOptions, reads_stacks
from secrets_pipeline.cli.shared.repository import tell_nothing_found, tell_notices
from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import NotGrantedError
from secrets_pipeline.operations.example import example as make_example
from secrets_pipeline.operations.example import home, manifests
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository

EPILOG = "Exit codes: 0 printed, 1 error. No settings are read: the file that --config names may not exist yet."
_PRESET: Final = GrantRule(preset="single-team")
_HEAD: Final = """\
# The operator's settings: export SECRETS_PIPELINE_CONFIG=FILE. Stack YAML cannot change them.

# Which account a stack may write to, and which manifests may be part of it. These are today's: remove any that you do
# not expect. The first rule that matches decides. Without `manifests`, any manifest can make itself part of a stack and
# use its values."""
_REPOSITORY: Final = """
# What marks name beside the stack, so that another repository with a stack of the same name is told apart."""
_GRANTS: Final = """
# What the YAML of stacks may touch and pull in beyond its own. This is for one team that owns all of its account;
# without it, a stack may touch its own secrets, keys and outputs, and each error says the line that grants more."""
_UNNAMED: Final = '  # add account_id: "…", 12 digits: until then nothing is written'
_MORE: Final = """\
  # The stacks ask for these, which no preset grants; keep the lines you want:"""
_ENVIRONMENT: Final = """
# Environment variables that YAML may read; the value of a name alone is secret, and stands in secrets' values only."""


@reads_stacks
def init(
    source: StackOptions,
    *,
    example: Annotated[
        str | None,
        typer.Option(
            "--example",
            metavar="STACK",
            help="Print a first secret for this stack instead: a component, its file, its import, and settings.",
            show_default=False,
            autocompletion=complete_stacks,
        ),
    ] = None,
) -> None:
    """Print operator's settings for a repository, or a first secret for one of its stacks. Changes nothing."""
    if example is not None:
        emit("\n".join(_example(source, example)))
        return
    lines = list(dict.fromkeys(error.line for error in _refused(_read(source, _PRESET))))
    granting = [GrantRule.model_validate(rule) for line in lines for rule in yaml.safe_load(line)]
    desired = _read(source, _PRESET, *granting)
    tell_notices(desired.notices)
    tell_nothing_found(desired, source)
    if desired.errors:
        left = ", ".join(sorted(filter(None, desired.errors))) or "some manifests"
        say(f"note: without a rule for {left}: `secrets-pipeline tree` says what is wrong", style="yellow")
    emit("\n".join(_settings(desired, lines)))


def _example(source: StackOptions, stack: str) -> Iterator[str]:
    desired = _read(source)
    made, errors = make_example(desired, stack), desired.errors.get(stack, ())
    lines = [error.line for error in errors if isinstance(error, NotGrantedError)]
    if len(lines) < len(errors):
        say(f"note: stack {stack} has errors, so plan stops: `secrets-pipeline tree` says each", style="yellow")
    shown = desired.shown.get(stack)
    spec = shown.declared if shown else desired.specs.get(stack)
    variables = sorted(set(_variables([spec]))) if spec else []
    asked = Asked(desired.repository, list(dict.fromkeys(lines)), variables)
    return example_lines(made, asked, source.arguments, source.given.get("--config", ""))


def _read(source: StackOptions, *grants: GrantRule) -> OpenRepository:
    settings = OperatorSettings(grants=grants)
    return open_repository(source.base_path, origin=source.origin, allow_exec=source.allow_exec, settings=settings)


def _refused(desired: OpenRepository) -> list[NotGrantedError]:
    return [error for errors in desired.errors.values() for error in errors if isinstance(error, NotGrantedError)]


def _settings(desired: OpenRepository, lines: list[str]) -> Iterator[str]:
    yield _HEAD
    accounts = _accounts(desired)
    yield "targets:" if accounts else "targets: []"
    for stack, account in sorted(accounts.items()):
        named = f", account_id: {json.dumps(account)}" if account else ""
        made_of = manifests(desired, desired.source.stack(stack))
        listed = f", manifests: {json.dumps(made_of)}" if made_of else ""
        yield f"  - {{stacks: {json.dumps(stack)}{named}{listed}}}{'' if named else _UNNAMED}"
    yield _REPOSITORY
    yield f"repository: {desired.repository}" if desired.repository else "# repository: github.com/you/this-repository"
    yield _GRANTS
    yield "grants:"
    yield "  - preset: single-team"
    if lines:
        yield _MORE
        yield from (f"  # {line}" for line in lines)
    if asked := sorted(set(_variables(desired.specs.values()))):
        yield _ENVIRONMENT
        yield f"environment_allowed: [{', '.join(asked)}]"


def _accounts(desired: OpenRepository) -> dict[str, str]:
    """The account of each stack that declares something, as far as YAML names it; of every stack if none does."""
    if desired.specs:
        return {stack: spec.target.account_id or "" for stack, spec in desired.specs.items()}
    stacks = desired.source.resolve(keep_failing=True, keep_unsettled=True).stacks
    return {name: home(stack).account_id for name, stack in stacks.items() if name not in desired.errors}


def _variables(specs: Iterable[StackSpec]) -> Iterator[str]:
    return (one.variable for spec in specs for secret in spec.secrets for one in secret.unresolved if one.variable)
