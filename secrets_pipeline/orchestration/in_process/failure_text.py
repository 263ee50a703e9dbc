"""Say why a step or run failed, from Dagster's events."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

_OURS = f"{__name__.partition('.')[0]}."


def failure_text(event: dg.DagsterEvent) -> str | None:
    """Return what the event of a failure says, by its first cause; None for any other event."""
    data = event.event_specific_data
    error: SerializableErrorInfo | None = getattr(data, "error", None)
    user_failure = getattr(data, "user_failure_data", None)
    if user_failure is not None and user_failure.description:
        return str(user_failure.description)
    while error is not None and error.cause is not None:
        error = error.cause
    return None if error is None else _sentence(error)


def _sentence(error: "SerializableErrorInfo") -> str:
    """What an error says: Dagster writes its class in front, as a traceback does, and ours tell nobody anything."""
    text = str(error.message).strip()
    module, _, said = text.partition(f"{error.cls_name}: ")
    return said if module.startswith(_OURS) and said else text
