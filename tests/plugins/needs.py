"""A test that is marked `needs("service:Operation")` fails unless the embedded AWS is asked for that while it runs."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from secrets_pipeline import emulator


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "needs(*actions): what the embedded AWS has to be asked for")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Compare a test's mark with the calls that were counted."""
    marker = item.get_closest_marker("needs")
    if marker is None:
        return (yield)
    assert isinstance(item, pytest.Function)
    aws = item.funcargs["embedded_aws"]
    assert isinstance(aws, emulator.LocalAws)
    emulator.reset_calls(aws)
    result = yield
    called = {f"{one.service}:{one.operation}" for one in emulator.calls(aws)}
    assert set(marker.args) <= called
    return result
