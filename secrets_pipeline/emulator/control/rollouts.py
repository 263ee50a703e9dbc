"""Set how long deployments of ECS services take, and tell which versions of secrets their tasks hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

ROLLOUTS_PATH = "/_local/rollouts"


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A running task of a service.

    Attributes:
        task_definition: its ARN, with the revision.
        injected: `CONTAINER.NAME` of each injected secret → ARN and version id.
    """

    account_id: str
    region: str
    cluster: str
    service: str
    task: str
    task_definition: str
    started_at: datetime
    injected: Mapping[str, tuple[str, str]]


class Rollouts:
    """The server's side.

    Attributes:
        seconds: a deployment stays `IN_PROGRESS` at least this long.
        running: says which tasks run; ECS puts it there when it is imported.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.running: Callable[[], list[dict[str, Any]]] = list

    def get(self) -> dict[str, Any]:
        """The duration and every running task."""
        return {"seconds": self.seconds, "tasks": self.running()}

    def put(self, document: dict[str, Any]) -> None:
        """Set the duration.

        Raises:
            ValueError, TypeError, KeyError: it is not understood.
        """
        seconds = float(document["seconds"])
        if seconds < 0:
            raise ValueError(seconds)
        self.seconds = seconds

    def delete(self) -> None:
        """Let deployments be done at once."""
        self.seconds = 0.0


ROLLOUTS = Rollouts()


def set_rollout_seconds(aws: LocalAws, seconds: float) -> None:
    """Let deployments of ECS services take a while, also those in progress; 0 is at once.

    Raises:
        LocalError: the embedded AWS does not answer, or the duration is negative.
    """
    ask(aws, "PUT", ROLLOUTS_PATH, {"seconds": seconds})


def running_tasks(aws: LocalAws) -> tuple[RunningTask, ...]:
    """The tasks of services that run now.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    return tuple(
        RunningTask(
            **{
                **one,
                "started_at": datetime.fromtimestamp(one["started_at"], UTC),
                "injected": {name: (arn, version) for name, (arn, version) in one["injected"].items()},
            }
        )
        for one in ask(aws, "GET", ROLLOUTS_PATH)["tasks"]
    )
