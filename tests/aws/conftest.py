from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from secrets_pipeline.aws import AwsAccount, Pacer, Sessions
from secrets_pipeline.local import LocalAws, calls, reset_calls, start, stop
from secrets_pipeline.spec.model import Target

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
        connection = HTTPConnection(urlsplit(self._aws.endpoint_url).netloc)
        connection.request("POST", "/moto-api/reset")
        assert connection.getresponse().status == HTTPStatus.OK
        connection.close()
        self.forget_calls()


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("local-aws")
    yield start(folder, region=REGION, die_with_parent=True)
    stop(folder)


@pytest.fixture
def emulator(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRETS_PIPELINE_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    emulator = Emulator(local_aws)
    emulator.empty()
    return emulator


@pytest.fixture
def account(emulator: Emulator) -> AwsAccount:
    return Sessions(pacers=lambda _account, _region: Pacer(sleep=lambda _: None)).for_target(Target(region=REGION))
