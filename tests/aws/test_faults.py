from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError, ReadTimeoutError

from secrets_pipeline.aws import AwsAccount, calling, explained, translate
from secrets_pipeline.aws.remedies import OTHERWISE, REMEDIES
from secrets_pipeline.errors import AwsError, SpecError

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

CANARY = "canary-Zx81'\"\n-value"


def refused(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def everything(error: BaseException) -> str:
    return "\n".join([str(error), repr(error), repr(error.args), *traceback.format_exception(error)])


def test_what_aws_refuses_carries_code_operation_name_and_remedy(account: AwsAccount) -> None:
    with pytest.raises(AwsError) as failure, calling("DescribeSecret", "team/dev/none"):
        account.client("secretsmanager").describe_secret(SecretId="team/dev/none")
    assert failure.value.code == "ResourceNotFoundException"
    assert failure.value.operation == "DescribeSecret"
    assert "DescribeSecret team/dev/none failed: ResourceNotFoundException" in str(failure.value)
    assert "apply again" in failure.value.remedy
    assert failure.value.__suppress_context__


def test_errors_of_ours_and_of_others_pass_unchanged() -> None:
    for error in (SpecError("ours"), KeyError("theirs")):
        with pytest.raises(type(error)) as passed, calling("PutSecretValue", "a"):
            raise error
        assert passed.value is error


def test_the_operation_that_failed_inside_another_is_named() -> None:
    error = translate(refused("AccessDenied", "no", "AssumeRole"), action="ListSecrets", resource="of stack dev")
    assert str(error).startswith("ListSecrets of stack dev failed at AssumeRole: AccessDenied: no")
    assert error.operation == "AssumeRole"


@pytest.mark.parametrize(
    "parameters",
    [
        {"SecretId": "a", "SecretString": [CANARY]},
        {"SecretId": "a", "SecretString": {"password": CANARY}},
        {"SecretString": CANARY},
        {"SecretId": "a", "SecretString": CANARY, "SecretStrin": CANARY},
        {"SecretId": "a", "SecretString": [f"x\nMissing required parameter in {CANARY}"]},
    ],
)
def test_a_parameter_that_botocore_refuses_is_named_and_not_shown(
    account: AwsAccount, emulator: Emulator, parameters: dict[str, object]
) -> None:
    client: Any = account.client("secretsmanager")
    with pytest.raises(AwsError) as failure, calling("PutSecretValue", "a"):
        client.put_secret_value(**parameters)
    text = everything(failure.value)
    assert "canary" not in text
    assert ": Secret" in str(failure.value)
    assert failure.value.code == "ParamValidationError"
    assert emulator.calls["PutSecretValue"] == 0


@pytest.mark.parametrize(
    "code",
    ["ValidationException", "InvalidParameterException", "InvalidParameterValue", "SerializationException", "New"],
)
@pytest.mark.parametrize("operation", ["CreateSecret", "PutSecretValue", "ModifyDBInstance", "PutParameter"])
def test_a_service_that_may_quote_the_value_is_not_quoted(code: str, operation: str) -> None:
    error = refused(code, f"Value '{CANARY}' at 'secretString' failed to satisfy constraint", operation)
    translated = translate(error, action=operation, resource="a")
    assert "canary" not in everything(translated)
    assert code in str(translated)
    assert translated.code == code


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidRequestException", "InsufficientStorageFault"])
def test_what_cannot_quote_the_value_is_quoted(code: str) -> None:
    translated = translate(refused(code, "because of this", "PutSecretValue"), action="PutSecretValue", resource="a")
    assert "because of this" in str(translated)


def test_a_denied_kms_key_is_told_from_a_denied_secret() -> None:
    secret = translate(refused("AccessDeniedException", "no policy", "GetSecretValue"), action="x", resource="y")
    key = translate(
        refused("AccessDeniedException", "Access to KMS is not allowed", "GetSecretValue"), action="x", resource="y"
    )
    assert "KMS key" in key.remedy
    assert "KMS key" not in secret.remedy


def test_an_endpoint_that_is_not_there_says_so_without_the_address() -> None:
    error = EndpointConnectionError(endpoint_url=f"https://user:{CANARY}@host/")
    translated = translate(error, action="ListSecrets", resource="")
    assert "canary" not in everything(translated)
    assert "AWS_ENDPOINT_URL" in translated.remedy


def test_errors_of_the_client_side_are_named() -> None:
    assert explained(NoRegionError()) == "You must specify a region."
    assert explained(ReadTimeoutError(endpoint_url=CANARY)) == "ReadTimeoutError"
    assert explained(S3UploadFailedError(CANARY)) == "S3UploadFailedError"
    assert explained(ValueError(CANARY)) == ""


def test_an_answer_without_code_or_message_is_still_an_error() -> None:
    translated = translate(ClientError({}, "ListSecrets"), action="ListSecrets", resource="")
    assert translated.code == "Unknown"
    assert translated.remedy == OTHERWISE


def test_every_remedy_is_a_sentence() -> None:
    assert all(text.endswith(".") and 20 < len(text) < 140 for text in REMEDIES.values())
