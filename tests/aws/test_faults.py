from __future__ import annotations

import inspect
import string
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3.exceptions
import botocore.exceptions
import botocore.session
import pytest
from boto3.exceptions import Boto3Error, S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from secrets_pipeline.aws.faults import _OWN_TEXT, calling, explained, translate
from secrets_pipeline.aws.operations import _BY_SERVICE, WITHOUT_VALUES
from secrets_pipeline.aws.remedies import OTHERWISE, REMEDIES
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.engine.model import Change, ChangeClass, Failed, Resource
from secrets_pipeline.engine.report import rows, told
from secrets_pipeline.errors import DENIED, MISSING, THROTTLED, AwsError, SpecError, Unasked
from tests.aws.product_calls import BY_LIBRARIES, SERVICES, called, operations_of

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

CANARY = "canary-Zx81'\"\n-value"


def refused(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def everything(error: BaseException | None) -> str:
    """Every text of an error, and of all that it leads to, hidden or not."""
    if error is None:
        return ""
    texts = [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
    return "\n".join([*texts, everything(error.__cause__), everything(error.__context__)])


def botocore_errors() -> Iterator[Exception]:
    """One error of every class that boto3 and botocore have, the canary in each of its fields."""
    kinds = [
        kind
        for module in (botocore.exceptions, boto3.exceptions)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, BotoCoreError | Boto3Error) and not issubclass(kind, _OWN_TEXT)
    ]
    for kind in dict.fromkeys(kinds):
        fields = {name: CANARY for _, name, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if name}
        if issubclass(kind, HTTPClientError):
            fields["error"] = CANARY
        made: Any = kind
        taken = inspect.signature(kind.__init__).parameters
        try:
            yield made(**fields) if issubclass(kind, BotoCoreError) else made(CANARY)
        except TypeError:
            yield made(*[CANARY] * (len(taken) - 1))
    yield ResponseParserError(f"invalid XML received: {CANARY}")


def aws_answers() -> Iterator[tuple[str, str]]:
    """(code, message) of answers that quote the value, each in a way of its own."""
    for code in (*REMEDIES, "ValidationException", "InvalidParameterValue", "SerializationException", "Unheard", "500"):
        yield code, CANARY
        yield code, f"Value '{CANARY}' at 'secretString' failed to satisfy constraint"
    yield "AccessDenied", f"User: {CANARY} is not authorized to perform: {CANARY} on resource: {CANARY}"


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
    error = translate(refused("AccessDenied", "no", "GetCallerIdentity"), action="ListSecrets", resource="of stack dev")
    assert str(error).startswith("ListSecrets of stack dev failed at GetCallerIdentity: AccessDenied: no")
    assert error.operation == "GetCallerIdentity"


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


VALUE_OPERATIONS = [
    # Values themselves, sent or answered.
    ("secretsmanager", "CreateSecret"),
    ("secretsmanager", "PutSecretValue"),
    ("secretsmanager", "UpdateSecret"),
    ("secretsmanager", "GetSecretValue"),
    ("secretsmanager", "BatchGetSecretValue"),
    ("ssm", "PutParameter"),
    ("ssm", "GetParameter"),
    ("ssm", "GetParameters"),
    ("ssm", "GetParametersByPath"),
    ("ssm", "DescribeParameters"),
    ("rds", "CreateDBInstance"),
    ("rds", "ModifyDBInstance"),
    ("rds", "CreateDBCluster"),
    ("rds", "ModifyDBCluster"),
    # Key material, and what is under it: of seals, of marks.
    ("kms", "Encrypt"),
    ("kms", "Decrypt"),
    ("kms", "GenerateDataKey"),
    ("kms", "GenerateMac"),
    # Credentials.
    ("sts", "AssumeRole"),
    # Variables of functions, containers and stages.
    ("lambda", "CreateFunction"),
    ("lambda", "GetFunction"),
    ("lambda", "GetFunctionConfiguration"),
    ("lambda", "UpdateFunctionCode"),
    ("lambda", "UpdateFunctionConfiguration"),
    ("ecs", "RegisterTaskDefinition"),
    ("ecs", "DescribeTaskDefinition"),
    ("ecs", "DescribeTasks"),
    ("apigateway", "CreateDeployment"),
    ("apigateway", "GetStage"),
    ("apigateway", "UpdateStage"),
    # Parameters of commands; lines that others wrote.
    ("ssm", "SendCommand"),
    ("ssm", "ListCommands"),
    ("logs", "FilterLogEvents"),
    ("sqs", "ReceiveMessage"),
    ("sqs", "SendMessage"),
]
"""Every operation of the product's whose request or answer carries a value, or may."""


def client_of(service: str) -> Any:  # noqa: ANN401 - any service's client
    make: Any = boto3.client
    return make(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


def raised(error: Exception, operation: str) -> AwsError:
    """What a reconciler gets to see, raised while it may be handling another error that quotes the value."""
    try:
        with calling(operation, "a"):
            raise error
    except AwsError as failure:
        return failure
    raise AssertionError(error)


def test_every_operation_that_is_called_is_known_to_carry_values_or_to_carry_none() -> None:
    assert called() | BY_LIBRARIES == {operation for _, operation in VALUE_OPERATIONS} | WITHOUT_VALUES
    assert all(set(names.split()) <= set(operations_of(service)) for service, names in _BY_SERVICE.items())
    for service, operation in VALUE_OPERATIONS:
        assert operation not in WITHOUT_VALUES
        assert operation in operations_of(service)


@pytest.mark.parametrize("operation", [*(operation for _, operation in VALUE_OPERATIONS), "SomethingNew"])
def test_no_answer_to_a_value_is_quoted_whatever_its_code(operation: str) -> None:
    for code, message in aws_answers():
        failure = raised(refused(code, message, operation), operation)
        assert "canary" not in everything(failure), (code, message)
        assert code in str(failure)
        assert failure.code == code
        assert failure.__cause__ is None
        assert failure.__context__ is None


@pytest.mark.parametrize("operation", [*(operation for _, operation in VALUE_OPERATIONS), "SomethingNew"])
def test_no_error_of_botocore_is_quoted_or_led_to(operation: str) -> None:
    errors = list(botocore_errors())
    assert len(errors) > 80
    for error in errors:
        failure = raised(error, operation)
        assert "canary" not in everything(failure), type(error).__name__
        assert type(error).__name__ in (failure.code, str(failure).split(": ")[-1]) or isinstance(error, ClientError)


@pytest.mark.parametrize(("service", "operation"), VALUE_OPERATIONS)
def test_no_parameter_that_botocore_refuses_is_shown_by_any_operation(service: str, operation: str) -> None:
    client = client_of(service)
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    members = client.meta.service_model.operation_model(operation).input_shape.members
    for name, shape in members.items():
        wrong = [CANARY] if shape.type_name != "list" else {CANARY: CANARY}
        with pytest.raises(AwsError) as failure, calling(operation, "a"):
            getattr(client, method)(**{name: wrong})
        assert failure.value.code == "ParamValidationError"
        assert "canary" not in everything(failure.value), name


def test_an_error_that_is_being_handled_is_not_led_to_either() -> None:
    try:
        int(CANARY)
    except ValueError:
        failure = raised(ParamValidationError(report=CANARY), "PutSecretValue")
    assert "canary" not in everything(failure)


def test_who_denied_what_and_which_parameter_was_meant_is_told_without_the_text() -> None:
    denied = (
        "User: arn:aws:sts::111122223333:assumed-role/deploy/x is not authorized to perform: "
        "secretsmanager:CreateSecret on resource: shop/dev/token because no identity-based policy allows the "
        "secretsmanager:CreateSecret action"
    )
    text = str(raised(refused("AccessDeniedException", denied, "CreateSecret"), "CreateSecret"))
    assert "secretsmanager:CreateSecret is not allowed, because no identity-based policy allows it (AWS's text" in text
    combination = "RDS does not support creating a DB instance with: DBInstanceClass=x, Engine=y, EngineVersion=z"
    text = str(raised(refused("InvalidParameterCombination", combination, "CreateDBInstance"), "CreateDBInstance"))
    assert "InvalidParameterCombination: DBInstanceClass, Engine, EngineVersion (AWS's text" in text


def test_a_code_that_is_none_is_not_repeated() -> None:
    for operation in ("GetSecretValue", "TagResource"):
        failure = raised(refused(CANARY, "no", operation), operation)
        assert "canary" not in everything(failure)
        assert failure.code == "Unknown"
    for code in (*REMEDIES, "EC2ThrottledException", "404", "Lambda.Unknown"):
        assert raised(refused(code, "no", "GetSecretValue"), "GetSecretValue").code == code


def test_what_a_role_may_not_do_is_told_with_its_arn() -> None:
    role = "arn:aws:iam::444455556666:role/teams/deploy"
    denied = f"User: arn:aws:iam::111122223333:user/x is not authorized to perform: sts:AssumeRole on resource: {role}"
    text = str(raised(refused("AccessDenied", denied, "AssumeRole"), "AssumeRole"))
    assert f"AccessDenied: sts:AssumeRole is not allowed on {role} (AWS's text" in text


def test_what_carries_no_value_is_quoted() -> None:
    failure = raised(refused("InvalidRequestException", "because of this", "TagResource"), "TagResource")
    assert "InvalidRequestException: because of this" in str(failure)


def test_a_denied_kms_key_is_told_from_a_denied_secret() -> None:
    secret = translate(refused("AccessDeniedException", "no policy", "GetSecretValue"), action="x", resource="y")
    key = translate(
        refused("AccessDeniedException", "Access to KMS is not allowed", "GetSecretValue"), action="x", resource="y"
    )
    assert "KMS key" in key.remedy
    assert "KMS key" not in secret.remedy


def test_a_key_policy_that_its_writer_may_not_replace_is_told_from_a_malformed_one() -> None:
    code, text = "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in"
    locked_out = translate(refused(code, f"{text} the future.", "CreateKey"), action="CreateKey", resource="alias/shop")
    malformed = translate(refused(code, "Policy contains a", "CreateKey"), action="CreateKey", resource="alias/shop")
    assert "kms:PutKeyPolicy" in locked_out.remedy
    assert "PutKeyPolicy" not in malformed.remedy


@pytest.mark.parametrize("operation", ["CreateDBInstance", "CreateDBCluster"])
def test_a_role_that_rds_may_not_make_is_told_from_a_wrong_setting(operation: str) -> None:
    """The Aurora User Guide quotes the text under "Creating an Aurora Serverless v1 DB cluster"."""
    text = (
        "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait"
    )
    role = translate(refused("InvalidParameterValue", text, operation), action=operation, resource="orders")
    wrong = translate(refused("InvalidParameterValue", "The parameter Port", operation), action=operation, resource="x")
    assert "iam:CreateServiceLinkedRole" in role.remedy
    assert "aws iam create-service-linked-role --aws-service-name rds.amazonaws.com" in role.remedy
    assert "component in YAML" not in role.remedy
    assert "CreateServiceLinkedRole" not in wrong.remedy


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"https://user:{CANARY}@host/", ": https://host"),
        (f"http://127.0.0.1:4566/{CANARY}?{CANARY}#{CANARY}", ": http://127.0.0.1:4566"),
        ("http://[::1]:80", ": http://[::1]:80"),
        (f"https://user:1/{CANARY}@host/", ""),
        (f"https://{CANARY} host/", ""),
        ("http://[", ""),
    ],
)
def test_an_endpoint_that_is_not_there_is_named_by_its_host_alone(url: str, named: str) -> None:
    translated = translate(EndpointConnectionError(endpoint_url=url), action="ListSecrets", resource="")
    assert translated.message == f"ListSecrets failed: EndpointConnectionError{named}"
    assert "canary" not in everything(translated)
    assert "AWS_ENDPOINT_URL" in translated.remedy


def test_errors_of_the_client_side_are_named() -> None:
    assert explained(NoRegionError()) == "You must specify a region."
    assert explained(ReadTimeoutError(endpoint_url=CANARY)) == "ReadTimeoutError"
    assert explained(S3UploadFailedError(CANARY)) == "S3UploadFailedError"
    assert explained(ValueError(CANARY)) == ""


def test_what_aws_refuses_for_many_resources_is_one_sentence() -> None:
    def refusal(name: str) -> AwsError:
        arn = f"arn:aws:secretsmanager:eu-west-2:111122223333:secret:{name}"
        why = "because no identity-based policy allows the secretsmanager:CreateSecret action"
        text = f"User: x is not authorized to perform: secretsmanager:CreateSecret on resource: {arn} {why}"
        return translate(refused("AccessDeniedException", text, "CreateSecret"), action="CreateSecret", resource=name)

    assert refusal("a").message != refusal("b").message
    sentence = "CreateSecret failed: AccessDeniedException: secretsmanager:CreateSecret is not allowed, because no"
    assert {refusal(name).sentence for name in "ab"} == {f"{sentence} identity-based policy allows it"}


def test_an_answer_without_code_or_message_is_still_an_error() -> None:
    translated = translate(ClientError({}, "ListSecrets"), action="ListSecrets", resource="")
    assert translated.code == "Unknown"
    assert translated.remedy == OTHERWISE


INVOKE = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    "principal secretsmanager.amazonaws.com."
)
OTHER_REASONS = [
    # What AWS was recorded to say with AccessDeniedException but "is not authorized to perform".
    ("RotateSecret", INVOKE),
    ("GetResourcePolicy", "Access to KMS is not allowed"),
    ("PutRetentionPolicy", "Cross-account lambda invocation passing is not allowed."),
]


@pytest.mark.parametrize(("operation", "message"), OTHER_REASONS)
def test_a_report_of_many_refusals_keeps_aws_s_reason(operation: str, message: str) -> None:
    names = [f"db/{one}" for one in "abcde"]
    failures = [
        translate(refused("AccessDeniedException", message, operation), action=operation, resource=one) for one in names
    ]
    (row,) = told(
        rows(
            Failed(Change(Resource("x", name), ChangeClass.UPDATE), one)
            for name, one in zip(names, failures, strict=True)
        )
    )
    assert row["name"].startswith("5, for example db/a")
    assert row["detail"].startswith(f"{operation} failed: AccessDeniedException: {message}. ")


def test_a_refusal_without_a_text_is_told_by_its_code_alone() -> None:
    # LocalStack's tests/aws/services/lambda_/test_lambda_api.py::TestLambdaFunction::test_function_arns, validated on
    # AWS: GetFunction of another account's function answers {"Code": "AccessDeniedException", "Message": null}.
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": None}}, "GetPolicy")  # type: ignore[typeddict-item] # some services send null
    failure = translate(error, action="GetPolicy", resource="f")
    assert failure.message == "GetPolicy f failed: AccessDeniedException"
    assert failure.sentence == "GetPolicy failed: AccessDeniedException"


def test_a_function_that_secrets_manager_cannot_invoke_is_not_mended_by_the_caller_s_own_rights() -> None:
    failure = translate(refused("AccessDeniedException", INVOKE, "RotateSecret"), action="RotateSecret", resource="a")
    assert "aws lambda get-policy" in failure.remedy
    assert "get-caller-identity" not in failure.remedy


RECORDED = [
    ("sqs", "AWS.SimpleQueueService.NonExistentQueue", "deleted or never made"),
    ("sqs", "QueueAlreadyExists", "exists already"),
    ("sqs", "AWS.SimpleQueueService.PurgeQueueInProgress", "60 seconds"),
    ("sqs", "InvalidAttributeName", "settings"),
    ("sqs", "InvalidAttributeValue", "settings"),
    ("sns", "NotFound", "deleted or never made"),
    ("sns", "InvalidParameter", "settings"),
    ("events", "ResourceAlreadyExistsException", "exists already"),
    ("sts", "ValidationError", "settings"),
    ("kms", "TagException", "tags"),
    ("kms", "InvalidCiphertextException", "another KMS key"),
    ("kms", "UnsupportedOperationException", "kind"),
    ("lambda", "RequestEntityTooLargeException", "smaller"),
    ("apigateway", "BadRequestException", "settings"),
    # The codes that IAM, EventBridge, SNS and SQS send, by botocore's models and SQS's former protocol.
    ("iam", "EntityAlreadyExists", "exists already"),
    ("iam", "LimitExceeded", "quota"),
    ("iam", "ConcurrentModification", "same moment"),
    ("iam", "ServiceFailure", "run again"),
    ("events", "ConcurrentModificationException", "same moment"),
    ("sns", "KMSAccessDenied", "KMS key"),
    ("sns", "KMSDisabled", "Enable the KMS key"),
    ("sns", "KMSInvalidState", "Enable the KMS key"),
    ("sqs", "KMS.AccessDeniedException", "KMS key"),
    ("sqs", "KMS.DisabledException", "Enable the KMS key"),
    ("sqs", "KMS.InvalidStateException", "Enable the KMS key"),
]


@pytest.mark.parametrize(("service", "code", "does"), RECORDED)
def test_each_recorded_code_has_a_remedy_of_its_own(service: str, code: str, does: str) -> None:
    assert service in SERVICES
    failure = translate(refused(code, "AWS's text", "GetQueueUrl"), action="GetQueueUrl", resource="a")
    assert failure.remedy != OTHERWISE
    assert does in failure.remedy


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NotFound"])
def test_a_queue_or_topic_that_is_not_there_is_missing(code: str) -> None:
    assert translate(refused(code, "no", "GetQueueUrl"), action="GetQueueUrl", resource="a").missing


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (503, "ServiceUnavailable", Unasked.NO_ANSWER),
        (504, "Unknown", Unasked.NO_ANSWER),
        (503, "SlowDown", Unasked.THROTTLED),
        (429, "Unknown", Unasked.THROTTLED),
        (500, "InternalFailure", None),
        (400, "KMSInvalidStateException", None),
    ],
)
def test_a_service_that_is_down_answers_about_no_resource(status: int, code: str, cause: Unasked | None) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert translate(ClientError(answer, "DescribeKey"), action="DescribeKey", resource="a").unasked is cause


def test_every_remedy_is_a_sentence() -> None:
    assert all(text.endswith(".") and 20 < len(text) < 140 for text in REMEDIES.values())


COMMON = {"NotAuthorized", "RequestLimitExceeded", "Throttling", "UnauthorizedOperation"}
"""https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, which no model lists."""

OF_SQS = {"AWS.SimpleQueueService.NonExistentQueue"}
"""SQS answers in JSON with the codes of its former protocol, in the header x-amzn-query-error:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html"""

OF_S3 = {"SlowDown", "403", "404"}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; a status stands where an answer has no body."""


def test_the_codes_that_have_a_meaning_are_aws_s_own_and_each_has_one() -> None:
    session = botocore.session.Session()
    shapes = [shape for service in SERVICES for shape in session.get_service_model(service).error_shapes]
    modelled = {shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}
    assert (DENIED | MISSING | THROTTLED) - modelled == COMMON | OF_S3 | OF_SQS
    assert len(DENIED | MISSING | THROTTLED) == len(DENIED) + len(MISSING) + len(THROTTLED)
