"""Who is let in: over real connections, each refused before a call is counted."""

from __future__ import annotations

import http.client
import json
import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from secrets_pipeline.emulator import LocalAws, calls, reset_calls, start, stop
from secrets_pipeline.emulator.control.faults import FAULTS_PATH
from secrets_pipeline.emulator.handle.state import STATE_FILE
from secrets_pipeline.emulator.server.handler import LONGEST_BODY
from secrets_pipeline.errors import LocalError
from tests.embedded import operator
from tests.waiting import SECONDS

LIST = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.ListSecrets"}
PUBLISHED = "AKIALOCALOPERATOR000"


@dataclass(frozen=True)
class Wire:
    """Signs requests as botocore does, and sends them with whatever headers."""

    aws: LocalAws

    @property
    def port(self) -> int:
        return int(self.aws.endpoint_url.rsplit(":", 1)[1])

    def send(
        self,
        method: str = "POST",
        path: str = "/",
        body: bytes = b"{}",
        headers: Mapping[str, str] = LIST,
        *,
        host: str | None = None,
        service: str = "secretsmanager",
        secret: str | None = None,
        key: str | None = None,
        further: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Status and body of the answer to a request that is signed for its host; `further` is added unsigned."""
        at = host or f"127.0.0.1:{self.port}"
        signed = AWSRequest(method, f"http://{at}{path}", headers, body)
        keys = Credentials(key or self.aws.access_key_id, secret or self.aws.secret_access_key)
        (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, self.aws.region).add_auth(signed)
        return self.raw(method, path, body, {**dict(signed.headers), "Host": at, **(further or {})})

    def raw(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and body of the answer to a request exactly as given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def wire(aws: LocalAws) -> Wire:
    reset_calls(aws)
    return Wire(aws)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_whoever_signs_with_the_key_of_this_start_is_let_in_by_either_name(wire: Wire, name: str) -> None:
    status, body = wire.send(host=f"{name}:{wire.port}")
    assert (status, json.loads(body)["SecretList"]) == (200, [])
    assert [call.operation for call in calls(wire.aws)] == ["ListSecrets"]


PLACES: Mapping[str, dict[str, Any]] = {
    "a service": {},
    "a control": {"method": "PUT", "path": FAULTS_PATH, "body": b"[]", "headers": {}},
    "moto's own": {"method": "POST", "path": "/moto-api/reset", "body": b"", "headers": {}},
    "instance metadata": {"method": "GET", "path": "/latest/meta-data/", "body": b"", "headers": {}},
    "nothing": {"method": "OPTIONS", "path": "/", "body": b"", "headers": {}},
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    "host", ["evil.example:{}", "evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.2:{}", "[::1]:{}"]
)
def test_another_host_is_refused_even_with_a_signature_for_it(wire: Wire, place: dict[str, Any], host: str) -> None:
    status, body = wire.send(host=host.format(wire.port), **place)
    expected = (
        f"The embedded AWS answers as 127.0.0.1:{wire.port} or localhost:{wire.port} only, not as another host.\n"
    )
    assert (status, body) == (403, expected)
    assert calls(wire.aws) == ()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:{}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_a_web_page_is_refused_even_with_a_signature(wire: Wire, place: dict[str, Any], header: dict[str, str]) -> None:
    of_this = {name: value.format(wire.port) for name, value in header.items()}
    status, body = wire.send(further=of_this, **place)
    assert (status, body) == (403, "The embedded AWS does not answer web pages.\n")
    assert calls(wire.aws) == ()


ENDLESS = 300_000_000


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ({"Origin": "http://evil.example", "Content-Length": str(ENDLESS)}, "403 The embedded AWS does not answer web"),
        ({"Host": "evil.example", "Content-Length": str(ENDLESS)}, "403 The embedded AWS answers as 127.0.0.1:"),
        ({"Content-Length": str(ENDLESS)}, f"413 The embedded AWS takes requests of up to {LONGEST_BODY:,} bytes."),
        ({"Content-Length": "9" * 5_000}, "400 Content-Length is not a number of bytes."),
        ({"Content-Length": "-1"}, "400 Content-Length is not a number of bytes."),
        ({"Content-Length": "1_0"}, "400 Content-Length is not a number of bytes."),
        ({"Content-Length": "two"}, "400 Content-Length is not a number of bytes."),
    ],
    ids=["page", "host", "long", "longer", "negative", "underscore", "word"],
)
def test_a_request_is_refused_before_its_body_has_come(wire: Wire, header: Mapping[str, str], answer: str) -> None:
    # Nothing of the body is sent before the answer is there.
    with closing(http.client.HTTPConnection("127.0.0.1", wire.port, timeout=SECONDS)) as connection:
        connection.putrequest("POST", "/", skip_host="Host" in header)
        for name, value in header.items():
            connection.putheader(name, value)
        connection.endheaders()
        received = connection.getresponse()
        assert f"{received.status} {received.read().decode()}".startswith(answer)
        assert received.getheader("Connection") == "close"
    assert calls(wire.aws) == ()


def test_as_much_as_a_lambda_functions_code_may_have_is_taken(wire: Wire) -> None:
    status, body = wire.send(body=b" " * (LONGEST_BODY - 2) + b"{}")
    assert (status, json.loads(body)["SecretList"]) == (200, [])


def test_nobody_chooses_an_account_by_motos_own_header(wire: Wire) -> None:
    status, body = wire.send(further={"X-Moto-Account-Id": "444455556666"})
    assert (status, "from its credentials alone" in body) == (403, True)
    assert calls(wire.aws) == ()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"key": PUBLISHED, "secret": "local-operator"}, "InvalidClientTokenId"),
        ({"key": PUBLISHED}, "InvalidClientTokenId"),
        ({"key": "testing", "secret": "testing"}, "InvalidClientTokenId"),
        ({"secret": "guessed"}, "SignatureDoesNotMatch"),
    ],
    ids=["the key of earlier versions", "another key", "what is usual in tests", "another secret"],
)
def test_credentials_that_were_not_issued_here_are_refused(
    wire: Wire, place: dict[str, Any], keys: dict[str, Any], code: str
) -> None:
    status, body = wire.send(**place, **keys)
    json_code = {"InvalidClientTokenId": "UnrecognizedClient", "SignatureDoesNotMatch": "InvalidSignature"}[code]
    if place:
        assert (status, f"<Code>{code}</Code>" in body) == (403, True)
    else:
        assert (status, json.loads(body)["__type"]) == (400, f"{json_code}Exception")
    assert calls(wire.aws) == ()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer abc",
        "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-2/secretsmanager/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-2/kms/aws4_request, SignedHeaders=host, Signature=unchecked",
        "AWS {}:signature",
    ],
)
def test_what_is_not_signed_is_refused_also_where_it_names_the_key(
    wire: Wire, place: dict[str, Any], authorization: str | None
) -> None:
    asked = {"method": "POST", "path": "/", "body": b"{}", "headers": LIST, **place}
    headers = dict(asked["headers"])
    if authorization is not None:
        headers["Authorization"] = authorization.format(wire.aws.access_key_id)
    status, body = wire.raw(asked["method"], asked["path"], asked["body"], headers)
    assert (status in {400, 403}, "MissingAuthenticationToken" in body) == (True, True)
    assert calls(wire.aws) == ()


Change = Callable[[dict[str, str]], tuple[str, bytes]]


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: headers.update({"X-Amz-Target": "secretsmanager.DeleteSecret"}) or ("/", b"{}"),
        lambda headers: headers.update({"X-Amz-Date": "20260101T000000Z"}) or ("/", b"{}"),
        lambda _: ("/", b'{"MaxResults": 1}'),
        lambda _: ("/other", b"{}"),
        lambda _: ("/?Action=ListUsers", b"{}"),
    ],
    ids=["header", "date", "body", "path", "query"],
)
def test_a_request_that_was_changed_after_it_was_signed_is_refused(wire: Wire, change: Change) -> None:
    signed = AWSRequest("POST", wire.aws.endpoint_url + "/", LIST, b"{}")
    keys = Credentials(wire.aws.access_key_id, wire.aws.secret_access_key)
    SigV4Auth(keys, "secretsmanager", wire.aws.region).add_auth(signed)
    headers = dict(signed.headers)
    path, body = change(headers)
    status, answer = wire.raw("POST", path, body, headers)
    assert (status, json.loads(answer)["__type"]) == (400, "InvalidSignatureException")
    assert calls(wire.aws) == ()


def test_sdks_read_the_refusal_in_every_protocol(aws: LocalAws) -> None:
    stranger = boto3.Session(PUBLISHED, "local-operator", region_name=aws.region)
    ask: Mapping[str, Callable[[Any], object]] = {
        "secretsmanager": lambda client: client.list_secrets(),
        "sts": lambda client: client.get_caller_identity(),
        "lambda": lambda client: client.list_functions(),
        "s3": lambda client: client.list_buckets(),
        "sqs": lambda client: client.list_queues(),
        "ec2": lambda client: client.describe_vpcs(),
    }
    for service, call in ask.items():
        make: Any = stranger.client
        with pytest.raises(ClientError) as refused:
            call(make(service, endpoint_url=aws.endpoint_url))
        assert refused.value.response["Error"]["Code"] in {"UnrecognizedClientException", "InvalidClientTokenId"}


def test_credentials_that_iam_and_sts_issued_here_are_let_in_until_they_are_gone(aws: LocalAws) -> None:
    own = operator(aws)
    iam = own.client("iam", endpoint_url=aws.endpoint_url)
    iam.create_user(UserName="entrance")
    key = iam.create_access_key(UserName="entrance")["AccessKey"]
    user = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=aws.region)
    asking = user.client("sts", endpoint_url=aws.endpoint_url)
    assert asking.get_caller_identity()["Arn"].endswith(":user/entrance")
    iam.delete_access_key(UserName="entrance", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        asking.get_caller_identity()
    role = "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole"
    sts = own.client("sts", endpoint_url=aws.endpoint_url)
    issued = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    session = boto3.Session(
        issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"], region_name=aws.region
    )
    assert session.client("sts", endpoint_url=aws.endpoint_url).get_caller_identity()["Account"] == "444455556666"
    forged = boto3.Session(issued["AccessKeyId"], "guessed", issued["SessionToken"], region_name=aws.region)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        forged.client("sts", endpoint_url=aws.endpoint_url).get_caller_identity()


def test_names_and_queries_that_need_escapes_are_signed_as_sdks_sign_them(aws: LocalAws) -> None:
    own = operator(aws)
    s3 = own.client("s3", endpoint_url=aws.endpoint_url)
    s3.create_bucket(Bucket="entrance", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    for key in ("a b/c+d", "ü/%41", "x//y/../z", "~!*'()"):
        s3.put_object(Bucket="entrance", Key=key, Body=b"one", Metadata={"note": "two  spaces"})
        assert s3.get_object(Bucket="entrance", Key=key)["Body"].read() == b"one"
    assert s3.list_objects_v2(Bucket="entrance", Prefix="a b/c+", Delimiter="/")["KeyCount"] == 1
    functions = own.client("lambda", endpoint_url=aws.endpoint_url)
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName="arn:aws:lambda:eu-west-2:111122223333:function:none", Qualifier="$LATEST")
    logs = own.client("logs", endpoint_url=aws.endpoint_url)
    assert logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/ü ")["logGroups"] == []


OPERATIONS = {
    "apigateway": "get_rest_apis",
    "cloudformation": "list_stacks",
    "cloudtrail": "describe_trails",
    "ec2": "describe_vpcs",
    "ecs": "list_clusters",
    "events": "list_rules",
    "iam": "list_users",
    "kms": "list_keys",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "rds": "describe_db_instances",
    "s3": "list_buckets",
    "secretsmanager": "list_secrets",
    "sns": "list_topics",
    "sqs": "list_queues",
    "ssm": "describe_parameters",
    "sts": "get_caller_identity",
}


@pytest.mark.parametrize(("service", "operation"), OPERATIONS.items(), ids=OPERATIONS)
def test_no_service_tells_browsers_that_other_origins_may_read(aws: LocalAws, service: str, operation: str) -> None:
    make: Any = operator(aws).client
    answer = getattr(make(service, endpoint_url=aws.endpoint_url), operation)()
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers
    assert [name for name in headers if name.startswith("access-control-")] == []


def test_each_start_has_a_key_of_its_own_which_only_its_owner_can_read(tmp_path: Path, aws: LocalAws) -> None:
    other = start(tmp_path / "aws", die_with_parent=True)
    try:
        assert other.access_key_id != aws.access_key_id
        assert other.secret_access_key != aws.secret_access_key
        assert len(other.secret_access_key) == 40
        assert other.secret_access_key not in repr(other)
        assert stat.S_IMODE((tmp_path / "aws" / STATE_FILE).stat().st_mode) == 0o600
        with pytest.raises(LocalError, match=r"UnrecognizedClientException|InvalidClientTokenId"):
            calls(replace(other, access_key_id=aws.access_key_id, secret_access_key=aws.secret_access_key))
    finally:
        stop(tmp_path / "aws")
