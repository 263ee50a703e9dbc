"""Where an access command takes its facts from: AWS now, or a snapshot that was saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from secrets_pipeline.access.estate import Estate
from secrets_pipeline.access.snapshot import Snapshot, load, take_snapshot
from secrets_pipeline.aws import Sessions
from secrets_pipeline.cli.console import say
from secrets_pipeline.cli.desired import read_asked, usable
from secrets_pipeline.cli.failures import Failures
from secrets_pipeline.cli.options import StackOptions
from secrets_pipeline.errors import SpecError
from secrets_pipeline.reconcilers import Desired
from secrets_pipeline.spec import StackSpec

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


@dataclass(frozen=True, slots=True)
class Facts:
    """A stack and everybody who might read its secrets.

    Attributes:
        spec: the stack.
        estate: who and what there is.
        desired: of the repository.
    """

    spec: StackSpec
    estate: Estate
    desired: Desired


def facts(source: StackOptions, stack: str, file: Path | None, failures: Failures, *, every: bool = False) -> Facts:
    """What a command about one stack works with.

    Args:
        source: how stacks are read.
        stack: its name.
        file: a saved snapshot, or None for AWS.
        failures: receives the stack's errors.
        every: all secrets of the account and region, not the stack's alone.

    Raises:
        typer.Exit: the stack has errors, which were said.
        SecretsPipelineError: AWS or the file cannot be read.
    """
    desired = read_asked(source)
    if not usable(desired, [stack], failures, strict=source.strict):
        failures.exit()
    spec = desired.specs[stack]
    snapshot = load(file) if file else taken(desired, spec, every=every)
    _same_place(spec, snapshot)
    for unread in unread_parts(snapshot):
        say(f"note: not read: {unread}", style="dim")
    policies = desired.settings.access.organization_policies
    return Facts(spec, Estate(snapshot, organization_policies=policies), desired)


def taken(desired: Desired, spec: StackSpec, *, every: bool) -> Snapshot:
    """A snapshot of a stack's account and region, taken now; see `facts`."""
    context = desired.world(Sessions(read_only=True)).context(spec.stack)
    context.guard()
    if not every:
        return context.estate.snapshot
    readers = {arn.split(":")[4] for consumer in spec.consumers for arn in consumer.principals.values()}
    return take_snapshot(
        context.account,
        settings=desired.settings.access,
        sessions=context.world.sessions,
        accounts=sorted(readers - {context.account.account_id}),
        now=datetime.now(UTC),
    )


def stack_of_secret(source: StackOptions, name: str) -> str:
    """The stack that declares a secret.

    Raises:
        SpecError: none does, or several do, in accounts of their own.
    """
    desired = read_asked(source)
    found = sorted(stack for stack, spec in desired.specs.items() if any(one.name == name for one in spec.secrets))
    if len(found) == 1:
        return found[0]
    problem = f"stacks {', '.join(found)} declare {name}" if found else f"no stack declares a secret {name}"
    raise SpecError(problem, remedy="Say with -s whose account and region are meant.")


def unread_parts(snapshot: Snapshot) -> list[str]:
    """What could not be read, each reason once."""
    reasons = [snapshot.organization.unread, *(one.unread for one in snapshot.accounts.values())]
    reasons += [one.unread for one in snapshot.keys.values()] + [one.unread for one in snapshot.secrets]
    return [reason for reason in dict.fromkeys(reasons) if reason]


def _same_place(spec: StackSpec, snapshot: Snapshot) -> None:
    target = spec.target
    place = f"account {snapshot.account_id}, region {snapshot.region}"
    if target.account_id not in (None, snapshot.account_id) or target.region != snapshot.region:
        raise SpecError(
            f"the snapshot is of {place}; stack {spec.stack} lives in account {target.account_id}, {target.region}",
            remedy="Take a snapshot of that stack: secrets-pipeline access snapshot -s STACK.",
        )
