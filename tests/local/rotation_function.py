"""A rotation function for tests, in the manner of AWS's templates; MODE makes it fail."""

import os

import boto3

MODE = os.environ.get("MODE", "")


def handler(event: dict[str, str], context: object) -> None:
    client = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSPENDING" not in versions[token]:
        raise ValueError("not staged as AWSPENDING")
    if "fail in " + step == MODE:
        raise RuntimeError("told to fail")
    if step == "createSecret":
        value = client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
        client.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString=value + "+", VersionStages=["AWSPENDING"]
        )
    if step == "finishSecret":
        current = next(one for one, stages in versions.items() if "AWSCURRENT" in stages)
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )
