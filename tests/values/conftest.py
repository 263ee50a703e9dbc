from __future__ import annotations

from collections.abc import Iterator

import pytest

from secrets_pipeline.aws import AwsAccount, Sessions
from secrets_pipeline.local import LocalAws, reset_calls, start, stop
from secrets_pipeline.spec.model import Target
from tests.embedded import lead_to


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("local-aws")
    yield start(folder, die_with_parent=True)
    stop(folder)


@pytest.fixture
def account(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    lead_to(local_aws, monkeypatch)
    reset_calls(local_aws)
    return Sessions().for_target(Target(region=local_aws.region))
