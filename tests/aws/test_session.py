from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import DeferredRefreshableCredentials
from botocore.retries.bucket import TokenBucket
from urllib3 import HTTPResponse

from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.errors import AwsError, Unasked
from secrets_pipeline.stacks import AtmosRepository
from tests.embedded import operator
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

REGION = "eu-west-1"
ROLE = "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
POLICY = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]})


def unpaced(_account: str, _region: str) -> Pacer:
    return Pacer(sleep=lambda _: None)


def test_the_account_is_asked_once_whatever_the_number_of_threads(account: AwsAccount, emulator: Emulator) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(lambda _: account.account_id, range(64)))
    assert answers == {emulator.account_id}
    assert emulator.calls == {"GetCallerIdentity": 1}


def test_a_root_logger_at_debug_is_told_no_value(account: AwsAccount, caplog: pytest.LogCaptureFixture) -> None:
    client = account.client("secretsmanager")
    with caplog.at_level(logging.DEBUG):
        client.create_secret(Name="logged", SecretString="canary-7Jq2-value")
        assert client.get_secret_value(SecretId="logged")["SecretString"] == "canary-7Jq2-value"
    assert any(record.name.startswith("urllib3") for record in caplog.records)
    assert "canary-7Jq2-value" not in caplog.text


def test_a_role_whose_trust_policy_asks_for_an_external_id_is_assumed_with_it(
    account: AwsAccount, emulator: Emulator, tmp_path: Path
) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "acme-1"}}
    trust = {"Effect": "Allow", "Principal": {"AWS": emulator.account_id}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**trust, "Condition": condition}]})
    role = account.client("iam").create_role(RoleName="third-party", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text('base_path: "."\nstacks:\n  base_path: stacks\n  included_paths: ["*"]\n')
    (tmp_path / "stacks" / "dev.yaml").write_text(
        f"vars: {{region: {REGION}}}\n"
        "components: {terraform: {secretsmanager: {vars: {context_name: a, "
        "secrets: {k: {generate_random_password: true}}}}}}\n"
    )
    sessions = Sessions(pacers=unpaced)
    for external_id, assumed in (("acme-1", True), ("acme-2", False), (None, False)):
        rule = TargetRule(stacks="*", role_arn=role, external_id=external_id)
        settings = OperatorSettings(targets=(rule,), grants=TRUSTED)
        built = build_specs(AtmosRepository.open(tmp_path, env={}), settings, base_path=tmp_path, environment={})
        account = sessions.for_target(built.specs["dev"].target)
        if assumed:
            assert (
                account.client("sts").get_caller_identity()["Arn"].endswith("assumed-role/third-party/secrets-pipeline")
            )
            continue
        with pytest.raises(AwsError) as refused:
            _ = account.account_id
        assert refused.value.unasked is Unasked.ROLE
        assert "acme" not in str(refused.value)


def test_calls_of_api_gateway_wait_for_their_turn(emulator: Emulator) -> None:
    slept: list[float] = []
    pacer = Pacer(clock=lambda: 0.0, sleep=slept.append)
    client = Sessions(pacers=lambda *_: pacer).for_target(Target(region=REGION)).client("apigateway")
    for _ in range(2):
        with pytest.raises(client.exceptions.NotFoundException):
            client.create_deployment(restApiId="none")
    assert slept == [pytest.approx(5)]


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


def test_the_credentials_of_a_given_session_are_used(
    emulator: Emulator, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert Sessions(operator(aws)).for_target(Target(region=REGION)).account_id == emulator.account_id
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


class Turns:
    """Pacers of one process as `pacer_for` makes them, their clock stopped: each call's turn is what it would wait."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str, str], list[float]] = {}
        self._pacers: dict[tuple[str, str], Pacer] = {}
        self._lock = threading.Lock()

    def __call__(self, account_id: str, region: str) -> Pacer:
        with self._lock:
            return self._pacers.setdefault((account_id, region), self._pacer(region))

    def _pacer(self, region: str) -> Pacer:
        taken, lock = self.taken, self._lock

        class Recorder(Pacer):
            def wait(self, operation: str, service: str = "") -> float:
                turn = super().wait(operation, service)
                with lock:
                    taken.setdefault((region, service, operation), []).append(turn)
                return turn

        return Recorder(clock=lambda: 0.0, sleep=lambda _: None)


def throttled(times: int) -> object:
    """Answer the first requests as AWS does beyond a quota; the others go out."""
    left = [None] * times

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        if not left:
            return None
        left.pop()
        body = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
        raw = HTTPResponse(BytesIO(body), preload_content=False)
        return AWSResponse(request.url, 400, HTTPHeaders(), raw)

    return answer


def test_every_attempt_of_a_call_is_paced_in_its_own_quota(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    turns = Turns()
    account = Sessions(pacers=turns).for_target(Target(region=REGION))
    secrets, kms = account.client("secretsmanager"), account.client("kms")
    for client in (secrets, kms):
        events: Any = client.meta.events
        events.register("before-send", throttled(2))
    arn = secrets.create_secret(Name="a", SecretString="x")["ARN"]
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": "a", "Value": "b"}])
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    account.client("iam").list_roles()
    assert turns.taken == {
        (REGION, "secrets-manager", "CreateSecret"): pytest.approx([0, 1 / 49, 2 / 49]),
        (REGION, "secrets-manager", "TagResource"): [0],
        (REGION, "kms", "CreateKey"): pytest.approx([0, 1 / 4, 2 / 4]),
        (REGION, "kms", "TagResource"): [0],
        # Of IAM, simulations have a quota.
        (REGION, "iam", "ListRoles"): [0],
    }


def test_parameter_store_is_asked_less_often_once_it_said_so(
    account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[None] = []
    monkeypatch.setattr(TokenBucket, "acquire", lambda *_, **__: waits.append(None))
    monkeypatch.setattr("time.sleep", lambda _: None)
    ssm = account.client("ssm")

    def put() -> None:
        ssm.put_parameter(Name="/a", Value="b", Type="String", Overwrite=True)

    put()
    assert not waits
    events: Any = ssm.meta.events
    events.register_first("before-send", throttled(1))
    put()
    assert len(waits) == 1  # the second try
    put()
    assert len(waits) == 2
    config: Any = ssm.meta.config
    assert config.retries["total_max_attempts"] == 8
    assert "secrets-pipeline/" in config.user_agent


def test_threads_and_sessions_of_a_process_share_the_quotas_of_an_account_and_region(emulator: Emulator) -> None:
    turns = Turns()
    accounts = [Sessions(pacers=turns).for_target(Target(region=REGION)) for _ in range(2)]
    elsewhere = Sessions(pacers=turns).for_target(Target(region="eu-central-1"))
    accounts[0].client("secretsmanager").create_secret(Name="a", SecretString="x")
    for account in (*accounts, elsewhere):
        _ = account.account_id, account.client("secretsmanager"), account.client("kms")
    gate = threading.Barrier(16)

    def work(number: int) -> None:
        client = accounts[number % 2].client("secretsmanager")
        gate.wait()
        for count in range(8):
            client.put_resource_policy(SecretId="a", ResourcePolicy=POLICY) if count % 2 else (
                client.get_resource_policy(SecretId="a")
            )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    elsewhere.client("kms").list_aliases()
    policy_turns = [
        turn
        for (region, _, name), taken in turns.taken.items()
        if region == REGION and "Policy" in name
        for turn in taken
    ]
    assert sorted(policy_turns) == pytest.approx([number / 49 for number in range(128)])
    assert turns.taken["eu-central-1", "kms", "ListAliases"] == [0]


def test_an_account_shows_no_credentials(emulator: Emulator, aws: LocalAws) -> None:
    account = Sessions(operator(aws)).for_target(Target(region=REGION))
    assert repr(account) == "AwsAccount(account not asked yet, eu-west-1)"
    assert account.account_id in repr(account)
    assert aws.access_key_id not in repr(account)
    assert aws.secret_access_key not in repr(account)
