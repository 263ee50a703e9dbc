"""A deployment of the examples, as `make dev` serves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.shared.home import prepare_home
from tests.e2e.deployment import STACKS, Deployment, serving
from tests.gits import committed
from tests.waiting import eventually

_PARTITIONS = '{ assetNodeOrError(assetKey: {path: ["secrets"]}) { ... on AssetNode { partitionKeys } } }'


@pytest.fixture(scope="module")
def deployment(
    aws: emulator.LocalAws, home: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment that starts with an empty DAGSTER_HOME, and reads a clone."""
    prepare_home(home)
    committed(repository)
    with serving(tmp_path_factory.mktemp("dg") / "dev.log") as served:
        yield served


@pytest.fixture(scope="module")
def partitions(deployment: Deployment) -> list[str]:
    """The partitions, once all stacks have one."""

    def look() -> list[str] | None:
        keys: list[str] = deployment.query(_PARTITIONS)["assetNodeOrError"]["partitionKeys"]
        return keys if len(keys) == len(STACKS) else None

    return eventually(look, "the sensor to add a partition for each stack")
