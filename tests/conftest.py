"""What every test shares: Hypothesis's profiles, the plugins of `tests/plugins`, one embedded AWS a process."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from typing import Any

import botocore
import pytest
from hypothesis import HealthCheck, settings

from secrets_pipeline import emulator
from secrets_pipeline.aws.loader import share_loader
from secrets_pipeline.aws.pacer import Pacer
from tests import sweep
from tests.embedded import emptied
from tests.in_process_aws import in_process_aws, over_http

pytest_plugins = [
    "tests.plugins.calls",
    "tests.plugins.models",
    "tests.plugins.needs",
    "tests.plugins.once",
    "tests.plugins.skips",
]

__all__ = ["over_http"]

# Properties are never judged by time: a machine that stands still for a second refutes nothing.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", _UNTIMED, max_examples=25)
settings.register_profile("ci", _UNTIMED, max_examples=50, derandomize=True)
settings.register_profile("thorough", _UNTIMED, max_examples=500)
settings.load_profile("dev")

# How wide and how bright the terminal is from which somebody runs the tests.
for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
    os.environ.pop(name, None)

# The embedded AWS has no request rates, so no call waits for its turn; tests of the pacer bring clocks of their own.
_pacer: Any = Pacer.__init__
_pacer.__kwdefaults__["sleep"] = lambda _seconds: None

# Plain boto3 reads AWS's models once a process, too.
botocore.register_initializer(share_loader)


def pytest_report_header() -> str:
    """Say which turn the sweeps take."""
    return sweep.described()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep Python's collector from looking through what is imported: a third of a collection, a tenth of the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 40, 1_000)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Keep pytest and Python, which are about to collect six times, from looking through everything each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def embedded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.LocalAws]:
    """The embedded AWS of this process; `aws` is what a test asks for."""
    with in_process_aws(tmp_path_factory.mktemp("embedded-aws")) as aws:
        yield aws


@pytest.fixture(scope="module")
def aws(embedded_aws: emulator.LocalAws) -> emulator.LocalAws:
    """The embedded AWS, as empty as a new account: a file of tests meets nothing of the one before."""
    return emptied(embedded_aws)
