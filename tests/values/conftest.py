from __future__ import annotations

from collections.abc import Iterator

import pytest

from secrets_pipeline.aws import AwsAccount, Sessions
from secrets_pipeline.local import LocalAws, reset_calls, start, stop
from secrets_pipeline.spec.model import Target


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("local-aws")
    yield start(folder, die_with_parent=True)
    stop(folder)


@pytest.fixture
def account(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRETS_PIPELINE_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    reset_calls(local_aws)
    return Sessions().for_target(Target(region=local_aws.region))
