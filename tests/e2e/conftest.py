"""The embedded AWS, an own DAGSTER_HOME, and the example repository in a folder that tests may change."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.operations.open_repository import open_repository
from tests.embedded import lead_to

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of examples/."""
    folder = tmp_path_factory.mktemp("atmos") / "examples"
    shutil.copytree(EXAMPLES, folder)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DAGSTER_HOME."""
    return tmp_path_factory.mktemp("dagster-home")


@pytest.fixture(scope="module")
def aws(aws: emulator.LocalAws, repository: Path, home: Path) -> Iterator[emulator.LocalAws]:
    """The embedded AWS with what Terraform would have made; the environment points at it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        lead_to(aws, patch)
        patch.setenv("SECRETS_PIPELINE_CONFIG", str(repository / "operator.yaml"))
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("ATMOS_BASE_PATH", str(repository))
        emulator.stand_in(aws, stand_ins(open_repository(repository).specs))
        yield aws


@pytest.fixture(scope="module")
def boto(aws: emulator.LocalAws) -> boto3.Session:
    """Plain boto3, the independent witness."""
    return boto3.Session()
