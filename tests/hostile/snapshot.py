"""All that an account holds, as plain boto3 sees it: thing → what it is, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.databases import logs_in

ClientOf = Callable[[str], Any]
"""A boto3 client by the name of its service."""
Things = Iterator[tuple[str, object]]
World = Mapping[str, str]

_ANSWER = frozenset({"ResponseMetadata", "LastAccessedDate", "RoleLastUsed", "LastUsedDate", "LatestRestorableTime"})


def snapshot(client_of: ClientOf, logins: Mapping[str, tuple[str, str]]) -> World:
    """Everything in one account and region.

    Args:
        client_of: plain boto3.
        logins: of databases, user and password by identifier, tried for real.
    """
    found = {
        name: json.dumps(_plain(value), sort_keys=True, default=str)
        for read in _READ
        for name, value in read(client_of)
    }
    for identifier, (user, password) in logins.items():
        found[f"login {identifier}"] = str(_logs_in(client_of, identifier, user, password))
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 - any answer
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if key not in _ANSWER}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _pages(client: Any, operation: str, key: str, **more: Any) -> Iterator[Any]:  # noqa: ANN401 - boto3 has a type for each
    for page in client.get_paginator(operation).paginate(**more):
        yield from page[key]


def _secrets(client_of: ClientOf) -> Things:
    client = client_of("secretsmanager")
    for one in _pages(client, "list_secrets", "SecretList", IncludePlannedDeletion=True):
        arn = one["ARN"]
        versions = client.list_secret_version_ids(SecretId=arn, IncludeDeprecated=True)["Versions"]
        values = {
            version["VersionId"]: client.get_secret_value(SecretId=arn, VersionId=version["VersionId"])["SecretString"]
            for version in versions
            if "DeletedDate" not in one and version.get("VersionStages")
        }
        policy = client.get_resource_policy(SecretId=arn).get("ResourcePolicy")
        about = client.describe_secret(SecretId=arn)
        yield f"secret {one['Name']}", [about, versions, values, policy]


def _parameters(client_of: ClientOf) -> Things:
    client = client_of("ssm")
    for one in _pages(client, "describe_parameters", "Parameters"):
        name = one["Name"]
        history = list(_pages(client, "get_parameter_history", "Parameters", Name=name, WithDecryption=True))
        yield f"parameter {name}", [history, client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)]
    for command in client.list_commands()["Commands"]:
        yield f"command {command['CommandId']}", command
    for document in client.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]:
        yield f"document {document['Name']}", document


def _keys(client_of: ClientOf) -> Things:
    client = client_of("kms")
    for alias in _pages(client, "list_aliases", "Aliases"):
        yield f"alias {alias['AliasName']}", alias
    for key in _pages(client, "list_keys", "Keys"):
        about = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if about["KeyManager"] == "AWS":
            continue  # AWS makes them where somebody first encrypts.
        policy = client.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]
        tags = client.list_resource_tags(KeyId=key["KeyId"])["Tags"]
        yield f"key {_stack(tags)} {key['KeyId']}", [about, policy, tags]


def _stack(tags: list[Any]) -> str:
    return next((str(one["TagValue"]) for one in tags if one["TagKey"] == "secrets-pipeline:stack"), "")


def _iam(client_of: ClientOf) -> Things:
    client = client_of("iam")
    for kind, key, name in (
        ("role", "RoleDetailList", "RoleName"),
        ("user", "UserDetailList", "UserName"),
        ("group", "GroupDetailList", "GroupName"),
        ("policy", "Policies", "PolicyName"),
    ):
        filters = ["Role", "User", "Group", "LocalManagedPolicy"]
        for one in _pages(client, "get_account_authorization_details", key, Filter=filters):
            yield f"{kind} {one[name]}", one


def _functions(client_of: ClientOf) -> Things:
    client = client_of("lambda")
    for one in _pages(client, "list_functions", "Functions"):
        name = one["FunctionName"]
        try:
            policy = client.get_policy(FunctionName=name)["Policy"]
        except client.exceptions.ResourceNotFoundException:
            policy = ""
        aliases = client.list_aliases(FunctionName=name)["Aliases"]
        yield f"function {name}", [one, policy, client.list_tags(Resource=one["FunctionArn"]), aliases]


def _services(client_of: ClientOf) -> Things:
    client = client_of("ecs")
    for cluster in client.list_clusters()["clusterArns"]:
        for arn in client.list_services(cluster=cluster)["serviceArns"]:
            (one,) = client.describe_services(cluster=cluster, services=[arn], include=["TAGS"])["services"]
            yield f"service {arn.rsplit(':service/', 1)[-1]}", one
    for arn in client.list_task_definitions()["taskDefinitionArns"]:
        yield f"task definition {arn.rsplit('/', 1)[-1]}", client.describe_task_definition(taskDefinition=arn)


def _stages(client_of: ClientOf) -> Things:
    client = client_of("apigateway")
    for api in client.get_rest_apis(limit=500)["items"]:
        yield f"api {api['name']}", [api, client.get_deployments(restApiId=api["id"])["items"]]
        for stage in client.get_stages(restApiId=api["id"])["item"]:
            yield f"stage {api['name']}/{stage['stageName']}", stage


def _databases(client_of: ClientOf) -> Things:
    client = client_of("rds")
    for one in _pages(client, "describe_db_instances", "DBInstances"):
        yield f"database {one['DBInstanceIdentifier']}", one
    for one in _pages(client, "describe_db_clusters", "DBClusters"):
        yield f"cluster {one['DBClusterIdentifier']}", one


def _events(client_of: ClientOf) -> Things:
    events, queues, logs = client_of("events"), client_of("sqs"), client_of("logs")
    for rule in events.list_rules()["Rules"]:
        yield f"rule {rule['Name']}", [rule, events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
    for url in queues.list_queues().get("QueueUrls", []):
        names = ["Policy", "RedrivePolicy", "KmsMasterKeyId"]
        yield f"queue {url.rsplit('/', 1)[-1]}", queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    for group in logs.describe_log_groups()["logGroups"]:
        yield (
            f"log group {group['logGroupName']}",
            {"name": group["logGroupName"], "days": group.get("retentionInDays")},
        )


_READ: Final[tuple[Callable[[ClientOf], Things], ...]] = (
    _secrets,
    _parameters,
    _keys,
    _iam,
    _functions,
    _services,
    _stages,
    _databases,
    _events,
)


def _logs_in(client_of: ClientOf, identifier: str, user: str, password: str) -> bool:
    (one,) = client_of("rds").describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    at = one["Endpoint"]
    return logs_in(at["Address"], at["Port"], user, password, one["DBName"])
