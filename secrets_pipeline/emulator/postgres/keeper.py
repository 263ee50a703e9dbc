"""Keep one PostgreSQL: be its parent process, so that no server outlives the embedded AWS.

Reads standard input, whose other end only the embedded AWS holds. At end of input, however the embedded AWS ended,
PostgreSQL is stopped and its folder removed, unless the last line said `keep`. Standard library only; run by path.

Arguments: user id, group id (-1 for both: as this user), folder to remove, then PostgreSQL's command.
"""

import ctypes
import shutil
import signal
import subprocess
import sys

FAST_SECONDS, IMMEDIATE_SECONDS = 10, 5
PR_SET_PDEATHSIG = 1


def _die_with_keeper() -> None:
    """On Linux the kernel stops PostgreSQL even if this keeper is killed.

    Runs between fork and exec, after the change of user, which would clear the setting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Fast shutdown (SIGINT) does not wait for clients; smart shutdown (SIGTERM) would."""
    for signum, seconds in ((signal.SIGINT, FAST_SECONDS), (signal.SIGQUIT, IMMEDIATE_SECONDS)):
        process.send_signal(signum)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def main(arguments: list[str]) -> None:
    """Start PostgreSQL, wait for the end of input, clean up."""
    user, group, folder, *command = arguments
    as_root = user != "-1"
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_keeper,  # noqa: PLW1509 - this process has one thread
        user=int(user) if as_root else None,
        group=int(group) if as_root else None,
        extra_groups=[] if as_root else None,
    )
    keep = False
    for line in sys.stdin:
        keep = line.strip() == "keep"
    stop(process)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
