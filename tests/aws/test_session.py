from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.credentials import DeferredRefreshableCredentials

from secrets_pipeline.aws import AwsAccount, Pacer, Sessions
from secrets_pipeline.errors import AwsError
from secrets_pipeline.spec.model import Target

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

REGION = "eu-west-1"
ROLE = "arn:aws:iam::444455556666:role/deploy"


def unpaced(_account: str, _region: str) -> Pacer:
    return Pacer(sleep=lambda _: None)


def test_the_account_is_asked_once_whatever_the_number_of_threads(account: AwsAccount, emulator: Emulator) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(lambda _: account.account_id, range(64)))
    assert answers == {emulator.account_id}
    assert emulator.calls == {"GetCallerIdentity": 1}


def test_threads_share_one_client_per_service(account: AwsAccount) -> None:
    gate = threading.Barrier(8)

    def made(_: int) -> int:
        gate.wait()
        return id(account.client("kms"))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(made, range(8)))) == 1


def test_one_target_is_one_account_and_each_region_its_own(emulator: Emulator) -> None:
    sessions = Sessions()
    ireland = sessions.for_target(Target(region=REGION))
    assert sessions.for_target(Target(region=REGION, account_id=emulator.account_id)) is ireland
    frankfurt = sessions.for_target(Target(region="eu-central-1"))
    frankfurt.client("secretsmanager").create_secret(Name="only-there", SecretString="x")
    assert ireland.client("secretsmanager").list_secrets()["SecretList"] == []
    assert frankfurt.region == frankfurt.client("secretsmanager").meta.region_name == "eu-central-1"


def test_a_role_of_another_account_is_assumed_once_and_works_there(emulator: Emulator) -> None:
    sessions = Sessions(pacers=unpaced)
    other = sessions.for_target(Target(region=REGION, role_arn=ROLE))
    other.client("secretsmanager").create_secret(Name="theirs", SecretString="x")
    other.client("kms").list_keys()
    assert other.account_id == "444455556666"
    assert emulator.calls["AssumeRole"] == 1
    assert sessions.for_target(Target(region=REGION)).client("secretsmanager").list_secrets()["SecretList"] == []


def test_credentials_of_a_role_are_renewed_before_they_expire(emulator: Emulator) -> None:
    other = Sessions(pacers=unpaced).for_target(Target(region=REGION, role_arn=ROLE))
    other.client("kms").list_keys()
    credentials = other.botocore_session.get_credentials()
    assert isinstance(credentials, DeferredRefreshableCredentials)
    before: Any = credentials.get_frozen_credentials()
    inside: Any = credentials
    inside._refresh_using.__self__._cache.clear()
    inside._expiry_time = inside._time_fetcher()
    other.client("kms").list_keys()
    assert emulator.calls["AssumeRole"] == 2
    assert credentials.get_frozen_credentials().access_key != before.access_key


def test_the_credentials_of_a_given_session_are_used(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    given = boto3.Session(aws_access_key_id="given", aws_secret_access_key="given")
    assert Sessions(given).for_target(Target(region=REGION)).account_id == emulator.account_id
    with pytest.raises(AwsError, match="GetCallerIdentity in eu-west-1 failed") as failure:
        _ = Sessions().for_target(Target(region=REGION)).account_id
    assert failure.value.code == "NoCredentialsError"
    assert "aws sso login" in failure.value.remedy


def test_a_profile_that_does_not_exist_is_said(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsError, match="nobody") as failure:
        Sessions().for_target(Target(region=REGION))
    assert failure.value.code == "ProfileNotFound"


def test_clients_name_the_project_retry_and_hold_a_connection_per_thread(emulator: Emulator) -> None:
    client = Sessions(threads=24).for_target(Target(region=REGION)).client("secretsmanager")
    config: Any = client.meta.config
    assert "secrets-pipeline/" in config.user_agent
    assert config.retries["mode"] == "standard"
    assert config.max_pool_connections == 24


def test_every_attempt_of_a_secrets_manager_call_is_paced_and_no_other_call(emulator: Emulator) -> None:
    asked: list[tuple[str, str, str]] = []

    class Recorder(Pacer):
        def __init__(self, account_id: str, region: str) -> None:
            super().__init__(sleep=lambda _: None)
            self._place = (account_id, region)

        def wait(self, operation: str) -> float:
            asked.append((*self._place, operation))
            return super().wait(operation)

    account = Sessions(pacers=Recorder).for_target(Target(region=REGION))
    client = account.client("secretsmanager")
    events: Any = client.meta.events
    no_pause_before_retry = iter([0])
    events.register("needs-retry.secrets-manager.CreateSecret", lambda **_: next(no_pause_before_retry, None))
    client.create_secret(Name="a", SecretString="x")
    account.client("kms").list_keys()
    assert asked == [(emulator.account_id, REGION, "CreateSecret")] * 2
    assert emulator.calls["CreateSecret"] == 2


def test_an_account_shows_no_credentials(emulator: Emulator) -> None:
    base = boto3.Session(aws_access_key_id="AKIACANARY", aws_secret_access_key="canary-secret")
    account = Sessions(base).for_target(Target(region=REGION))
    assert repr(account) == "AwsAccount(account not asked yet, eu-west-1)"
    assert account.account_id in repr(account)
