"""Rotate a secret in the demo: the managed function's four steps, then AWS's event, the sensor and its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline import emulator
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.shared import runs
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.database.password import DatabasePassword
from secrets_pipeline.reconcilers.observed.login import LoggedIn, Login
from secrets_pipeline.reconcilers.secret_value.read import read_value
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.rotation.steps import RotationStep

if TYPE_CHECKING:
    from secrets_pipeline.orchestration.in_process.rotation_runs import EventRuns
    from secrets_pipeline.orchestration.in_process.running import RunReport

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation made of a database, its secret and whoever depends on it.

    Attributes:
        secret: its name.
        steps: in the order in which they were done.
        new_accepted: whether the database accepts the password of the new version.
        old_refused: whether it refuses the one from before.
        carried: secrets that hold the new password now.
        runs: what the sensor asked for.
    """

    secret: str
    database: str
    endpoint: str
    steps: tuple[RotationStep, ...]
    new_accepted: bool
    old_refused: bool
    carried: tuple[str, ...]
    report: RunReport
    runs: EventRuns

    @property
    def green(self) -> bool:
        """Tell whether the rotation succeeded: new password accepted, old one refused, runs and checks green."""
        followed = self.runs.runs
        return (
            self.report.success
            and self.new_accepted
            and self.old_refused
            and bool(followed)
            and all(one.report.success and all(check.passed for check in one.checks) for one in followed)
        )


def rotate(desired: OpenRepository, stacks: Sequence[str], aws: LocalAws) -> Rotated | None:
    """Rotate the first database password that has a function, and follow it as a deployment does.

    Args:
        desired: of the repository.
        stacks: to look in.
        aws: the embedded AWS, whose events are waited for.

    Returns:
        None where no stack has such a secret.
    """
    found = next(_rotating(desired, stacks), None)
    if found is None:
        return None
    stack, secret, database = found
    _put_events_aside(desired)
    old = _Password(desired, stack, database).read()
    steps: list[RotationStep] = []
    report = runs.rotate(stack, [secret.name], desired, lambda _, step: steps.append(step), _SECONDS)
    emulator.settle(aws)
    followed = runs.follow_events(desired, stack)
    after = _Password(desired, stack, database)
    new = after.read()
    return Rotated(
        secret.name,
        database.name,
        after.endpoint,
        tuple(steps),
        isinstance(after.log_in(new), LoggedIn) and new != old,
        not isinstance(after.log_in(old), LoggedIn),
        tuple(_carrying(after.stack, secret, new)),
        report,
        followed,
    )


def _rotating(desired: OpenRepository, stacks: Sequence[str]) -> Iterator[tuple[str, SecretSpec, DatabaseSpec]]:
    for stack in stacks:
        spec = desired.specs[stack]
        for database in spec.databases:
            secret = spec.secret(database.password) if database.password else None
            if secret is not None and secret.rotation is not None:
                yield stack, secret, database


def _put_events_aside(desired: OpenRepository) -> None:
    """What the applies before have said is another story."""
    events = desired.settings.events
    if events is None:
        return
    client = Sessions().for_target(desired.settings.event_target(events)).client("sqs")
    with calling("PurgeQueue", events.queue):
        client.purge_queue(QueueUrl=client.get_queue_url(QueueName=events.queue)["QueueUrl"])


class _Password:
    """The password of a database, as its secret holds it now."""

    def __init__(self, desired: OpenRepository, stack: str, database: DatabaseSpec) -> None:
        self.stack = desired.assemble().stack(stack)
        if database.password is None:
            raise SkippedError(f"{database.name} has no password of a secret")
        self._database = database
        self._password = DatabasePassword(self.stack, database, database.password)

    @property
    def endpoint(self) -> str:
        """Return where the database answers."""
        state = self.stack.observed.databases.find(self._database)
        return (state.endpoint if state else None) or ""

    def read(self) -> SecretStr:
        """Read the password of the current version."""
        secret = self._password.confirmed()
        return self._password.read(secret, secret.current_version)

    def log_in(self, password: SecretStr) -> Login | None:
        """Log in with a password, and return what the database says; None without a login."""
        state = self.stack.observed.databases.find(self._database)
        return self._password.log_in(state, password) if state else None


def _carrying(stack: Stack, secret: SecretSpec, new: SecretStr) -> Iterator[str]:
    for one in stack.spec.secrets:
        state = stack.observed.secrets.get(one.name)
        if state is None or not isinstance(one.value, DeclaredValue) or secret.ref not in one.depends_on:
            continue
        if new.get_secret_value() in read_value(stack, state).get_secret_value():
            yield one.name


def rotation_lines(rotated: Rotated) -> Iterator[str]:
    """Tell of the rotation in a few lines; no value is part of them."""
    steps = "  ".join(f"{step.value} {'✓' if step in rotated.steps else '✗'}" for step in RotationStep)
    yield f"  {rotated.secret}: {steps}"
    accepts = "accepts" if rotated.new_accepted else "does not accept"
    refuses = "refuses" if rotated.old_refused else "does not refuse"
    yield f"  PostgreSQL {rotated.database} at {rotated.endpoint} {accepts} the new password and {refuses} the old one"
    if rotated.runs.skipped:
        yield f"  rotation_event_sensor: {rotated.runs.skipped}"
    for run in rotated.runs.runs:
        passed = sum(check.passed for check in run.checks)
        asked = f"rotation_event_sensor: {run.events} events of {run.report.stack} → " if run.events else ""
        yield f"  {asked}{run.job}: {passed} of {len(run.checks)} checks passed"
        for row in run.report.rows:
            if row["outcome"] in ("applied", "failed") and row["kind"] in ("secret", "refresh"):
                yield f"    {row['name']}: {_what(row, rotated)}"


def _what(row: Mapping[str, str], rotated: Rotated) -> str:
    return "rendered again, carries the new password" if row["name"] in rotated.carried else row["detail"]
