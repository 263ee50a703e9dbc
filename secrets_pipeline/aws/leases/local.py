"""Hold a lease by a lock file, which the kernel frees as its process ends, however that ends: for one host alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from secrets_pipeline.aws.leases.model import Claim, Gone, Held, Look, Tell
from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.errors import GuardError


class FileLease:
    """A lock that this process holds; see `Lease`."""

    predecessor: str | None = None
    took_over = ""
    unsettled = ""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def check(self) -> None:
        """See `Lease.check`: nobody can take the lock from a process."""
        if not self._lock.is_locked:
            raise GuardError("this run has given its lock back", remedy="Report this as a bug.")

    def confirm(self) -> None:
        """See `Lease.confirm`."""
        self.check()

    def answered(self, call: str) -> None:
        """See `Lease.answered`: the lock is held as long as the process can write."""

    def settle(self) -> None:
        """See `Lease.settle`: nothing was left unsettled."""

    def release(self) -> None:
        """See `Lease.release`."""
        self._lock.release()


class FileLeases:
    """Lock files in a folder; see `Leases`.

    Args:
        folder: made when the first one is taken.
    """

    def __init__(self, folder: Path) -> None:
        self.root = f"file://{folder}/"
        self.expiry = 0.0
        self._folder = folder

    def take(
        self,
        key: str,
        claim: Claim,  # noqa: ARG002 - the kernel knows
        *,
        patience: float,
        tell: Tell = WAITING.info,
    ) -> FileLease:
        """See `Leases.take`.

        Raises:
            OSError: if the folder cannot be written.
        """
        lock = self._lock(key)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _acquire(lock, patience, lambda: tell(f"waits for a process that holds the lock {self.root}{key}"))
        except Timeout:
            raise GuardError(
                f"another run has held the lock {self.root}{key} for {patience:.0f} s",
                remedy="Wait for it, or end it in the Dagster UI.",
            ) from None
        return FileLease(lock)

    def look(self, key: str, run_id: str) -> Look:  # noqa: ARG002 - one lock says it of every run
        """See `Leases.look`.

        Raises:
            OSError: if the folder cannot be read.
        """
        if not self._folder.is_dir():
            return Gone("is free")
        try:
            with self._lock(key).acquire(timeout=0):
                return Gone("is free")
        except Timeout:
            return Held("a process holds it")

    def _lock(self, key: str) -> FileLock:
        # Any thread of the process may ask whether it is held, and give it back.
        return FileLock(self._folder / f"{key}.lock", thread_local=False)


def _acquire(lock: FileLock, patience: float, waits: Callable[[], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not patience:
            raise
        waits()
        lock.acquire(timeout=patience)
