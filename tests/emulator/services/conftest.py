"""Rules and queues for the tests of services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secrets_pipeline.emulator import LocalAws, reset_conditions
from tests.emulator.conftest import Clients
from tests.emulator.services.ground import Ground, MakeGround


@pytest.fixture
def make_ground(aws: LocalAws, clients: Clients, name: str) -> Iterator[MakeGround]:
    made: list[Ground] = []

    def ground(of: Clients = clients, region: str = "eu-west-2") -> Ground:
        one = Ground(aws, of, name.split("/", 1)[0], region)
        made.append(one)
        return one

    yield ground
    for one in made:
        one.end()
    reset_conditions(aws)


@pytest.fixture
def ground(make_ground: MakeGround) -> Ground:
    return make_ground()
