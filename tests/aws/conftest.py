from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator import LocalAws, calls, empty, reset_calls
from tests.embedded import lead_to

REGION = "eu-west-1"


class Emulator:
    """The embedded AWS, and what reached it since the last reset."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self.account_id = aws.account_id

    @property
    def calls(self) -> Counter[str]:
        """API operation → calls."""
        counted: Counter[str] = Counter()
        for call in calls(self._aws):
            counted[call.operation] += call.count
        return counted

    def forget_calls(self) -> None:
        """Count from zero again."""
        reset_calls(self._aws)

    def empty(self) -> None:
        """Delete everything that any account holds."""
        empty(self._aws)
        self.forget_calls()


@pytest.fixture
def emulator(aws: LocalAws, over_http: None, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    there = replace(aws, region=REGION)
    lead_to(there, monkeypatch)
    emulator = Emulator(there)
    emulator.empty()
    return emulator


@pytest.fixture
def account(emulator: Emulator) -> AwsAccount:
    return Sessions(pacers=lambda _account, _region: Pacer(sleep=lambda _: None)).for_target(Target(region=REGION))
