"""With CI=true a skip is a failure: whatever lacks there, `.ci/programs` has to install."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

# What no installation cures.
ALLOWED = (
    "only Linux signals the child of a killed parent",
    "only Linux tells what the environment of a process is",
    "only root can switch to another user",
)


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if reason.removeprefix("Skipped: ") not in ALLOWED:
        report.outcome = "failed"
        report.longrepr = f"{reason}\nNothing is skipped with CI=true: let .ci/programs install what lacks."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a test that was skipped."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a file that was skipped whole."""
    report = yield
    _judge(report)
    return report
