"""A rotation function for tests, in the manner of AWS's templates; MODE makes it fail.

Without a client of boto3 it starts fast.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MODE = os.environ.get("MODE", "")


def call(operation: str, **parameters: object) -> dict[str, Any]:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager." + operation}
    url, body = os.environ["AWS_ENDPOINT_URL"], json.dumps(parameters).encode()
    signed = AWSRequest("POST", url, headers, body)
    issued = [os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
    SigV4Auth(Credentials(*issued), "secretsmanager", os.environ["AWS_REGION"]).add_auth(signed)
    request = urllib.request.Request(url, body, dict(signed.headers))  # noqa: S310 - our own endpoint
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise RuntimeError(error.read().decode()) from None


def handler(event: dict[str, str], context: object) -> None:
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    described = call("DescribeSecret", SecretId=arn)
    versions = described["VersionIdsToStages"]
    if "AWSPENDING" not in versions[token]:
        raise ValueError("not staged as AWSPENDING")
    if "fail in " + step == MODE:
        raise RuntimeError("told to fail")
    if step == "createSecret" and MODE != "create nothing":
        value = call("GetSecretValue", SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
        call(
            "PutSecretValue",
            SecretId=arn,
            ClientRequestToken=token,
            SecretString=value + "+",
            VersionStages=["AWSPENDING"],
        )
    if step == "setSecret" and MODE == "is overtaken":
        call("PutSecretValue", SecretId=arn, SecretString="by hand", ClientRequestToken="h" * 32)
    if step == "testSecret":
        tested = call("GetSecretValue", SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        sys.stdout.write("tests " + tested["SecretString"] + "\n")
    if step == "finishSecret" and MODE != "finish nothing":
        current = next(one for one, stages in versions.items() if "AWSCURRENT" in stages)
        call(
            "UpdateSecretVersionStage",
            SecretId=arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
