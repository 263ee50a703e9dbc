"""Count the calls that the embedded AWS received: writes, and secret values read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from secrets_pipeline.aws.operations import reads
from secrets_pipeline.emulator import CountedCall

_READING_METHODS = frozenset({"GET", "HEAD"})
"""Of HTTP, which stand where the embedded AWS tells no operation."""
_VALUES = frozenset({"GetSecretValue", "BatchGetSecretValue"})


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Counts of calls at the server.

    Attributes:
        secretsmanager: those of Secrets Manager.
        written: operations that write, each as `service Operation`.
    """

    total: int
    secretsmanager: int
    writes: int
    values_read: int
    written: tuple[str, ...]

    @property
    def idle(self) -> bool:
        """Tell whether nothing was written, and no value read."""
        return self.writes == 0 and self.values_read == 0

    def __str__(self) -> str:
        text = f"{self.total} calls, {self.secretsmanager} of Secrets Manager: {self.writes} writes"
        text += f" ({', '.join(self.written)})" if self.written else ""
        return f"{text}, {self.values_read} GetSecretValue"


def call_counts(calls: Iterable[CountedCall]) -> CallCounts:
    """Count recorded calls."""
    known = tuple(calls)
    writing = [call for call in known if not (reads(call.operation) or call.operation in _READING_METHODS)]
    return CallCounts(
        total=sum(call.count for call in known),
        secretsmanager=sum(call.count for call in known if call.service == "secretsmanager"),
        writes=sum(call.count for call in writing),
        values_read=sum(call.count for call in known if call.operation in _VALUES),
        written=tuple(sorted({f"{call.service} {call.operation}" for call in writing})),
    )
