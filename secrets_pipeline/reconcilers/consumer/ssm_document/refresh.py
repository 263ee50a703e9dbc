"""Restart what runs on instances: SendCommand runs an SSM document of the team's on its targets.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.desired.consumer.refresh_model import SsmRefresh
from secrets_pipeline.engine.reason import Missing
from secrets_pipeline.reconcilers.consumer.interface import Progress, Rollout

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_COMMENT_LENGTH = 100
_PROGRESS = {
    "Success": Progress.COMPLETED,
    "Pending": Progress.IN_PROGRESS,
    "InProgress": Progress.IN_PROGRESS,
    "Cancelling": Progress.IN_PROGRESS,
}


class SsmRefresher:
    """Sends commands in one account. AWS forgets them after 30 days, and does not say since when a process runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def look(self, means: SsmRefresh) -> Rollout | None:
        """Find the latest command of this consumer by ListCommands."""
        client, comment = self._stack.account.client("ssm"), self._comment(means)
        # ListCommands keeps to no order that AWS promises.
        with calling("ListCommands", means.name):
            filters = [{"key": "DocumentName", "value": means.document}]
            found = [one for one in pages(client, "list_commands", Filters=filters) if one.get("Comment") == comment]
        latest = max(found, key=lambda one: one["RequestedDateTime"], default=None)
        return Rollout("", None) if latest is None else _rollout(latest)

    def follow(self, means: SsmRefresh, rollout: str) -> Rollout | None:
        """Find what became of a command by ListCommands."""
        client = self._stack.account.client("ssm")
        with calling("ListCommands", means.name):
            found = client.list_commands(CommandId=rollout)["Commands"]
        return _rollout(found[0]) if found else None

    def start(self, means: SsmRefresh) -> str:
        """Run the document by SendCommand."""
        with calling("SendCommand", means.name):
            answer = self._stack.account.client("ssm").send_command(
                DocumentName=means.document,
                Comment=self._comment(means),
                Targets=[{"Key": key, "Values": list(values)} for key, values in means.targets.items()],
                Parameters={key: list(values) for key, values in means.parameters.items()},
            )
        return str(answer["Command"]["CommandId"])

    def running_since(self, means: SsmRefresh) -> datetime | None:
        """Find when the latest command was sent; None if none was."""
        found = self.look(means)
        return found.asked_at if found else None

    def missing(self, means: SsmRefresh) -> Missing:
        """Say that AWS has forgotten the command."""
        return Missing(f"no command of document {means.document} is known any more")

    def _comment(self, means: SsmRefresh) -> str:
        return f"secrets-pipeline {self._stack.spec.stack} {means.consumer}"[:_COMMENT_LENGTH]


def _rollout(command: Mapping[str, Any]) -> Rollout:
    progress = _PROGRESS.get(command["Status"], Progress.FAILED)
    failed = f"{command['Status']}: {command.get('ErrorCount', 0)} of {command.get('TargetCount', 0)} instances failed"
    return Rollout(
        command["CommandId"],
        command["RequestedDateTime"],
        progress,
        failed if progress is Progress.FAILED else str(command["Status"]),
    )
