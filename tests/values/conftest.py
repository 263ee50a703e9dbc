from __future__ import annotations

import pytest

from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator import LocalAws, reset_calls
from tests.embedded import lead_to


@pytest.fixture
def account(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> AwsAccount:
    lead_to(aws, monkeypatch)
    reset_calls(aws)
    return Sessions().for_target(Target(region=aws.region))
