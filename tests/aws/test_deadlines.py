from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from secrets_pipeline.aws import deadlines
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError

SERVICES = ("secretsmanager", "kms", "sts", "ssm", "rds", "lambda", "s3")


class Silent:
    """A server that takes every request and answers none.

    Attributes:
        taken: connections, of which each carries one request.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._open: list[socket.socket] = []
        self.taken = 0
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self._open.append(self._listener.accept()[0])
            except OSError:
                return
            self.taken += 1


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Silent]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_CONFIG_FILE": str(tmp_path / "none"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        }.items():
            monkeypatch.setenv(name, value)
        yield Silent(listener)


def sessions() -> Sessions:
    return Sessions(pacers=lambda _account, _region: Pacer(sleep=lambda _: None))


def test_every_client_waits_so_long_that_two_tries_take_about_two_minutes(silent: Silent) -> None:
    account = sessions().for_target(Target(region="eu-west-2"))
    for service in SERVICES:
        config = account.client(service).meta.config
        assert (config.connect_timeout, config.read_timeout) == (10, 60)  # type: ignore[attr-defined] # a Config's
    assert silent.taken == 0


@pytest.mark.parametrize("role_arn", [None, "arn:aws:iam::111122223333:role/deploy"])
def test_a_call_that_is_never_answered_ends_at_its_second_try(
    silent: Silent, monkeypatch: pytest.MonkeyPatch, role_arn: str | None
) -> None:
    monkeypatch.setattr(deadlines, "READ_SECONDS", 0.2)
    account = sessions().for_target(Target(region="eu-west-2", role_arn=role_arn))
    with pytest.raises(AwsError, match="GetCallerIdentity in eu-west-2 failed") as failure:
        _ = account.account_id
    assert failure.value.code == "ReadTimeoutError"
    assert "Check the network" in failure.value.remedy
    assert silent.taken == 2
    if role_arn is None:
        with pytest.raises(AwsError), calling("GetParameter"):
            account.client("ssm").get_parameter(Name="/a")
        assert silent.taken == 4
