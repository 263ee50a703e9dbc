"""Allow one apply of a stack at a time on a host (a lock file), and end runs whose process is gone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from secrets_pipeline.errors import GuardError
from secrets_pipeline.orchestration.shared.home import storage_errors
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

PROCESS_TAG = "secrets-pipeline/process"
_LOCK_SECONDS = 600.0


@contextmanager
def stack_lock(root: Path, account: str, stack: str, *, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of a stack while the block runs.

    Args:
        root: DAGSTER_HOME.
        account: the stack's account.
        stack: the stack's name.
        seconds: how long to wait for it.

    Raises:
        GuardError: if somebody else keeps it.
    """
    folder = root / "locks"
    lock = FileLock(folder / f"{account}-{stack}.lock")
    try:
        with storage_errors():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire(timeout=seconds)
    except Timeout:
        raise GuardError(
            f"another run of stack {stack} has held its lock for {seconds:.0f} s",
            remedy="Wait for it, or end it in the Dagster UI.",
        ) from None
    try:
        yield
    finally:
        lock.release()


def this_process() -> str:
    """Name this process by host, number and start, as runs of the command line are tagged."""
    return f"{os.uname().nodename} {os.getpid()} {_started(os.getpid())}"


def is_gone(process: str) -> bool:
    """Tell whether a process of this host, as `this_process` names it, has ended; of other hosts nobody knows."""
    host, _, rest = process.partition(" ")
    pid, _, started = rest.partition(" ")
    return host == os.uname().nodename and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process started, in the kernel's clock ticks; `alive` where only its life can be told; else empty."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"


def end_abandoned(instance: dg.DagsterInstance, stack: str, own_run: str) -> None:
    """Report runs of a stack as failed (`report_run_failed`) where the command line's process that ran them is gone."""
    unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: stack}, statuses=unfinished)):
        if run.run_id != own_run and is_gone(run.tags.get(PROCESS_TAG, "")):
            instance.report_run_failed(run, "The process of this run ended without finishing it.")
