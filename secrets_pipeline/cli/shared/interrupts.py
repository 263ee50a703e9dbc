"""Keep Ctrl-C and SIGTERM from being lost where Python cannot let them through.

An exception that a signal handler raises inside of a finalizer (a collected AWS client closes its connections in one)
is only reported, and then forgotten.
Source: https://docs.python.org/3/library/sys.html#sys.unraisablehook
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_SECONDS = 0.05


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGINT raise SystemExit and KeyboardInterrupt in a block, so that it puts away what it began."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A background job of a shell would ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep_interrupts() -> None:
    """Send an interrupt that a finalizer has swallowed once more, in this process."""
    report = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        again_by = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}
        # During a run, Dagster's handler of either signal raises an exception of its own; to import it costs a second.
        if dagster := sys.modules.get("dagster"):
            again_by[dagster.DagsterExecutionInterruptedError] = signal.SIGINT
        swallowed = again_by.get(unraisable.exc_type)
        if swallowed is None:
            report(unraisable)
            return
        # Not here: the hook is still inside of the finalizer.
        # To the process, not to the timer's thread: the main thread may be waiting in the kernel.
        again = threading.Timer(_AGAIN_SECONDS, os.kill, [os.getpid(), swallowed])
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
