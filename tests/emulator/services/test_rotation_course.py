"""How rotations begin, fail, are tried again, given up and come round, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, advance, clock, empty, reset_conditions, set_clock, settle

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients
    from tests.emulator.services.ground import Ground

Function = Callable[..., str]
DAILY: Any = {"AutomaticallyAfterDays": 1}
MONTHLY: Any = {"AutomaticallyAfterDays": 30}
FORTNIGHT = str(14 * 86_400)
"""The longest time that a queue keeps a message, in seconds of the clock that is moved."""


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


@pytest.fixture(autouse=True)
def real_time(aws: LocalAws) -> Iterator[None]:
    # Secrets that other tests left would rotate as time goes by.
    empty(aws)
    yield
    settle(aws)
    reset_conditions(aws)


class Told:
    """What Secrets Manager tells by itself of secrets, the oldest first."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._url, arn = ground.queue(MessageRetentionPeriod=FORTNIGHT)
        ground.rule({"detail-type": ["AWS Service Event via CloudTrail"]}, Arn=arn)
        self._received: list[dict[str, Any]] = []

    def events(self, arn: str) -> list[dict[str, Any]]:
        self._received += [one["detail"] for one in self._ground.received(self._url)]
        return [one for one in self._received if one["additionalEventData"]["SecretId"] == arn]

    def names(self, arn: str) -> list[str]:
        return [one["eventName"] for one in self.events(arn)]


@pytest.fixture
def told(ground: Ground) -> Told:
    return Told(ground)


def value(secrets: SecretsManagerClient, name: str) -> str:
    return secrets.get_secret_value(SecretId=name)["SecretString"]


def set_mode(clients: Clients, function: str, mode: str = "") -> None:
    clients.functions.update_function_configuration(FunctionName=function, Environment={"Variables": {"MODE": mode}})


def test_a_rotation_is_told_from_its_start_to_its_end(
    secrets: SecretsManagerClient, name: str, make_function: Function, told: Told
) -> None:
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=make_function())["VersionId"]
    started, succeeded = told.events(arn)
    assert (started["eventName"], succeeded["eventName"]) == ("RotationStarted", "RotationSucceeded")
    for one in (started, succeeded):
        assert one["additionalEventData"] == {"SecretId": arn}
        assert one["requestID"] == f"Rotation-{arn}-{token}"
        assert one["userIdentity"] == {"accountId": "111122223333", "invokedBy": "secretsmanager.amazonaws.com"}


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("fail in setSecret", "Error when executing lambda {function} during setSecret step"),
        ("finish nothing", "Error when executing lambda {function} during finishSecret step"),
        ("create nothing", "Pending secret version {token} for Secret {arn} was not created by Lambda {function}"),
    ],
)
def test_a_failure_is_told_with_the_step_and_leaves_everything_as_it_was(
    *, secrets: SecretsManagerClient, name: str, make_function: Function, told: Told, mode: str, sentence: str
) -> None:
    made, function = secrets.create_secret(Name=name, SecretString="x"), make_function(mode)
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=function)["VersionId"]
    started, failed = told.events(made["ARN"])
    assert (started["eventName"], failed["eventName"]) == ("RotationStarted", "RotationFailed")
    assert failed["errorMessage"].startswith(sentence.format(function=function, token=token, arn=made["ARN"]))
    described = secrets.describe_secret(SecretId=name)
    assert described["VersionIdsToStages"] == {made["VersionId"]: ["AWSCURRENT"], token: ["AWSPENDING"]}
    assert "LastRotatedDate" not in described
    assert value(secrets, name) == "x"


def test_a_permission_that_is_gone_in_the_middle_fails_the_rotation(
    secrets: SecretsManagerClient, clients: Clients, name: str, make_function: Function, told: Told
) -> None:
    arn, function = secrets.create_secret(Name=name, SecretString="x")["ARN"], make_function("fail in testSecret")
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=function)["VersionId"]
    assert told.names(arn) == ["RotationStarted", "RotationFailed"]
    set_mode(clients, function)
    clients.functions.remove_permission(FunctionName=function, StatementId="secretsmanager")
    with pytest.raises(secrets.exceptions.ClientError, match="AccessDenied"):
        secrets.rotate_secret(SecretId=name)
    clients.functions.add_permission(
        FunctionName=function,
        StatementId="another",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount="111122223333",
        SourceArn=arn,
    )
    with pytest.raises(secrets.exceptions.InvalidRequestException, match="reattempted"):
        secrets.rotate_secret(SecretId=name)
    assert told.names(arn)[2:] == ["RotationStarted", "RotationSucceeded"]
    assert "AWSCURRENT" in secrets.describe_secret(SecretId=name)["VersionIdsToStages"][token]


@pytest.mark.parametrize(
    "condition", [{"SourceAccount": "444455556666"}, {"SourceArn": "arn:aws:secretsmanager:eu-west-2:1:secret:other"}]
)
def test_a_permission_for_another_source_is_none(
    secrets: SecretsManagerClient,
    clients: Clients,
    name: str,
    make_function: Function,
    condition: Any,  # noqa: ANN401 - keywords
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    function = make_function(permitted=False)
    clients.functions.add_permission(
        FunctionName=function,
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        **condition,
    )
    with pytest.raises(secrets.exceptions.ClientError, match="AccessDenied"):
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=function)


def test_a_value_set_by_hand_abandons_the_rotation_and_the_next_one_succeeds(
    secrets: SecretsManagerClient, clients: Clients, name: str, make_function: Function, told: Told
) -> None:
    arn, function = secrets.create_secret(Name=name, SecretString="x")["ARN"], make_function("is overtaken")
    token = secrets.rotate_secret(SecretId=name, RotationLambdaARN=function)["VersionId"]
    assert told.names(arn) == ["RotationStarted", "RotationAbandoned"]
    assert value(secrets, name) == "by hand"
    assert token not in secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    set_mode(clients, function)
    secrets.rotate_secret(SecretId=name)
    assert told.names(arn)[2:] == ["RotationStarted", "RotationSucceeded"]
    assert value(secrets, name) == "by hand+"


def test_rules_alone_are_tested_on_a_version_that_is_removed_again(
    secrets: SecretsManagerClient, clients: Clients, name: str, make_function: Function, told: Told
) -> None:
    made, function = secrets.create_secret(Name=name, SecretString="x"), make_function()
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules=MONTHLY, RotateImmediately=False)
    assert told.names(made["ARN"]) == []
    versions = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
    assert [one["VersionId"] for one in versions] == [made["VersionId"]]
    logs = clients.session.client("logs", endpoint_url=clients.endpoint_url)
    lines = logs.filter_log_events(logGroupName="/aws/lambda/" + function.rsplit(":", 1)[1])["events"]
    assert any(one["message"].strip() == "tests x" for one in lines)


def test_a_test_that_fails_is_told_and_rotates_nothing(
    secrets: SecretsManagerClient, name: str, make_function: Function, told: Told
) -> None:
    made, function = secrets.create_secret(Name=name, SecretString="x"), make_function("fail in testSecret")
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules=MONTHLY, RotateImmediately=False)
    assert told.names(made["ARN"]) == ["TestRotationFailed"]
    described = secrets.describe_secret(SecretId=name)
    assert described["RotationEnabled"]
    assert described["VersionIdsToStages"] == {made["VersionId"]: ["AWSCURRENT"]}


def test_the_clock_can_be_moved_and_dates_follow(secrets: SecretsManagerClient, aws: LocalAws, name: str) -> None:
    wanted = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)
    set_clock(aws, wanted)
    secrets.create_secret(Name=name, SecretString="x")
    (version,) = secrets.list_secret_version_ids(SecretId=name)["Versions"]
    described = secrets.describe_secret(SecretId=name)
    for date in (version["CreatedDate"], described["CreatedDate"], described["LastChangedDate"], clock(aws)):
        assert wanted <= date < wanted + timedelta(minutes=5)
    later = advance(aws, timedelta(hours=1))
    secrets.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "b"}])
    assert secrets.describe_secret(SecretId=name)["LastChangedDate"] >= later > wanted + timedelta(hours=1)
    reset_conditions(aws)
    assert abs(clock(aws) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_rotation_happens_when_its_window_opens_and_again_after_it(
    secrets: SecretsManagerClient, aws: LocalAws, name: str, make_function: Function, told: Told
) -> None:
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    set_clock(aws, datetime(2031, 1, 1, 12, tzinfo=UTC))
    secrets.rotate_secret(
        SecretId=name,
        RotationLambdaARN=make_function(),
        RotationRules={"AutomaticallyAfterDays": 30, "Duration": "3h"},
        RotateImmediately=False,
    )
    window = datetime(2031, 1, 31, tzinfo=UTC)
    assert secrets.describe_secret(SecretId=name)["NextRotationDate"] == window + timedelta(hours=3, seconds=-1)
    set_clock(aws, window - timedelta(seconds=60))
    assert value(secrets, name) == "x"
    set_clock(aws, window + timedelta(seconds=1))
    assert value(secrets, name) == "x+"
    assert told.names(arn) == ["RotationStarted", "RotationSucceeded"]
    described = secrets.describe_secret(SecretId=name)
    assert window <= described["LastRotatedDate"] < window + timedelta(minutes=3)
    assert described["NextRotationDate"] == datetime(2031, 3, 2, 2, 59, 59, tzinfo=UTC)
    for count in (2, 3):
        # Read each time: a queue keeps nothing for 30 days.
        advance(aws, timedelta(days=30))
        assert told.names(arn) == ["RotationStarted", "RotationSucceeded"] * count
    assert value(secrets, name) == "x+++"
    last = secrets.describe_secret(SecretId=name)["LastRotatedDate"]
    assert datetime(2031, 4, 1, tzinfo=UTC) <= last < datetime(2031, 4, 1, 0, 3, tzinfo=UTC)


def test_a_scheduled_rotation_that_fails_is_tried_again_in_its_window_and_the_next_days(
    *, secrets: SecretsManagerClient, clients: Clients, aws: LocalAws, name: str, make_function: Function, told: Told
) -> None:
    function = make_function("fail in createSecret")
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    set_clock(aws, datetime(2031, 1, 1, 12, tzinfo=UTC))
    rules: Any = {"ScheduleExpression": "rate(10 days)", "Duration": "4h"}
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules=rules, RotateImmediately=False)
    settle(aws)
    set_clock(aws, datetime(2031, 1, 11, 23, tzinfo=UTC))
    attempts = [one for one in told.events(arn) if one["eventName"] == "RotationFailed"]
    assert [one["eventTime"][:13] for one in attempts] == [f"2031-01-11T0{hour}" for hour in range(4)]
    assert secrets.describe_secret(SecretId=name)["NextRotationDate"] < clock(aws)
    (pending,) = [one for one in attempts if one["requestID"] != attempts[0]["requestID"]] or [attempts[0]]
    set_mode(clients, function)
    set_clock(aws, datetime(2031, 1, 12, 0, 5, tzinfo=UTC))
    assert told.names(arn)[-2:] == ["RotationStarted", "RotationSucceeded"]
    described = secrets.describe_secret(SecretId=name)
    token = pending["requestID"].removeprefix(f"Rotation-{arn}-")
    assert "AWSCURRENT" in described["VersionIdsToStages"][token]
    assert described["NextRotationDate"] == datetime(2031, 1, 22, 3, 59, 59, tzinfo=UTC)


def test_cancelled_rotation_does_not_come_round_and_values_by_hand_count_as_rotations(
    secrets: SecretsManagerClient, aws: LocalAws, name: str, make_function: Function, told: Told
) -> None:
    arn = secrets.create_secret(Name=name, SecretString="x")["ARN"]
    set_clock(aws, datetime(2031, 1, 1, 12, tzinfo=UTC))
    secrets.rotate_secret(
        SecretId=name, RotationLambdaARN=make_function(), RotationRules=DAILY, RotateImmediately=False
    )
    settle(aws)
    set_clock(aws, datetime(2031, 1, 1, 23, 30, tzinfo=UTC))
    secrets.put_secret_value(SecretId=name, SecretString="y")
    assert secrets.describe_secret(SecretId=name)["NextRotationDate"] == datetime(2031, 1, 2, 23, 59, 59, tzinfo=UTC)
    secrets.cancel_rotate_secret(SecretId=name)
    advance(aws, timedelta(days=3))
    assert value(secrets, name) == "y"
    assert told.names(arn) == []


def test_a_secret_is_gone_when_its_recovery_window_is_over_unless_it_was_restored(
    secrets: SecretsManagerClient, aws: LocalAws, name: str, told: Told
) -> None:
    kept, gone = name + "/kept", name + "/gone"
    arns = {one: secrets.create_secret(Name=one, SecretString="x")["ARN"] for one in (kept, gone)}
    for one in arns:
        secrets.delete_secret(SecretId=one, RecoveryWindowInDays=7)
    secrets.restore_secret(SecretId=kept)
    advance(aws, timedelta(days=6, hours=23))
    assert "DeletedDate" in secrets.describe_secret(SecretId=gone)
    advance(aws, timedelta(hours=2))
    assert value(secrets, kept) == "x"
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=gone)
    assert told.names(arns[gone]) == ["StartSecretVersionDelete", "EndSecretVersionDelete"]
    assert told.names(arns[kept]) == ["StartSecretVersionDelete", "CancelSecretVersionDelete"]
    secrets.create_secret(Name=gone, SecretString="new")
