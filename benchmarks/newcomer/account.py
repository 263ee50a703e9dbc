"""What an account holds, as plain data: two looks are compared to see what a command touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from secrets_pipeline.emulator import LocalAws

REGIONS = ("eu-west-2", "us-east-1", "us-east-2")


@cache
def client(aws: LocalAws, service: str, region: str | None = None) -> Any:  # noqa: ANN401 # boto3's clients have no common type.
    """Return a boto3 client of the embedded account."""
    return _session(aws).client(service, region or aws.region, endpoint_url=aws.endpoint_url)  # type: ignore[call-overload] # any service


@cache
def _session(aws: LocalAws) -> boto3.Session:
    return boto3.Session(aws.access_key_id, aws.secret_access_key)


def holdings(aws: LocalAws) -> dict[str, str]:
    """Read what the account holds in all regions that the repositories name, plaintext left out.

    Returns:
        By `KIND NAME@REGION`, the thing as JSON.
    """
    found = {f"role {name}": body for name, body in _roles(client(aws, "iam"))}
    for region in REGIONS:
        for kind, name, body in _regional(aws, region):
            found[f"{kind} {name}@{region}"] = json.dumps(body, sort_keys=True, default=str)
    return found


def touched(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the names of what appeared, went or is no longer the same."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _roles(iam: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 # as above.
    for role in iam.list_roles()["Roles"]:
        policies = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        yield role["RoleName"], json.dumps([role["AssumeRolePolicyDocument"], policies], sort_keys=True)


def _regional(aws: LocalAws, region: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    yield from (("secret", name, body) for name, body in _secrets(client(aws, "secretsmanager", region)))
    yield from (("key", name, body) for name, body in _keys(client(aws, "kms", region)))
    parameters = client(aws, "ssm", region)
    for page in parameters.get_paginator("describe_parameters").paginate():
        for one in page["Parameters"]:
            yield "parameter", one["Name"], {"version": one["Version"], "type": one["Type"]}
    for one in client(aws, "rds", region).describe_db_instances()["DBInstances"]:
        yield "database", one["DBInstanceIdentifier"], {"class": one["DBInstanceClass"]}
    for one in client(aws, "lambda", region).list_functions()["Functions"]:
        yield "function", one["FunctionName"], {"environment": one.get("Environment"), "role": one["Role"]}


def _secrets(secrets: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 # as above.
    for page in secrets.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for one in page["SecretList"]:
            described = secrets.describe_secret(SecretId=one["ARN"])
            for volatile in ("ResponseMetadata", "LastAccessedDate", "LastChangedDate"):
                described.pop(volatile, None)
            try:
                described["Policy"] = secrets.get_resource_policy(SecretId=one["ARN"]).get("ResourcePolicy")
            except ClientError as error:  # A secret that is scheduled for deletion has none to read.
                described["Policy"] = error.response["Error"]["Code"]
            yield one["Name"], described


def _keys(keys: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 # as above.
    for page in keys.get_paginator("list_keys").paginate():
        for one in page["Keys"]:
            described = keys.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
            if described["KeyManager"] == "CUSTOMER":
                policy = keys.get_key_policy(KeyId=one["KeyId"], PolicyName="default")["Policy"]
                yield one["KeyId"], {"state": described["KeyState"], "policy": policy}
