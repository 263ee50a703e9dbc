"""An interrupt that meets a finalizer ends the command all the same."""

import signal
import subprocess
import sys

import pytest

from tests.waiting import SECONDS

PROGRAM = """
import signal, sys, time, weakref
from secrets_pipeline.cli.shared.interrupts import keep_interrupts

class Thing: pass

def interrupt(*_):
    import dagster
    raise dagster.DagsterExecutionInterruptedError

class NoInterrupt(BaseException): pass

def fail(*_):
    raise NoInterrupt

def slow():
    print("finalizing", flush=True)
    while True:
        time.sleep(0.01)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
# As Dagster does it during a run.
signal.signal(signal.SIGUSR1, interrupt)
signal.signal(signal.SIGUSR2, fail)
# A background job of a shell would ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if "keep" in sys.argv:
    keep_interrupts()
thing = Thing()
weakref.finalize(thing, slow)
del thing
if "keep" in sys.argv:
    time.sleep(float(sys.argv[2]))
print("went on")
"""


def interrupted(number: signal.Signals, *arguments: str) -> tuple[int, str]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "finalizing\n"
        process.send_signal(number)
        said = process.stdout.read()
        return process.wait(SECONDS), said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_inside_of_a_finalizer_is_not_lost(number: signal.Signals) -> None:
    assert interrupted(number) == (0, "went on\n")
    code, said = interrupted(number, "keep", "300")
    assert code in (130, 143, -signal.SIGINT)
    assert said == ""


def test_what_is_no_interrupt_ends_nothing() -> None:
    assert interrupted(signal.SIGUSR2, "keep", "1") == (0, "went on\n")
