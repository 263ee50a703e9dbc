"""A rotation function that reads the value first, and ends when a write of the pipeline has become current."""

import time

import boto3

STAGED = "SECRETS_PIPELINE_STAGED"


def handler(event: dict[str, str], context: object) -> None:
    secrets = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == "createSecret":
        read = secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
        secrets.put_secret_value(
            SecretId=arn, ClientRequestToken=token, SecretString=read, VersionStages=["AWSPENDING"]
        )
    while step == "finishSecret":
        versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(one for one, stages in versions.items() if "AWSCURRENT" in stages)
        if STAGED in versions[current]:
            secrets.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )
            return
        time.sleep(0.02)
