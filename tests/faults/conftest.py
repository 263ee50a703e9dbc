"""One ground per stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from secrets_pipeline import local
from tests.embedded import lead_to
from tests.faults.edits import older_repository
from tests.faults.ground import OPERATOR, Ground


@pytest.fixture(scope="module")
def grounds(aws: local.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ground]]:
    """Makes the ground of a stack of examples/; `infra-shared:update` begins with an older one applied."""
    older = older_repository(tmp_path_factory.mktemp("older") / "repository")

    def make(title: str) -> Ground:
        stack, _, how = title.partition(":")
        return Ground.of(aws, stack, before=older if how else None)

    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch, SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        yield cache(make)
        local.reset_conditions(aws)
