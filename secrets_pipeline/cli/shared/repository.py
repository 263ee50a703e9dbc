"""Read the desired state that a command works on: which stacks, and what is wrong with the others."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import StackOptions
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.operations.repository_id import NAMELESS
from secrets_pipeline.stacks import SourceChoice, StackSource


def read(
    base_path: Path,
    *,
    origin: SourceChoice | None = None,
    allow_exec: bool = False,
    names: Collection[str] | None = None,
) -> OpenRepository:
    """Read the desired state of a repository; what a user should know about it is said.

    Args:
        base_path: the repository.
        origin: where its stacks come from; what the environment says if not given.
        allow_exec: whether `!exec` runs commands.
        names: stacks that were asked for, None for all: what concerns others alone is not said.

    Raises:
        SecretsPipelineError: if there is no repository, or the operator's settings cannot be read.
    """
    asked = SourceChoice.chosen(None, atmos=False, env=os.environ) if origin is None else origin
    desired = open_repository(base_path, origin=asked, allow_exec=allow_exec)
    tell_notices(desired.notices_for(names))
    return desired


def read_asked(options: StackOptions, names: Collection[str] | None = None) -> OpenRepository:
    """Read the desired state that the options of a command ask for; see `read`."""
    return read(options.base_path, origin=options.origin, allow_exec=options.allow_exec, names=names)


def open_stacks(options: StackOptions, names: list[str] | None) -> tuple[Failures, OpenRepository, list[str]]:
    """Return what went wrong, the desired state that the options ask for, and the stacks to work on; see `usable`."""
    failures, desired = Failures(), read_asked(options, names)
    return failures, desired, usable(desired, names, failures, strict=options.strict)


def tell_notices(notices: tuple[str, ...]) -> None:
    """Say what a user should know about how stacks are read."""
    for notice in notices:
        say(f"note: {notice}", style="dim")


def tell_nameless(desired: OpenRepository) -> None:
    """Say that nothing tells the repository from another one with stacks of the same names, if that is so."""
    if not desired.repository:
        tell_notices((NAMELESS,))


def usable(desired: OpenRepository, names: list[str] | None, failures: Failures, *, strict: bool = False) -> list[str]:
    """Return the stacks that can be worked on, in order; the errors of the others are said.

    Args:
        desired: of the repository.
        names: stacks that were asked for, None for all.
        failures: receives the errors.
        strict: whether errors of any stack, asked for or not, leave none to work on.
    """
    stopped = strict and bool(desired.errors)
    for name, errors in desired.errors.items():
        # An error that belongs to no stack may be one of any.
        if stopped or names is None or name in names or not name:
            for error in errors:
                failures.add(name, error)
    if stopped:
        return []
    if names is None:
        return sorted(name for name in desired.specs if name not in desired.errors)
    for name in names:
        if name not in desired.specs and name not in desired.errors:
            note_missing(desired.source, name, failures, unreadable="" in desired.errors)
    return [name for name in names if name in desired.specs and name not in desired.errors]


def note_missing(source: StackSource, name: str, failures: Failures, *, unreadable: bool) -> None:
    """Say that a stack that was asked for is not there.

    Args:
        source: where it should be.
        name: the stack.
        failures: is told.
        unreadable: whether there are manifests that cannot be read, whose errors were said: they may have it.
    """
    if unreadable:
        failures.note(name, f"there is no stack {name!r}, unless it is in one of the manifests that cannot be read")
        return
    try:
        source.stack(name)
    except SecretsPipelineError as error:
        failures.add(name, error)
    else:
        failures.note(name, f"stack {name} declares nothing that this project knows")
