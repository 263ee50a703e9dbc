"""Refuse each AWS operation that is not known to read, in a read-only run."""

from __future__ import annotations

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
