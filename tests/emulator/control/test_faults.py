"""Faults on chosen calls: in every protocol the error that SDKs know, and a real SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from secrets_pipeline.emulator import (
    FaultAction,
    FaultReport,
    InjectedFault,
    LocalAws,
    Struck,
    arm,
    calls,
    disarm,
    fault_reports,
    reset_calls,
    reset_conditions,
)
from secrets_pipeline.emulator.control.faults import FAULTS_PATH
from secrets_pipeline.emulator.handle.endpoint import ask
from secrets_pipeline.errors import LocalError
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients

Call = Callable[[Any], object]
READS: dict[str, tuple[str, Call, str, str]] = {
    # boto3's name → the service in the call log, a call, and the codes for too many requests and for a fault of AWS.
    "secretsmanager": ("secretsmanager", lambda c: c.list_secrets(), "ThrottlingException", "InternalServiceError"),
    "kms": ("kms", lambda c: c.list_keys(), "ThrottlingException", "KMSInternalException"),
    "ssm": ("ssm", lambda c: c.describe_parameters(), "ThrottlingException", "InternalServerError"),
    "ecs": ("ecs", lambda c: c.list_clusters(), "ThrottlingException", "ServerException"),
    "rds": ("rds", lambda c: c.describe_db_instances(), "Throttling", "InternalFailure"),
    "sts": ("sts", lambda c: c.get_caller_identity(), "Throttling", "InternalFailure"),
    "iam": ("iam", lambda c: c.list_roles(), "Throttling", "InternalFailure"),
    "ec2": ("ec2", lambda c: c.describe_vpcs(), "RequestLimitExceeded", "InternalFailure"),
    "lambda": ("awslambda", lambda c: c.list_functions(), "TooManyRequestsException", "ServiceException"),
    "apigateway": ("apigateway", lambda c: c.get_rest_apis(), "TooManyRequestsException", "InternalFailure"),
    "s3": ("s3", lambda c: c.list_buckets(), "SlowDown", "InternalError"),
}


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    reset_calls(aws)
    yield
    reset_conditions(aws)


def client_of(clients: Clients, service: str, *, attempts: int = 1) -> Any:  # noqa: ANN401 - any client
    make: Callable[..., Any] = clients.session.client
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    return make(service, endpoint_url=clients.endpoint_url, config=config)


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    """A client that tries once."""
    client: SecretsManagerClient = client_of(clients, "secretsmanager")
    return client


@pytest.mark.parametrize("service", READS)
@pytest.mark.parametrize("action", [FaultAction.THROTTLE, FaultAction.ERROR])
def test_a_refused_call_has_the_services_own_code_and_the_next_one_goes_through(
    aws: LocalAws, clients: Clients, service: str, action: FaultAction
) -> None:
    logged, call, throttled, broken = READS[service]
    client = client_of(clients, service)
    call(client)
    arm(aws, InjectedFault(action))
    with pytest.raises(ClientError) as caught:
        call(client)
    code = throttled if action is FaultAction.THROTTLE else broken
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    assert (answer["ResponseMetadata"]["HTTPStatusCode"] == 500) is (action is FaultAction.ERROR)
    (report,) = fault_reports(aws)
    assert [one.service for one in report.struck] == [logged]
    assert [one.count for one in calls(aws) if one.error == code] == [1]
    call(client)


DENIED = {"iam": "AccessDenied", "rds": "AccessDenied", "s3": "AccessDenied", "sts": "AccessDenied"} | {
    "ec2": "UnauthorizedOperation"
}


@pytest.mark.parametrize("service", READS)
def test_a_call_can_be_denied_as_the_service_does_it(aws: LocalAws, clients: Clients, service: str) -> None:
    logged, call, *_ = READS[service]
    client = client_of(clients, service, attempts=3)
    arm(aws, InjectedFault(FaultAction.DENY, service=logged))
    with pytest.raises(ClientError) as caught:
        call(client)
    answer = caught.value.response
    assert answer["Error"]["Code"] == DENIED.get(service, "AccessDeniedException")
    # No SDK tries that again.
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    call(client)


@pytest.mark.parametrize("service", READS)
def test_sdks_try_a_refused_call_again(aws: LocalAws, clients: Clients, service: str) -> None:
    _, call, *_ = READS[service]
    client = client_of(clients, service, attempts=3)
    for action in (FaultAction.THROTTLE, FaultAction.ERROR, FaultAction.LOST):
        arm(aws, InjectedFault(action))
        call(client)
        (report,) = disarm(aws)
        assert (report.seen, len(report.struck)) == (2, 1), action


def test_the_call_is_chosen_by_its_number_service_and_operation(
    aws: LocalAws, clients: Clients, secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    fault = InjectedFault(FaultAction.THROTTLE, at=2, service="secretsmanager", operation="DescribeSecret")
    arm(aws, fault)
    clients.kms.list_keys()
    secrets.describe_secret(SecretId=name)
    secrets.get_secret_value(SecretId=name)
    assert fault_reports(aws) == (FaultReport(fault, seen=1, struck=()),)
    with pytest.raises(ClientError):
        secrets.describe_secret(SecretId=name)
    secrets.describe_secret(SecretId=name)
    assert disarm(aws) == (FaultReport(fault, 3, (Struck("secretsmanager", "DescribeSecret"),)),)
    assert fault_reports(aws) == ()


def test_a_refused_call_is_not_performed_and_a_lost_one_is(
    aws: LocalAws, secrets: SecretsManagerClient, name: str
) -> None:
    for action, error in ((FaultAction.THROTTLE, ClientError), (FaultAction.ERROR, ClientError)):
        arm(aws, InjectedFault(action))
        with pytest.raises(error):
            secrets.create_secret(Name=name, SecretString="x")
        with pytest.raises(secrets.exceptions.ResourceNotFoundException):
            secrets.describe_secret(SecretId=name)
    arm(aws, InjectedFault(FaultAction.LOST))
    with pytest.raises(ConnectionClosedError):
        secrets.create_secret(Name=name, SecretString="x")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"
    counted = {(one.operation, one.status, one.error): one.count for one in calls(aws)}
    assert counted["CreateSecret", 400, "ThrottlingException"] == 1
    assert counted["CreateSecret", 500, "InternalServiceError"] == 1
    assert counted["CreateSecret", 200, ""] == 1


def test_a_fault_follows_the_attempts_of_its_call_and_no_other_call(aws: LocalAws, clients: Clients, name: str) -> None:
    patient, hasty = client_of(clients, "kms", attempts=3), client_of(clients, "kms")
    arm(aws, InjectedFault(FaultAction.THROTTLE, attempts=2))
    patient.list_keys()
    (report,) = disarm(aws)
    assert (report.seen, len(report.struck)) == (3, 2)
    arm(aws, InjectedFault(FaultAction.THROTTLE, attempts=2))
    with pytest.raises(ClientError):
        hasty.list_keys()
    hasty.list_keys()
    arm(aws, InjectedFault(FaultAction.THROTTLE, attempts=3))
    with pytest.raises(ClientError):
        patient.list_keys()
    (report,) = disarm(aws)
    assert len(report.struck) == 3


@pytest.mark.parametrize("action", [FaultAction.KILL_BEFORE, FaultAction.KILL_AFTER])
def test_a_client_is_killed_before_or_after_its_call_is_performed(
    aws: LocalAws, clients: Clients, secrets: SecretsManagerClient, name: str, action: FaultAction
) -> None:
    script = (
        "import sys, boto3\n"
        "client = boto3.client('secretsmanager')\n"
        "sys.stdin.readline()\n"
        f"client.create_secret(Name={name!r}, SecretString='x')\n"
        "print('survived')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**aws.environment(), "PATH": ""},
    )
    arm(aws, InjectedFault(action, operation="CreateSecret", pid=process.pid))
    output, _ = process.communicate(b"\n", timeout=SECONDS)
    assert (process.returncode, output) == (-signal.SIGKILL, b"")
    (report,) = disarm(aws)
    assert report.struck == (Struck("secretsmanager", "CreateSecret"),)
    held = secrets.list_secrets(Filters=[{"Key": "name", "Values": [name]}])["SecretList"]
    assert len(held) == (action is FaultAction.KILL_AFTER)
    (call,) = (one for one in calls(aws) if one.operation == "CreateSecret")
    assert (call.status, call.count) == ((200, 1) if held else (0, 1))


def test_several_faults_count_by_themselves(aws: LocalAws, secrets: SecretsManagerClient) -> None:
    arm(aws, InjectedFault(FaultAction.THROTTLE, at=1), InjectedFault(FaultAction.ERROR, at=2))
    codes = []
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            secrets.list_secrets()
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["ThrottlingException", "InternalServiceError"]
    assert [report.seen for report in disarm(aws)] == [2, 2]


@pytest.mark.parametrize("pid", [None, 0, 1, -1])
def test_a_fault_that_kills_names_a_process(pid: int | None) -> None:
    with pytest.raises(ValueError, match="names a process"):
        InjectedFault(FaultAction.KILL_BEFORE, pid=pid)
    with pytest.raises(ValueError, match="counted from 1"):
        InjectedFault(FaultAction.LOST, at=0)


def test_what_the_server_does_not_understand_is_refused_and_changes_nothing(aws: LocalAws) -> None:
    arm(aws, InjectedFault(FaultAction.LOST, operation="DeleteSecret"))
    for document in ([{"action": "explode"}], [1], {"action": "lost"}, [{"action": "lost", "at": 0}]):
        with pytest.raises(LocalError, match="refused"):
            ask(aws, "PUT", FAULTS_PATH, document)
    with pytest.raises(LocalError, match="refused"):
        ask(aws, "POST", FAULTS_PATH)
    assert len(fault_reports(aws)) == 1
    with pytest.raises(LocalError, match="does not answer"):
        arm(replace(aws, endpoint_url="http://127.0.0.1:1"))
