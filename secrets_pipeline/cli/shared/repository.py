"""Read the desired state that a command works on: which stacks, and what is wrong with the others."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import typer

from secrets_pipeline.cli.shared.affected import touched_stacks
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.first_screen import tell_first_screen
from secrets_pipeline.cli.shared.options import StackOptions
from secrets_pipeline.desired.followers import leaders_first
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.stack_globs import expanded, no_match
from secrets_pipeline.desired.unresolved import told
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.only import Only, left_out
from secrets_pipeline.errors import NotGrantedError, SecretsPipelineError
from secrets_pipeline.operations.first_screen import first_screen
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.operations.repository_id import NAMELESS
from secrets_pipeline.stacks import SourceChoice, StackSource

if TYPE_CHECKING:
    from secrets_pipeline.operations.affected.model import Affected


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
    asked = narrowed(desired, names, touched_stacks(options, desired), failures)
    return failures, desired, usable(desired, asked, failures, options)


def open_to_read(options: StackOptions, names: list[str] | None) -> tuple[Failures, list[StackSpec]]:
    """Do as `open_stacks` for a command that asks AWS nothing: return what the stacks declare; see `readable`."""
    failures, desired = Failures(), read_asked(options, names)
    asked = narrowed(desired, names, touched_stacks(options, desired), failures)
    return failures, readable(desired, asked, failures, options)


def narrowed(
    desired: OpenRepository, names: list[str] | None, touched: Affected | None, failures: Failures
) -> list[str] | None:
    """Leave out of the stacks that were asked for what is not affected; one that is not there stays, to be said.

    Args:
        desired: of the repository.
        names: see `usable`.
        touched: the affected ones; None where --affected is not given.
        failures: is told of globs that match nothing.
    """
    if touched is None:
        return names
    known = known_stacks(desired)
    asked = sorted(known) if names is None else meant(desired, names, failures, known)
    return [name for name in asked if name in touched.stacks or name not in known]


def open_stack(options: StackOptions, name: str) -> tuple[Failures, OpenRepository, list[str]]:
    """Do as `open_stacks` for a command that takes one stack: none or one is returned.

    Raises:
        typer.BadParameter: if the name is a glob that matches several, or several names.
    """
    failures, desired = Failures(), read_asked(options, [name])
    return failures, desired, usable(desired, [only(name, known_stacks(desired))], failures, options)


def only(name: str, known: Collection[str]) -> str:
    """Return the one stack that a name or a glob means; a glob that matches none, as it is.

    Raises:
        typer.BadParameter: if it means several.
    """
    found = expanded([name], known)
    stacks = list(dict.fromkeys(stack for matched in found.values() for stack in matched))
    if len(stacks) > 1:
        raise typer.BadParameter(
            f"{name!r} means {len(stacks)} stacks, and this command takes one: {', '.join(stacks)}",
            param_hint="--stack",
        )
    return stacks[0] if stacks else name


def tell_notices(notices: tuple[str, ...]) -> None:
    """Say what a user should know about how stacks are read."""
    for notice in notices:
        say(f"note: {notice}", style="dim")


def tell_nameless(desired: OpenRepository) -> None:
    """Say that nothing tells the repository's secrets from those of another one with the same stacks, if that is so."""
    if desired.specs and not desired.repository:
        tell_notices((NAMELESS,))


def tell_what_prune_leaves(names: Sequence[str] | None, *, prune: bool) -> None:
    """Say that --prune does not look at stacks that declare nothing any more.

    Args:
        names: stacks that were asked for; None for all.
        prune: whether --prune was given.
    """
    if prune and names is None:
        tell_notices(
            ("--prune looks at stacks that declare something. `secrets-pipeline orphans` lists what others left.",)
        )


def tell_nothing_found(desired: OpenRepository, options: StackOptions | None) -> None:
    """Show the first screen if no stack declares anything and none has errors."""
    if not desired.specs and not desired.errors:
        _show_first_screen(desired, options)


def _show_first_screen(
    desired: OpenRepository, options: StackOptions | None, names: Collection[str] | None = None
) -> None:
    found = first_screen(desired.source, desired.base_path, desired.settings.components, names)
    tell_first_screen(found, options.arguments if options else (), named=names is not None)


def usable(
    desired: OpenRepository, names: list[str] | None, failures: Failures, options: StackOptions | None = None
) -> list[str]:
    """Return the stacks without errors, and say the errors of the others; each stack comes after those it refers to.

    Args:
        desired: of the repository.
        names: stacks that were asked for, as names and globs with commas between them; None for all.
        failures: receives the errors.
        options: of the command, if it has them; with `strict`, errors of any stack leave none to work on.
    """
    chosen = _chosen(desired, names, failures, desired.specs, desired.errors, left_out=desired.errors, options=options)
    return leaders_first(desired.specs, chosen)


def readable(
    desired: OpenRepository, names: list[str] | None, failures: Failures, options: StackOptions | None = None
) -> list[StackSpec]:
    """Return what stacks declare, in order, to be shown; a missing grant is no error of such a command.

    Args:
        desired: of the repository.
        names: see `usable`.
        failures: receives the errors of the others.
        options: see `usable`.
    """
    shown = {**desired.specs, **{name: one.declared for name, one in desired.shown.items()}}
    errors = {name: left for name in desired.errors if (left := errors_of_reading(desired, name))}
    chosen = _chosen(desired, names, failures, shown, errors, left_out=(), options=options)
    return [shown[name] for name in chosen]


def errors_of_reading(desired: OpenRepository, stack: str) -> Sequence[SecretsPipelineError]:
    """Return the errors of a stack for a command that asks AWS nothing.

    A missing grant is none of them, unless it is all that keeps the stack from being shown.
    """
    errors = desired.errors.get(stack, ())
    left = [one for one in errors if not isinstance(one, NotGrantedError)]
    return left if left or stack in desired.shown else errors


def _chosen(
    desired: OpenRepository,
    names: list[str] | None,
    failures: Failures,
    specs: Mapping[str, StackSpec],
    errors: Mapping[str, Sequence[SecretsPipelineError]],
    *,
    left_out: Collection[str],
    options: StackOptions | None,
) -> list[str]:
    if names is not None:
        names = meant(desired, names, failures, known_stacks(desired))
    stopped = options is not None and options.strict and bool(errors)
    for name, found in errors.items():
        # An error that belongs to no stack may be one of any.
        if stopped or names is None or name in names or not name:
            for error in found:
                failures.add(name, error)
    if stopped:
        return []
    if names is None:
        tell_nothing_found(desired, options)
        return sorted(name for name in specs if name not in left_out)
    unreadable = "" in desired.errors
    missing = [name for name in names if name not in specs and name not in errors]
    empty = [name for name in missing if not note_missing(desired.source, name, failures, unreadable=unreadable)]
    if empty:
        _show_first_screen(desired, options, empty)
    for name in empty:
        say(f"`secrets-pipeline orphans -s {name}` lists what stack {name} made before.")
    return [name for name in names if name in specs and name not in left_out]


def known_stacks(desired: OpenRepository) -> frozenset[str]:
    """Names of the stacks that declare something, or have errors."""
    return frozenset((*desired.specs, *filter(None, desired.errors)))


def meant(desired: OpenRepository, names: list[str], failures: Failures, known: Collection[str]) -> list[str]:
    """Return the stacks that names and globs mean, each once; a glob that matches none is said.

    Args:
        desired: of the repository.
        names: as they were asked for, with commas between them.
        failures: is told.
        known: names of the stacks that globs may match.
    """
    found = expanded(names, known)
    for glob in (glob for glob, matched in found.items() if not matched):
        every = desired.source.stack_names()
        if others := expanded([glob], every)[glob]:
            failures.note(glob, f"what matches {glob!r} declares nothing that this project knows: {', '.join(others)}")
        else:
            failures.add(glob, no_match(glob, every))
    return list(dict.fromkeys(stack for matched in found.values() for stack in matched))


def with_account(desired: OpenRepository, stacks: list[str], failures: Failures) -> list[str]:
    """Return the stacks that may be written: those whose account somebody names; the others are errors."""
    from secrets_pipeline.aws.session import Sessions  # noqa: PLC0415 - boto3 takes longer than all that other commands do
    from secrets_pipeline.operations.named_account import refuse_unnamed_account  # noqa: PLC0415 - as above

    sessions, named = Sessions(read_only=True), []
    for stack in stacks:
        with failures.of(stack):
            refuse_unnamed_account(desired.specs[stack], desired.settings, sessions)
            named.append(stack)
    return named


def tell_unnamed_accounts(desired: OpenRepository, stacks: list[str]) -> None:
    """Say which stacks are looked at in whatever account the credentials are of; they are never written."""
    unnamed = [name for name in stacks if desired.specs[name].target.account_id is None]
    if unnamed:
        told = f"nobody names the account of {', '.join(unnamed)}: that of the credentials is taken"
        tell_notices((f"{told}; an apply asks for it in the operator's settings",))


def note_missing(source: StackSource, name: str, failures: Failures, *, unreadable: bool) -> bool:
    """Say that a stack that was asked for is not there, or declares nothing.

    Args:
        source: where it should be.
        name: the stack.
        failures: is told.
        unreadable: whether there are manifests that cannot be read, whose errors were said: they may have it.

    Returns:
        Whether it is missing, not empty.
    """
    if unreadable:
        failures.note(name, f"there is no stack {name!r}, unless it is in one of the manifests that cannot be read")
        return True
    try:
        source.stack(name)
    except SecretsPipelineError as error:
        failures.add(name, error)
        return True
    failures.note(name, f"stack {name} declares no secret")
    return False


def note_unresolved(
    specs: Iterable[StackSpec],
    failures: Failures,
    *,
    reading: bool = False,
    only: Mapping[str, Sequence[Only]] = MappingProxyType({}),
) -> int:
    """Say each cause for which nobody can resolve references once, however many these are.

    Args:
        specs: of the stacks.
        failures: is told.
        reading: whether the command asks AWS nothing: `tell_needed_grants` says then what the operator has not
            allowed.
        only: what the run of a stack is restricted to: nothing is said of a secret that it leaves out.

    Returns:
        How many causes were said.
    """
    said = 0
    for spec in specs:
        for text in unresolved_causes(spec, only.get(spec.stack, ()), reading=reading):
            failures.note(spec.stack, text)
            said += 1
    return said


def unresolved_causes(spec: StackSpec, only: Sequence[Only] = (), *, reading: bool) -> list[str]:
    """Write each cause for which nobody can resolve references of a stack; for the arguments see `note_unresolved`."""
    secrets = (one for one in spec.secrets if not _is_left_out(one, only))
    causes = (one for secret in secrets for one in secret.unresolved if one.is_cause)
    return told(one for one in causes if not (reading and one.variable))


def _is_left_out(secret: SecretSpec, only: Sequence[Only]) -> bool:
    change = Change(Resource("secret", secret.name), ChangeClass.BLOCKED)
    return left_out("secrets", change, only) is not None
