"""Define what a shared lease says: whose it is, since when, and how often it was renewed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime

from secrets_pipeline.errors import GuardError


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The content of a lease.

    Attributes:
        run_id: the run that has it.
        token: of this one time that it was taken; a run that is resumed in another process has another.
        beat: one more with each try to write it, so that no two contents are equal: S3's ETag is a digest of them.
        seconds: how long it lasts without another beat.
        released: whether it is free.
        host: of the run, for humans.
        taken: when, by the clock of that host, for humans.
        renewed: the same of the last beat.
        unsettled: a run whose lease expired, as long as no run has compared deeply what that one may have changed;
            empty for none.
    """

    run_id: str
    token: str
    beat: int
    seconds: int
    released: bool
    host: str
    taken: str
    renewed: str
    unsettled: str = ""

    def text(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str, address: str) -> LeaseRecord:
        """Read a record.

        Args:
            text: JSON.
            address: where it is, for the error.

        Raises:
            GuardError: if it is none.
        """
        try:
            found = json.loads(text)
            record = cls(**{one.name: found[one.name] for one in fields(cls) if one.name in found})
        except (ValueError, TypeError, KeyError):
            record = None
        if record is None or not isinstance(record.beat, int) or not isinstance(record.seconds, int):
            raise GuardError(
                f"{address} is no lease of this pipeline", remedy="Delete it once no run applies the stack."
            )
        return record

    def __str__(self) -> str:
        return f"run {self.run_id} on host {self.host}, which took it at {self.taken}"


def moment() -> str:
    """Tell the time of this host, for humans."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it was in the store.

    Attributes:
        version: another one after each write: S3's ETag.
        dated: when the store answered, by its own clock (header `Date`); None if it did not say.
    """

    record: LeaseRecord
    version: str
    dated: datetime | None = field(default=None, compare=False)
