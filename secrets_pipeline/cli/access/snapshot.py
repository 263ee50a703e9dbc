"""Read what an access command judges: a snapshot taken of AWS now, or one that was saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.model import Snapshot
from secrets_pipeline.access.snapshot.store import load
from secrets_pipeline.arn import account_of, iam_arn
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import StackOptions
from secrets_pipeline.cli.shared.repository import known_stacks, only, read_asked, usable
from secrets_pipeline.cli.shared.secret_names import whole_name
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of

SnapshotFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--snapshot",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Replay what `access snapshot` saved, without any call to AWS.",
        show_default=False,
    ),
]
Principal: TypeAlias = Annotated[
    str, typer.Option("--principal", metavar="ARN", help="Role or user, with its path, or an account's root.")
]
_PRINCIPAL = re.compile(r"arn:[\w-]+:iam::\d{12}:(?:root|(?:role|user)/(?:[!-~]+/)?[\w+=,.@-]+)", re.ASCII)
_SESSION = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)(?:/.*)?")


@dataclass(frozen=True, slots=True)
class Facts:
    """A stack and everybody who might read its secrets.

    Attributes:
        spec: the stack.
        estate: who and what there is.
        desired: of the repository.
    """

    spec: StackSpec
    estate: CompiledSnapshot
    desired: OpenRepository


def facts(
    source: StackOptions,
    stack: str | None,
    file: Path | None,
    *,
    secret: str = "",
    every: bool = False,
) -> Facts:
    """Read the stack and the snapshot that a command works with.

    Args:
        source: how stacks are read.
        stack: its name; None for the one that declares `secret`.
        file: a saved snapshot, or None for AWS.
        secret: name of a secret.
        every: all secrets of the account and region, not the stack's alone.

    Raises:
        typer.Exit: the stack has errors, which were said.
        SecretsPipelineError: AWS or the file cannot be read.
    """
    failures, desired = Failures(), read_asked(source, [stack] if stack else None)
    asked = only(stack, known_stacks(desired)) if stack else _stack_of_secret(desired, secret)
    found = usable(desired, [asked], failures, source)
    if not found:
        failures.exit()
    spec = desired.specs[found[0]]
    snapshot = load(file) if file else snapshot_of(desired, spec, every=every)
    _same_place(spec, snapshot)
    for unread in unread_parts(snapshot):
        say(f"note: not read: {unread}", style="dim")
    policies = desired.settings.access.organization_policies
    return Facts(spec, CompiledSnapshot(snapshot, organization_policies=policies), desired)


def snapshot_of(desired: OpenRepository, spec: StackSpec, *, every: bool) -> Snapshot:
    """Take a snapshot of a stack's account and region now (IAM, KMS, Secrets Manager); see `facts`."""
    stack = desired.assemble(Sessions(read_only=True)).stack(spec.stack)
    if not every:
        return estate_of(stack).snapshot
    readers = {account_of(arn) for consumer in spec.consumers for arn in consumer.principals.values()}
    return take_snapshot(
        stack.account,
        settings=desired.settings.access,
        sessions=stack.observed.sessions,
        accounts=sorted(readers - {stack.account.account_id}),
        now=datetime.now(UTC),
    )


def principal_named(arn: str) -> str:
    """Check the ARN that was asked for: whoever is no role, user or root would seem to be able to read nothing.

    Raises:
        SpecError: the ARN is none of these.
    """
    session = _SESSION.fullmatch(arn)
    if session:
        role = iam_arn(session["account"], f"role/{session['role']}", partition=session["partition"])
        raise SpecError(f"{arn} is a session of a role", remedy=f"Name the role, with its path if any: {role}.")
    if not _PRINCIPAL.fullmatch(arn):
        raise SpecError(
            f"{arn!r} is no ARN of a role, of a user or of an account's root",
            remedy="Write it as arn:aws:iam::111122223333:role/PATH/NAME, …:user/NAME or …:root.",
        )
    return arn


def _stack_of_secret(desired: OpenRepository, name: str) -> str:
    """The stack that declares a secret.

    Raises:
        SpecError: none does, or several do, in accounts of their own.
    """
    found = sorted(stack for stack, spec in desired.specs.items() if any(one.name == name for one in spec.secrets))
    if len(found) == 1:
        return found[0]
    broken = ", ".join(sorted(stack for stack in desired.errors if stack))
    unseen = f"; stacks with errors were not looked at: {broken}" if broken else ""
    meant = "Say with -s whose account and region are meant."
    if found:
        raise SpecError(f"stacks {', '.join(found)} declare {name}", remedy=meant)
    near = whole_name(name, [one.name for spec in desired.specs.values() for one in spec.secrets])
    raise SpecError(f"no stack declares a secret {name}{unseen}", remedy=f"{near} Else: {meant}")


def unread_parts(snapshot: Snapshot) -> list[str]:
    """List why parts of a snapshot could not be read, each reason once."""
    reasons = [snapshot.organization.unread, *(one.unread for one in snapshot.accounts.values())]
    reasons += [one.unread for one in snapshot.keys.values()] + [one.unread for one in snapshot.secrets]
    return [reason for reason in dict.fromkeys(reasons) if reason]


def _same_place(spec: StackSpec, snapshot: Snapshot) -> None:
    target = spec.target
    if target.account_id not in (None, snapshot.account_id) or target.region != snapshot.region:
        account = f"account {target.account_id}, " if target.account_id else ""
        raise SpecError(
            f"the snapshot is of account {snapshot.account_id}, region {snapshot.region}; "
            f"stack {spec.stack} lives in {account}region {target.region}",
            remedy=f"Take one of that stack: secrets-pipeline access snapshot -s {spec.stack} -o FILE.",
        )
