"""Read which version of each secret is AWSCURRENT, from what a run has read anyway; never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """The AWSCURRENT version of a secret, as a run knows it.

    Attributes:
        secret: its name.
        version: its id.
        arn: of the secret.
        ours: whether the pipeline wrote the version; a rotation or a human did otherwise.
        confirmed: whether DescribeSecret or a write of the run showed it; a list may be five minutes old.
        changed: when AWS says that anything of the secret was changed last, in seconds since 1970.
    """

    secret: str
    version: str
    arn: str
    ours: bool
    confirmed: bool
    changed: float | None


def current_versions(stack: Stack, includes: Callable[[str], bool]) -> Iterator[CurrentVersion]:
    """Yield the AWSCURRENT version of each secret of the stack that is ours and has a value.

    Args:
        stack: whose secrets.
        includes: tells by a secret's name whether to yield it.

    Raises:
        AwsError: if Secrets Manager refuses ListSecrets, where the run has not called it yet.
    """
    for secret in stack.spec.secrets:
        if secret.blocked or not includes(secret.name):
            continue
        state = stack.observed.secrets.get(secret.name)
        version = state.current_version if state is not None and state.deleted_at is None else None
        if state is None or version is None or not stack.ownership.owns(state):
            continue
        changed = state.last_changed_at.timestamp() if state.last_changed_at else None
        ours = stack.ownership.marks.wrote(state, version)
        yield CurrentVersion(state.name, version, state.arn, ours, state.confirmed, changed)
