"""Define an alert, and what every channel does with one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from secrets_pipeline.errors import SecretsPipelineError


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a human has to know at once; no part of it holds a value.

    Attributes:
        subject: one line.
        text: the whole story: what happened, why, and what to do.
        stack: logical stack name; empty where it is about none.
        cause: what kind of thing happened, as a word for filters, for example `run-failed`.
        about: what it happened to, for example a secret's name.
    """

    subject: str
    text: str
    stack: str
    cause: str
    about: str = ""

    @property
    def key(self) -> str:
        """Return what tells alerts apart: equal for those that say the same again."""
        return f"{self.cause}|{self.stack}|{self.about}"


@dataclass(frozen=True, slots=True)
class Published:
    """The channel took the alert.

    Attributes:
        message_id: the channel's own; empty where it gives none.
    """

    message_id: str = ""


@dataclass(frozen=True, slots=True)
class NotPublished:
    """The channel could not be reached, or refused; the text holds nothing of a webhook's URL."""

    error: SecretsPipelineError


Publication: TypeAlias = Published | NotPublished


class Channel(Protocol):
    """Where alerts go beside the log."""

    @property
    def name(self) -> str:
        """Return the word that tells it from the others, and by which it is remembered what it took."""
        ...

    def publish(self, alert: Alert, *, moment: int) -> Publication:
        """Publish one alert; an error is an answer, since no run may fail for its alert.

        Args:
            alert: what to say.
            moment: seconds since 1970.
        """
        ...
