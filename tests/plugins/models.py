"""A test fails if the product asked AWS for something that AWS's own model of the service refuses.

botocore checks types and least lengths before it sends, and leaves greatest lengths, ranges, patterns and enumerations
to AWS. The embedded AWS checks them of Secrets Manager, and moto hardly any of the other services.

What is deliberate is marked `beyond_the_model(*requests)`, each as `service:Operation`.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services import shapes

if TYPE_CHECKING:
    from botocore.model import OperationModel

_OURS, _EMULATOR = "secrets_pipeline.", "secrets_pipeline.emulator."
_found: list[tuple[str, str]] = []
_convert: Any = BaseClient._convert_to_request_dict  # type: ignore[attr-defined] # no event is of all


def _checked(
    self: BaseClient, api_params: dict[str, Any], operation_model: OperationModel, *rest: object, **more: object
) -> object:
    try:
        shapes.validate(operation_model.service_model.service_name, operation_model.name, api_params)
    except Fault as fault:
        if _asked_by_the_product():
            asked = f"{operation_model.service_model.service_name}:{operation_model.name}"
            _found.append((asked, str(fault.message)))
    return _convert(self, api_params, operation_model, *rest, **more)


def _asked_by_the_product() -> bool:
    """Whether the product stands nearest to the call: the tests' own clients may ask for anything."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment] # the outermost has none
        name = str(frame.f_globals.get("__name__"))
        if name.startswith(("tests.", "benchmarks.", _EMULATOR)) and name != __name__:
            return False
        if name.startswith(_OURS):
            return True
    return False


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and check every request of this process."""
    config.addinivalue_line("markers", "beyond_the_model(*requests): what is asked for although AWS's model refuses it")
    BaseClient._convert_to_request_dict = _checked  # type: ignore[attr-defined] # as above


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin with the requests of the fixtures that a test is the first to use."""
    _found.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose requests break a model."""
    result = yield
    marker = item.get_closest_marker("beyond_the_model")
    meant = set(marker.args) if marker else set[str]()
    left = [f"{asked}: {problem}" for asked, problem in _found if asked not in meant]
    assert not left, "the product asked for what AWS refuses by its own model: " + "; ".join(dict.fromkeys(left))
    return result
