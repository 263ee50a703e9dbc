"""The guards of AWS's protocol, and values that no server is told of."""

from __future__ import annotations

import json
import logging
from typing import Any

import botocore.client
import pytest

from secrets_pipeline.rotation_lambda import secret_versions
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.handler import handle
from secrets_pipeline.rotation_lambda.password_rule import DEFAULT_RULE, TAG, decode
from tests.rotation_lambda.grounds import STEPS, Ground, User

TOKEN_RULE = {TAG: "40/lower=1/numeric=1/key=" + b"token".hex()}


@pytest.mark.parametrize("step", STEPS)
def test_a_secret_whose_rotation_was_cancelled_is_refused(ground: Ground, step: str) -> None:
    arn = ground.secret("value")
    token = ground.start(arn)
    ground.secrets.cancel_rotate_secret(SecretId=arn)
    with pytest.raises(RotationError, match="is not enabled"):
        ground.step(step, arn, token)


@pytest.mark.parametrize("step", STEPS)
def test_a_secret_that_does_not_say_whether_it_is_rotated_is_no_reason_to_refuse(ground: Ground, step: str) -> None:
    arn = ground.secret("value")
    described = ground.secrets.describe_secret(SecretId=arn)
    assert "RotationEnabled" not in described
    # As for any other version that is current already: there is nothing left to do.
    ground.step(step, arn, described["VersionIdsToStages"].popitem()[0])


@pytest.mark.parametrize("step", STEPS)
def test_a_version_that_is_unknown_or_not_pending_is_refused_and_one_that_is_current_is_done(
    ground: Ground, step: str
) -> None:
    arn = ground.secret("value")
    first = next(iter(ground.stages(arn)))
    token = ground.start(arn)
    with pytest.raises(RotationError, match="has no version"):
        ground.step(step, arn, "0" * 32)
    ground.step(step, arn, first)
    assert ground.value(arn) == "value"
    ground.steps(arn, token)
    with pytest.raises(RotationError, match="not staged as AWSPENDING"):
        ground.step(step, arn, first)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Step": "createSecret"},
        {"Step": "dropSecret", "SecretId": "x", "ClientRequestToken": "y"},
        {"Step": "createSecret", "SecretId": "", "ClientRequestToken": "y"},
    ],
)
def test_an_event_that_is_no_step_is_refused_before_any_call(event: dict[str, str]) -> None:
    with pytest.raises(RotationError, match="no step of a rotation"):
        handle(event)


def test_a_plain_value_becomes_a_new_random_one(ground: Ground) -> None:
    arn = ground.secret("the-first-api-key")
    token = ground.rotate(arn)
    value = ground.value(arn)
    assert value is not None
    assert DEFAULT_RULE.allows(value)
    assert ground.value(arn, "AWSPREVIOUS") == "the-first-api-key"
    assert "AWSCURRENT" in ground.stages(arn)[token]


def test_the_key_that_the_tag_names_is_renewed_and_all_others_stay(ground: Ground) -> None:
    before = {"url": "https://partner.example", "token": "old", "nested": {"ü": [1, 2.5, None]}}
    arn = ground.secret(json.dumps(before), TOKEN_RULE)
    ground.rotate(arn)
    after = json.loads(str(ground.value(arn)))
    assert decode(TOKEN_RULE[TAG]).allows(after["token"])
    assert list(after) == list(before)
    assert {**after, "token": "old"} == before


def test_a_json_object_without_a_named_key_is_not_destroyed(ground: Ground) -> None:
    arn = ground.secret('{"token": "old"}')
    token = ground.start(arn)
    with pytest.raises(RotationError, match="no key of it is named"):
        ground.step("createSecret", arn, token)
    ground.secrets.tag_resource(SecretId=arn, Tags=[{"Key": TAG, "Value": TOKEN_RULE[TAG].replace("746f", "0000")}])
    with pytest.raises(RotationError, match="which the tag"):
        ground.step("createSecret", arn, token)
    ground.secrets.tag_resource(SecretId=arn, Tags=[{"Key": TAG, "Value": "nonsense"}])
    with pytest.raises(RotationError, match="is not understood"):
        ground.step("createSecret", arn, token)
    assert ground.value(arn, "AWSPENDING") is None


WEAK_RULES = (
    "1/lower=1:61",
    "7/lower=1",
    "256/lower=0:61",
    "8/numeric=0:" + b"0123".hex(),
    "8/lower=8:61/upper=0/numeric=0",
    "32/lower=32:61/upper=0/key=" + b"token".hex(),
)


@pytest.mark.parametrize("weak", WEAK_RULES)
def test_a_tag_that_asks_for_less_than_a_stack_may_declare_makes_no_value(ground: Ground, weak: str) -> None:
    arn = ground.secret('{"token": "old"}' if "key=" in weak else "old", {TAG: weak})
    token = ground.start(arn)
    with pytest.raises(RotationError, match=r"asks for values that no stack may declare: .*Apply the stack again"):
        ground.step("createSecret", arn, token)
    assert ground.value(arn, "AWSPENDING") is None


def test_a_weak_tag_makes_no_password_of_a_database(ground: Ground, single: User) -> None:
    token = ground.start(single.arn)
    ground.secrets.tag_resource(SecretId=single.arn, Tags=[{"Key": TAG, "Value": "1/lower=1:61"}])
    with pytest.raises(RotationError, match="no stack may declare"):
        ground.step("createSecret", single.arn, token)
    assert ground.value(single.arn, "AWSPENDING") is None


def test_a_weak_value_that_somebody_staged_under_a_weak_tag_does_not_become_current(ground: Ground) -> None:
    arn = ground.secret("the-first-api-key", {TAG: "1/lower=1:61"})
    token = ground.start(arn)
    ground.secrets.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString="a", VersionStages=["AWSPENDING"]
    )
    with pytest.raises(RotationError, match="no stack may declare") as refusal:
        ground.steps(arn, token)
    assert ground.value(arn) == "the-first-api-key"
    assert "the-first-api-key" not in str(refusal.value)


def test_a_change_of_the_secret_during_its_rotation_is_not_lost(ground: Ground) -> None:
    arn = ground.secret('{"token": "old", "url": "before"}', TOKEN_RULE)
    token = ground.start(arn)
    ground.step("createSecret", arn, token)
    change(ground, arn, {"token": "old", "url": "after"})
    with pytest.raises(RotationError, match="changed during the rotation"):
        ground.step("testSecret", arn, token)
    assert json.loads(str(ground.value(arn)))["url"] == "after"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"engine": "oracle-ee"}, "not one that this function rotates"),
        ({"engine": "postgres", "username": "u", "password": "p"}, "no text under the key host"),
        ({"engine": "postgres", "host": "h", "password": "p"}, "no text under the key username"),
        ({"engine": "postgres", "host": "h", "username": "u", "password": ""}, "no text under the key password"),
        ({"engine": "mysql", "host": "h", "username": "u", "password": "p", "port": "x"}, "no port number"),
        ({"engine": "mysql", "host": "h", "username": "u", "password": "p", "port": 65536}, "no port number"),
    ],
)
def test_a_database_secret_that_lacks_something_is_refused_by_its_key(
    ground: Ground, value: dict[str, Any], says: str
) -> None:
    arn = ground.secret(json.dumps(value))
    token = ground.start(arn)
    with pytest.raises(RotationError, match=says):
        ground.step("createSecret", arn, token)


def test_a_binary_secret_is_refused(ground: Ground) -> None:
    arn = ground.secrets.create_secret(Name="rotated-binary", SecretBinary=b"x")["ARN"]
    token = ground.start(arn)
    with pytest.raises(RotationError, match="is binary"):
        ground.step("createSecret", arn, token)


@pytest.mark.parametrize("key", ["host", "username", "engine", "port"])
def test_a_pending_version_for_another_user_or_server_is_refused(ground: Ground, key: str) -> None:
    value = {"engine": "postgres", "host": "127.0.0.1", "port": 9, "username": "u", "password": "p"}
    other = {"host": "127.0.0.2", "username": "v", "engine": "mysql", "port": 10}[key]
    arn = ground.secret(json.dumps(value))
    token = ground.start(arn)
    put_pending(ground, arn, token, {**value, key: other})
    with pytest.raises(RotationError, match="--remove-from-version-id " + token):
        ground.step("setSecret", arn, token)


def put_pending(ground: Ground, arn: str, token: str, document: object) -> None:
    ground.secrets.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(document), VersionStages=["AWSPENDING"]
    )


def change(ground: Ground, arn: str, document: object) -> None:
    """Another current version, in the way of the pipeline: staged first, then moved."""
    current = next(version for version, labels in ground.stages(arn).items() if "AWSCURRENT" in labels)
    made = ground.secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(document), VersionStages=["OURS"])
    ground.secrets.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=made["VersionId"], RemoveFromVersionId=current
    )


def test_a_pending_version_that_the_database_accepts_is_never_given_up(ground: Ground, single: User) -> None:
    """Its password is nowhere else: neither a new endpoint nor a broken tag keeps it from becoming current."""
    token = ground.start(single.arn)
    ground.step("createSecret", single.arn, token)
    ground.step("setSecret", single.arn, token)
    change(ground, single.arn, {**single.current, "host": "moved.example.invalid"})
    ground.secrets.tag_resource(SecretId=single.arn, Tags=[{"Key": TAG, "Value": "broken"}])
    ground.steps(single.arn, token)
    assert single.accepts(single.current)


def test_a_test_on_the_value_that_is_current_passes(ground: Ground, single: User, alternating: User) -> None:
    """So does RotateSecret look at a function when it does not rotate immediately."""
    for arn in (single.arn, alternating.arn, ground.secret('{"token": "old"}', TOKEN_RULE)):
        token = ground.start(arn)
        put_pending(ground, arn, token, json.loads(str(ground.value(arn))))
        ground.step("testSecret", arn, token)


def test_a_pending_version_of_another_kind_or_without_a_value_is_refused(ground: Ground) -> None:
    arn = ground.secret("plain")
    token = ground.start(arn)
    with pytest.raises(RotationError, match="has no value"):
        ground.step("setSecret", arn, token)
    ground.secrets.put_secret_value(
        SecretId=arn,
        ClientRequestToken=token,
        SecretString='{"engine": "postgres", "host": "h", "username": "u", "password": "p"}',
        VersionStages=["AWSPENDING"],
    )
    with pytest.raises(RotationError, match="not of one kind"):
        ground.step("testSecret", arn, token)


def test_a_version_that_another_invocation_filled_meanwhile_stays(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two invocations of one step: the value that was put first counts."""
    arn = ground.secret("plain")
    token = ground.start(arn)
    pending = secret_versions.Versions.pending

    def overtaken(versions: secret_versions.Versions) -> str | None:
        found = pending(versions)
        ground.secrets.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString="first", VersionStages=["AWSPENDING"]
        )
        return found

    monkeypatch.setattr(secret_versions.Versions, "pending", overtaken)
    ground.step("createSecret", arn, token)
    assert ground.value(arn, "AWSPENDING") == "first"


def test_a_rotation_token_is_passed_on_to_put_secret_value(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined] # the stubs leave it out

    def recording(client: object, operation: str, parameters: dict[str, Any]) -> object:
        sent.append((operation, parameters))
        return call(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recording)
    for token_sent in ("r" * 36, None):
        arn = ground.secret("plain")
        token = ground.start(arn)
        sent.clear()
        event = {"Step": "createSecret", "SecretId": arn, "ClientRequestToken": token}
        handle(event | ({"RotationToken": token_sent} if token_sent else {}))
        (parameters,) = [one for operation, one in sent if operation == "PutSecretValue"]
        assert parameters.get("RotationToken") == token_sent


def test_what_aws_refuses_is_said_by_operation_and_code(ground: Ground) -> None:
    with pytest.raises(RotationError, match="DescribeSecret was refused: ResourceNotFoundException"):
        handle({"Step": "createSecret", "SecretId": "missing", "ClientRequestToken": "t" * 32})


def test_no_value_is_logged_even_at_level_debug(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        arn = ground.secret("the-first-canary-value")
        token = ground.start(arn)
        # What this test itself asked for is no word of the function's.
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            ground.steps(arn, token)
        value = str(ground.value(arn))
    finally:
        root.setLevel(before)
    ours = [record.getMessage() for record in caplog.records if record.name == "secrets_pipeline.rotation"]
    assert len(ours) == len(STEPS)
    assert not [text for text in ours if "the-first-canary-value" in text or value in text]
    wire = [record for record in caplog.records if record.name.split(".")[0] in {"boto3", "botocore", "urllib3"}]
    assert not [record for record in wire if record.levelno < logging.WARNING]
