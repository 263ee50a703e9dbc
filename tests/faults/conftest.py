"""One embedded AWS for all cases, one ground per stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from secrets_pipeline import local
from tests.faults.ground import OPERATOR, Ground


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalAws]:
    running = local.start(tmp_path_factory.mktemp("local-aws"), die_with_parent=True)
    yield running
    local.stop(running.state_dir)


@pytest.fixture(scope="module")
def grounds(aws: local.LocalAws) -> Iterator[Callable[[str], Ground]]:
    """Makes the ground of a stack of examples/."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRETS_PIPELINE_READ_ONLY"):
            patch.delenv(name, raising=False)
        for name, value in {**aws.environment(), "SECRETS_PIPELINE_CONFIG": str(OPERATOR)}.items():
            patch.setenv(name, value)
        yield cache(lambda stack: Ground.of(aws, stack))
        local.reset_conditions(aws)
