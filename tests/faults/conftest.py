"""One embedded AWS and one process for all cases; each clean apply is made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from secrets_pipeline import local
from tests.embedded import lead_to
from tests.faults.cases import Clean, clean
from tests.faults.ground import OPERATOR
from tests.faults.solo import Solo


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalAws]:
    running = local.start(tmp_path_factory.mktemp("local-aws"), die_with_parent=True)
    yield running
    local.stop(running.state_dir)


@pytest.fixture(scope="package")
def solo(aws: local.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Solo]:
    """Where everything happens that forks."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch, SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        made = Solo(aws, tmp_path_factory.mktemp("older") / "repository")
    yield made
    made.close()
    local.reset_conditions(aws)


@pytest.fixture(scope="package")
def expected(solo: Solo) -> Callable[[str], Clean]:
    """What a clean apply of a stack calls and leaves."""
    return cache(lambda title: solo(clean, title))
