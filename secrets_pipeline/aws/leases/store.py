"""Define the two calls by which a shared lease is kept: read it, and write it if it is still as it was read."""

from __future__ import annotations

from typing import Protocol

from secrets_pipeline.aws.leases.record import LeaseRecord, Seen


class LeaseStore(Protocol):
    """Keeps one record for each key; a write is atomic, and a read sees every write before it.

    Attributes:
        root: what the address of each record begins with.
    """

    root: str

    def read(self, key: str) -> Seen | None:
        """Read a record; None where there is none.

        Raises:
            AwsError: if the store refuses.
            GuardError: if what is there is no record.
        """

    def write(self, key: str, record: LeaseRecord, over: Seen | None) -> Seen | None:
        """Write a record in the place of another.

        Args:
            key: which.
            record: what to write.
            over: what has to be there still; None for nothing.

        Returns:
            The record as it is in the store; None where something else was there. After an answer that was lost,
            botocore sends the request again, so None may also mean that this very record is there already.

        Raises:
            AwsError: if the store refuses, or does not answer; whether it was written is unknown then.
        """
