"""A rotation function in the manner of AWS's templates; the master password is changed through RDS's API."""

import json
import os
import time

import boto3


def handler(event: dict[str, str], context: object) -> None:
    secrets = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    database = os.environ["DATABASE"]
    if step == "createSecret":
        value = secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
        document = json.loads(value) if value.startswith("{") else None
        rotated = password_in(value) + "-rotated"
        secrets.put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString=json.dumps({**document, "password": rotated}) if document else rotated,
            VersionStages=["AWSPENDING"],
        )
    if step == "setSecret":
        rds = boto3.client("rds")
        value = password_in(secrets.get_secret_value(SecretId=arn, VersionId=token)["SecretString"])
        if any(one["DBClusterIdentifier"] == database for one in rds.describe_db_clusters()["DBClusters"]):
            rds.modify_db_cluster(DBClusterIdentifier=database, MasterUserPassword=value, ApplyImmediately=True)
            while rds.describe_db_clusters(DBClusterIdentifier=database)["DBClusters"][0].get("PendingModifiedValues"):
                time.sleep(0.02)
        else:
            rds.modify_db_instance(DBInstanceIdentifier=database, MasterUserPassword=value)
            while rds.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0].get(
                "PendingModifiedValues"
            ):
                time.sleep(0.02)
    if step == "finishSecret":
        versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(one for one, stages in versions.items() if "AWSCURRENT" in stages)
        secrets.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )


def password_in(value: str) -> str:
    return str(json.loads(value)["password"]) if value.startswith("{") else value
