from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.emulator import LocalAws, empty
from secrets_pipeline.orchestration.applying.run_lease import leases_of
from secrets_pipeline.orchestration.shared.resources import Stacks
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository
from tests.orchestration.leases.ground import World, in_bucket

Opened = Callable[[str], Stacks]
TARGETS: Mapping[str, Any] = {"targets": [{"stacks": "*", "account_id": "111122223333", "region": "eu-west-2"}]}


@pytest.fixture
def world() -> Iterator[World]:
    with World().ruling() as world:
        yield world


@pytest.fixture
def opened(aws: LocalAws, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The stacks a and b, with leases in a bucket or in files."""
    empty(aws)
    lead_to(aws, monkeypatch)
    secrets = {"one": {"generate_random_password": True}}
    repository.tree = {name: {"secretsmanager": {"context_name": name, "secrets": secrets}} for name in ("a", "b")}

    def stacks(where: str) -> Stacks:
        repository.settings = {**TARGETS, **(in_bucket(aws) if where == "bucket" else {})}
        return repository.stacks()

    return stacks


def address_of(instance: dg.DagsterInstance, stacks: Stacks, stack: str = "a") -> str:
    return f"{leases_of(instance, stacks).root}{stacks.account_of(stack)}-{stack}"
