"""Define how a consumer is looked at and started anew, as one protocol for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from secrets_pipeline.desired.consumer.refresh_model import RefreshMeans
from secrets_pipeline.engine.reason import Missing, Reason

Means_contra = TypeVar("Means_contra", bound=RefreshMeans, contravariant=True)


class Progress(StrEnum):
    """How far a rollout is."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Rollout:
    """The latest start of a consumer.

    Attributes:
        id: what AWS calls it: deployment, revision or command; empty if there was none.
        asked_at: when it was asked for: whatever it starts reads its secrets later. None if nobody knows.
        detail: AWS's reason, or how it went on.
        failed_try: why a later one failed, after which this one was gone back to; empty if none did.
        refusal: why nobody may start the consumer anew from here; None if one may.
    """

    id: str
    asked_at: datetime | None
    progress: Progress = Progress.COMPLETED
    detail: str = ""
    failed_try: str = ""
    refusal: Reason | None = None


class Refresher(Protocol[Means_contra]):
    """Starts consumers of one kind anew."""

    def look(self, means: Means_contra) -> Rollout | None:
        """Find the latest rollout; None if there is no such consumer.

        Raises:
            AwsError: if AWS refuses.
        """
        ...

    def follow(self, means: Means_contra, rollout: str) -> Rollout | None:
        """Find what became of a rollout that was asked for earlier; None if the consumer is gone.

        Raises:
            AwsError: if AWS refuses.
        """
        ...

    def start(self, means: Means_contra) -> str:
        """Start the consumer anew, and return the rollout's id.

        Raises:
            SkippedError: if there is no such consumer any more.
            AwsError: if AWS refuses.
        """
        ...

    def running_since(self, means: Means_contra) -> datetime | None:
        """Find when the oldest of what runs now was started; None if nothing runs, or nobody knows.

        Raises:
            AwsError: if AWS refuses.
        """
        ...

    def missing(self, means: Means_contra) -> Missing:
        """Say that the consumer does not exist, and who makes it."""
        ...
