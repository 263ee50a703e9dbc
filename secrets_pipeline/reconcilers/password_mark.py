"""What a database's `:password` tag says: which version of its secret it was proven to accept, or is being given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from secrets_pipeline.reconcilers.marks import PASSWORD

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext
    from secrets_pipeline.reconcilers.database_state import DatabaseState
    from secrets_pipeline.reconcilers.states import SecretState

_SETTING = "setting"


@dataclass(frozen=True, slots=True)
class PasswordMark:
    """`DbiResourceId:VersionId` once a login proved it, with `:setting` from before the change was asked for.

    Attributes:
        resource_id: DbiResourceId or DbClusterResourceId; a restore copies tags to a database with another one.
        version: version id of the secret.
        setting: whether a run began to set that version's password, and none has seen the end.
    """

    resource_id: str
    version: str
    setting: bool = False

    @classmethod
    def read(cls, state: DatabaseState) -> Self | None:
        """The mark that a database carries, or None."""
        text = state.tags.get(PASSWORD)
        if text is None:
            return None
        resource_id, _, rest = text.partition(":")
        version, _, suffix = rest.partition(":")
        return cls(resource_id, version, setting=suffix == _SETTING)

    def __str__(self) -> str:
        return ":".join([self.resource_id, self.version, *([_SETTING] if self.setting else [])])


def proves(state: DatabaseState, secret: SecretState) -> bool:
    """Whether a database is recorded to accept the current version of its secret."""
    version = secret.current_version
    return version is not None and PasswordMark.read(state) == PasswordMark(state.resource_id, version)


def was_restored(state: DatabaseState) -> bool:
    """Whether the mark speaks of another database."""
    mark = PasswordMark.read(state)
    return mark is not None and mark.resource_id != state.resource_id


def is_unfinished(state: DatabaseState) -> bool:
    """Whether a run began to set the password of this very database, and none has seen the end."""
    mark = PasswordMark.read(state)
    return mark is not None and mark.setting and mark.resource_id == state.resource_id


def not_ours(context: StackContext, secret: SecretState) -> str:
    """Why the current version is none that we may set in a database, or empty if it is; from metadata alone.

    Ours is a version that we wrote, while it is AWSCURRENT and nobody ever rotated the secret: a rotation sets the
    password itself, and a version that we write afterwards holds the password of the rotation.
    """
    if not context.owns(secret):
        return f"secret {secret.name} is not ours"
    if secret.last_rotated_at is not None:
        return f"{secret.name} was rotated, which sets the password itself"
    if not context.marks.wrote(secret, secret.current_version):
        return f"the value of {secret.name} was changed by somebody else"
    return ""
