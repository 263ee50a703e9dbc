"""Names of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients, Refused


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/shop/a b", "ValidationException"),
        ("/shop/a@b", "ValidationException"),
        ("/shop//b", "ValidationException"),
        ("/shop/é", "ValidationException"),
        ("/a" * 16, "HierarchyLevelLimitExceededException"),
        (f"/{'a' * 1011}", "ValidationException"),
    ],
)
def test_a_name_that_parameter_store_does_not_take_is_refused(
    clients: Clients, name: str, code: str, refused: Refused
) -> None:
    with refused(code):
        clients.ssm.put_parameter(Name=name, Value="v", Type="String")


@pytest.mark.parametrize("name", ["/a" * 15, "plain", f"/{'a' * 900}", "/Shop/dev_1/a.b-c"])
def test_any_other_is_taken(clients: Clients, name: str) -> None:
    clients.ssm.put_parameter(Name=name, Value="v", Type="String")
    assert clients.ssm.get_parameter(Name=name)["Parameter"]["Value"] == "v"
