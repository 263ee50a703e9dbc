"""Guard each AWS operation that is not known to read: refuse it in a read-only run, fence it in one with a lease."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from secrets_pipeline.aws.operations import reads
from secrets_pipeline.errors import GuardError

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from botocore.session import Session

READ_ONLY_VARIABLE = "SECRETS_PIPELINE_READ_ONLY"


class ReadOnly:
    """Refuses every operation that is not known to read, before its parameters are looked at."""

    def install(self, session: Session) -> None:
        """Guard every client that is made from a session later."""
        session.register("before-parameter-build", self.refuse, unique_id="secrets-pipeline-read-only")

    def refuse(self, **event: object) -> None:
        """Handle botocore's event before a call: refuse what may write.

        Raises:
            GuardError: if the operation may write.
        """
        model = cast("OperationModel", event["model"])
        if reads(model.name):
            return
        raise GuardError(
            f"this run is read-only: {model.service_model.service_name} {model.name} was refused",
            remedy=f"Unset {READ_ONLY_VARIABLE}, and use a command that writes.",
        )


class Fence:
    """Asks a run's lease before each try of a write, as the last thing before the request is sent.

    A try that waited for its turn, or for another try to fail, is asked as late as the first.

    Args:
        check: raises where the run may write no more.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def install(self, session: Session) -> None:
        """Fence every client that is made from a session later."""
        # After the rate limiter of retry mode `adaptive`, which sleeps at this event.
        emitter = session.get_component("event_emitter")
        emitter.register_last("before-send", self.ask, unique_id="secrets-pipeline-fence")

    def ask(self, event_name: str, **_: object) -> None:
        """Handle botocore's event `before-send.SERVICE.OPERATION`.

        Raises:
            GuardError: if the operation may write, and the run may not any more.
        """
        if not reads(event_name.rpartition(".")[2]):
            self._check()
