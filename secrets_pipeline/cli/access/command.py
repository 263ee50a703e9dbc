"""`access`: print who can read each secret, and why not, from policies that AWS or a saved snapshot holds."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.access.granting.consumer import ConsumerDocuments, consumers_named, documents
from secrets_pipeline.access.granting.stack import StackInAws
from secrets_pipeline.access.reach.audit import AuditedRead, Expected, matrix, read, readable_by
from secrets_pipeline.access.reach.explain import plain, sentence, short
from secrets_pipeline.access.reach.graph import picture
from secrets_pipeline.access.reach.reader import DeniedByKms, DeniedBySecretsManager
from secrets_pipeline.access.snapshot.store import save
from secrets_pipeline.aws.session import Sessions, partition_of
from secrets_pipeline.cli.access.snapshot import (
    Facts,
    Principal,
    SnapshotFile,
    facts,
    principal_named,
    snapshot_of,
    unread_parts,
)
from secrets_pipeline.cli.access.view import as_csv, as_json, left_out, reader_blocks, surprising, votes_table
from secrets_pipeline.cli.shared.completion import complete_secrets, complete_stacks
from secrets_pipeline.cli.shared.console import emit, emit_json, say, show, title
from secrets_pipeline.cli.shared.help import STACKS
from secrets_pipeline.cli.shared.options import OneStack, StackOptions, TableFormat, TableOrJson, reads_stacks
from secrets_pipeline.cli.shared.repository import open_stack
from secrets_pipeline.cli.shared.secret_names import whole_name
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.secret.readable import stack_in_aws, withheld

app = typer.Typer(no_args_is_help=True, help="Who can read each secret, and why not. No value is read.")
EPILOG = "Exit codes: 0 answered, whatever the answer is, 1 error."


class MatrixFormat(StrEnum):
    """How the matrix is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


@app.command("matrix", epilog=EPILOG)
@reads_stacks
def matrix_command(
    source: StackOptions,
    *,
    stack: OneStack,
    file: SnapshotFile = None,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="All roles and users that were read, not the stack's consumers alone.")
    ] = False,
    output: Annotated[
        MatrixFormat,
        typer.Option("--format", help="table, json with every layer's vote, csv, or a picture: svg. Alone on stdout."),
    ] = MatrixFormat.TABLE,
) -> None:
    """Readers and secrets of a stack, each pair judged as AWS judges it: GetSecretValue, then kms:Decrypt."""
    known = facts(source, stack, file)
    readings = _readings(known, everybody=everybody)
    for text in left_out(known.spec, known.estate, everybody=everybody):
        say(f"note: {text}", style="dim")
    match output:
        case MatrixFormat.JSON:
            emit_json({"stack": known.spec.stack, "readings": as_json(readings)})
        case MatrixFormat.CSV:
            emit(as_csv(readings))
        case MatrixFormat.SVG:
            emit(picture(readings, title=f"Who can read in {known.spec.stack}"))
        case MatrixFormat.TABLE:
            if readings:
                show(reader_blocks(readings))
                emit("")
            for text in surprising(readings, known.desired.settings.access.allowed_readers):
                emit(f"! {text}")


@app.command(epilog=EPILOG)
@reads_stacks
def explain(
    source: StackOptions,
    *,
    principal: Principal,
    secret: Annotated[
        str,
        typer.Option("--secret", metavar="NAME", help="The secret's whole name.", autocompletion=complete_secrets),
    ],
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="STACK",
            help="Whose account and region are meant; by default those of the stack that declares the secret.",
            show_default=False,
            rich_help_panel=STACKS,
            autocompletion=complete_stacks,
        ),
    ] = None,
    file: SnapshotFile = None,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Whether one principal can read one secret: a sentence, then what every layer says."""
    who = principal_named(principal)
    known = facts(source, stack, file, secret=secret, every=stack is not None)
    verdict = read(known.estate, who, secret)
    if verdict is None:
        known_names = [one.name for one in known.estate.snapshot.secrets]
        raise SpecError(f"there is no secret {secret}", remedy=whole_name(secret, known_names))
    missing = known.estate.missing(who)
    if output is TableFormat.JSON:
        emit_json({**plain(who, secret, verdict), **({"note": missing} if missing else {})})
        return
    title(sentence(who, secret, verdict))
    if missing:
        emit(f"note: {missing}")
    emit("")
    show(votes_table(verdict))


@app.command(epilog=EPILOG)
@reads_stacks
def snapshot(
    source: StackOptions,
    *,
    stack: OneStack,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Where to write it, as JSON.")
    ],
) -> None:
    """Save what an audit of a stack's account and region looks at: principals, policies, keys; no secret value."""
    failures, desired, usable = open_stack(source, stack)
    for name in usable:
        found = snapshot_of(desired, desired.specs[name], every=True)
        save(found, output)
        principals = sum(len(one.principals) for one in found.accounts.values())
        counts = f"{len(found.secrets)} secrets, {len(found.keys)} keys, {principals} roles and users"
        emit(f"{output}: {counts} of {len(found.accounts)} account{'s' if len(found.accounts) > 1 else ''}")
        for unread in unread_parts(found):
            say(f"note: not read: {unread}", style="dim")
    failures.exit()


@app.command(epilog=EPILOG)
@reads_stacks
def reach(
    source: StackOptions,
    *,
    principal: Principal,
    stack: OneStack,
    file: SnapshotFile = None,
    output: TableOrJson = TableFormat.TABLE,
) -> None:
    """Every secret of the stack's account and region that a principal can, or may be able to, read.

    Those are to be rotated if it is compromised.
    """
    who = principal_named(principal)
    known = facts(source, stack, file, every=True)
    readings = readable_by(known.estate, who)
    missing = known.estate.missing(who)
    if output is TableFormat.JSON:
        emit_json({"principal": who, "readings": as_json(readings), **({"note": missing} if missing else {})})
        return
    for one in readings:
        emit(sentence(one.principal, one.secret, one.verdict))
    if not readings:
        emit(f"{short(who)} can read none of {len(known.estate.snapshot.secrets)} secrets.")
    if missing:
        emit(f"note: {missing}")


def _readings(known: Facts, *, everybody: bool) -> tuple[AuditedRead, ...]:
    spec, estate = known.spec, known.estate
    readers = list(dict.fromkeys(arn for consumer in spec.consumers for arn in consumer.readers))
    if everybody:
        readers = list(dict.fromkeys([*readers, *(one.arn for one in estate.principals)]))
    expected = Expected(spec, estate, known.desired.settings.access.allowed_readers or ())
    names = [secret.name for secret in spec.secrets]
    # Whoever is merely allowed to read is as expected where he cannot.
    return tuple(
        replace(
            one,
            expected=expected.needs(one.principal, one.secret)
            if isinstance(one.verdict, DeniedBySecretsManager | DeniedByKms)
            else expected.reason(one.principal, one.secret),
        )
        for one in matrix(estate, readers, names)
    )


@app.command(epilog=EPILOG)
@reads_stacks
def policy(
    source: StackOptions,
    *,
    consumer: Annotated[str, typer.Option("--consumer", metavar="NAME", help="A consumer of the stack.")],
    stack: OneStack,
    offline: Annotated[
        bool, typer.Option("--offline", help="Make no call to AWS: ARNs end in -??????, keys go by their alias.")
    ] = False,
) -> None:
    """The policy documents that let one consumer read its secrets and no others, as JSON, for whoever attaches them."""
    failures, desired, usable = open_stack(source, stack)
    for name in usable:
        spec = desired.specs[name]
        found = consumers_named(spec, consumer)
        if not found:
            known = ", ".join(sorted({one.name for one in spec.consumers})) or "none"
            raise SpecError(f"stack {name} has no consumer {consumer}", remedy=f"Its consumers: {known}.")
        emit_json([_documents(desired, spec, one, offline=offline).plain() for one in found])
    failures.exit()


def _documents(desired: OpenRepository, spec: StackSpec, consumer: ConsumerSpec, *, offline: bool) -> ConsumerDocuments:
    if offline:
        return documents(_by_names(spec), consumer)
    stack = desired.assemble(Sessions(read_only=True)).stack(spec.stack)
    found = documents(stack_in_aws(stack), consumer)
    return replace(found, open=(*withheld(stack, consumer.secrets), *found.open))


def _by_names(spec: StackSpec) -> StackInAws:
    """A stack of which nobody asked AWS anything."""
    target = spec.target
    if target.account_id is None:
        raise SpecError(
            f"nobody says in which account stack {spec.stack} lives",
            remedy="Name account_id in a rule under targets of the operator's settings, or leave --offline out.",
        )
    return StackInAws(spec, {}, {}, partition_of(target.region), target.account_id, target.region)
