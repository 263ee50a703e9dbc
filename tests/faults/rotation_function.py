"""A rotation function for a PostgreSQL master user, in the manner of AWS's single-user template."""

import json
import secrets

import boto3
import pg8000.dbapi


def handler(event: dict[str, str], context: object) -> None:
    client = boto3.client("secretsmanager")
    arn, token = event["SecretId"], event["ClientRequestToken"]
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSCURRENT" in versions[token]:
        return
    if "AWSPENDING" not in versions[token]:
        raise ValueError("not staged as AWSPENDING")

    def read(stage: str) -> dict[str, str]:
        value: dict[str, str] = json.loads(client.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"])
        return value

    match event["Step"]:
        case "createSecret":
            document = {**read("AWSCURRENT"), "password": secrets.token_hex(16)}
            client.put_secret_value(
                SecretId=arn,
                ClientRequestToken=token,
                SecretString=json.dumps(document),
                VersionStages=["AWSPENDING"],
            )
        case "setSecret":
            pending = read("AWSPENDING")
            if not logs_in(pending):
                set_password(read("AWSCURRENT"), pending["password"])
        case "testSecret":
            if not logs_in(read("AWSPENDING")):
                raise ValueError("the pending password is not accepted")
        case "finishSecret":
            current = next(one for one, stages in versions.items() if "AWSCURRENT" in stages)
            client.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )


def connect(document: dict[str, str]) -> pg8000.dbapi.Connection:
    return pg8000.dbapi.connect(
        user=document["username"],
        password=document["password"],
        host=document["host"],
        port=int(document["port"]),
        database="app",
        timeout=60,
    )


def logs_in(document: dict[str, str]) -> bool:
    try:
        connect(document).close()
    except pg8000.dbapi.DatabaseError:
        return False
    return True


def set_password(current: dict[str, str], password: str) -> None:
    connection = connect(current)
    # Letters and digits alone.
    connection.cursor().execute(f"ALTER ROLE {current['username']} PASSWORD '{password}'")
    connection.commit()
    connection.close()
