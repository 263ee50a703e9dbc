"""Read and write a database's `:password` tag: the version of its secret that it was proven to accept, or is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from secrets_pipeline.reconcilers.tag_keys import PASSWORD

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_SETTING = "setting"
_MOST_EARLIER = 2
"""So that the tag stays within 256 characters."""


@dataclass(frozen=True, slots=True)
class PasswordMark:
    """`DbiResourceId:VersionId` once a login proved it, with `:setting` from before the change was asked for.

    Until a login proves one, the versions that runs began to set before follow after another colon: what the database
    holds meanwhile may be one of them.

    Attributes:
        resource_id: DbiResourceId or DbClusterResourceId; a restore copies tags to a database with another one.
        version: version id of the secret.
        setting: whether a run began to set that version's password, and none has seen the end.
        earlier: version ids that runs began to set before that one, and have not seen the end of; the latest first.
    """

    resource_id: str
    version: str
    setting: bool = False
    earlier: tuple[str, ...] = ()

    @classmethod
    def read(cls, state: DatabaseState) -> Self | None:
        """Read the mark that a database carries; None where it has none."""
        text = state.tags.get(PASSWORD)
        if text is None:
            return None
        resource_id, _, rest = text.partition(":")
        version, _, rest = rest.partition(":")
        suffix, _, earlier = rest.partition(":")
        return cls(resource_id, version, setting=suffix == _SETTING, earlier=tuple(earlier.split()))

    def __str__(self) -> str:
        said = [self.resource_id, self.version]
        if self.setting:
            said += [_SETTING, *([" ".join(self.earlier)] if self.earlier else [])]
        return ":".join(said)


def proves(state: DatabaseState, secret: SecretState) -> bool:
    """Whether a database is recorded to accept the current version of its secret."""
    version = secret.current_version
    return version is not None and PasswordMark.read(state) == PasswordMark(state.resource_id, version)


def was_restored(state: DatabaseState) -> bool:
    """Whether the mark speaks of another database."""
    mark = PasswordMark.read(state)
    return mark is not None and mark.resource_id != state.resource_id


def is_being_set(state: DatabaseState) -> bool:
    """Whether a run began to set the password of this very database, and none has seen the end."""
    mark = PasswordMark.read(state)
    return mark is not None and mark.setting and mark.resource_id == state.resource_id


def begun(state: DatabaseState) -> tuple[str, ...]:
    """List the versions that runs began to set in this very database, their ends not seen yet; the latest first."""
    mark = PasswordMark.read(state)
    return (mark.version, *mark.earlier) if mark is not None and is_being_set(state) else ()


def setting(state: DatabaseState, version: str, *also: str) -> PasswordMark:
    """Make the mark that is written before the change to a version is asked for.

    Args:
        state: the database as it is known.
        version: what is about to be set.
        also: versions that may have been set as well.
    """
    earlier = [one for one in dict.fromkeys((*also, *begun(state))) if one != version]
    return PasswordMark(state.resource_id, version, setting=True, earlier=tuple(earlier[:_MOST_EARLIER]))


def not_ours(stack: Stack, secret: SecretState) -> str:
    """Say why the current version is none that we may set in a database; empty if it is; from metadata alone.

    Ours is a version that we wrote, while it is AWSCURRENT and nobody ever rotated the secret: a rotation sets the
    password itself, and a version that we write afterwards holds the password of the rotation.
    """
    if not stack.ownership.owns(secret):
        return f"secret {secret.name} is not ours"
    if secret.last_rotated_at is not None:
        return f"{secret.name} was rotated, which sets the password itself"
    if not stack.ownership.marks.wrote(secret, secret.current_version):
        return f"the value of {secret.name} was changed by somebody else"
    return ""
