"""One process for all cases; each clean apply is made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from secrets_pipeline import emulator
from tests.embedded import lead_to
from tests.faults.cases import Clean, clean
from tests.faults.ground import OPERATOR
from tests.faults.solo import Solo


@pytest.fixture(scope="package")
def solo(embedded_aws: emulator.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Solo]:
    """Where everything happens that forks."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(embedded_aws, patch, SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        made = Solo(embedded_aws, tmp_path_factory.mktemp("older") / "repository")
    yield made
    made.close()
    emulator.reset_conditions(embedded_aws)


@pytest.fixture(scope="package")
def expected(solo: Solo) -> Callable[[str], Clean]:
    """What a clean apply of a stack calls and leaves."""
    return cache(lambda title: solo(clean, title))
