"""What AWS holds in the end, so that two endings can be compared.

Everything that the product can reach is in it. What must differ between two fresh accounts is replaced by what it
stands for, one known thing at a time: ARNs of secrets, ids of keys and versions, passwords, resource ids and ports of
databases. An id that stands for nothing known stays as it is, and so does a difference. Left out are dates, revision
ids of functions, versions of parameters (a second PutParameter of the same text makes one), and digests under the
fingerprint key, which every account has its own of: of those, marks and words are verified, and empty plans, a deep and
a shallow one, tell that the others are right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from secrets_pipeline.access.granting.attached import is_as_attached
from secrets_pipeline.access.granting.identity import READING
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.reconcilers.consumer.lambda_function.refresh import VARIABLE
from secrets_pipeline.reconcilers.database.mark import database_proof
from secrets_pipeline.reconcilers.kms_key.lookup import key_marks
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS, KeyMarks
from secrets_pipeline.reconcilers.marks.secret_mark import Marks
from secrets_pipeline.reconcilers.observed.database_state import instance_state
from secrets_pipeline.reconcilers.observed.key_state import key_state
from secrets_pipeline.reconcilers.observed.secret_state import secret_state
from secrets_pipeline.reconcilers.observed.tags import tag_map
from secrets_pipeline.reconcilers.tag_keys import GENERATED, INPUTS, KEPT, REPLICAS, SPEC, TAGS, VALUE_VERSION
from tests.databases import logs_in

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.faults.ground import Ground

_DIGEST = re.compile(rf"({READING})[0-9a-f]{{16}}")

Ending = Mapping[str, Any]
"""What each service holds, by service and name."""


def ending(ground: Ground) -> Ending:
    """Look at everything."""
    secrets, keys = list(_secrets(ground)), list(_keys(ground))
    known, context = _Known(), ground.context()
    marks, of_keys = context.ownership.marks, key_marks(context)
    for key in keys:
        known.add(key["Id"], "key " + (", ".join(key["Aliases"]) or key["Id"]))
    databases = ground.client("rds").describe_db_instances()["DBInstances"]
    for database in databases:
        known.add(database["DbiResourceId"], "resource of " + database["DBInstanceIdentifier"])
        known.add(str((database.get("Endpoint") or {}).get("Port")), "port of " + database["DBInstanceIdentifier"])
    for secret in secrets:
        known.add(secret["ARN"], "ARN of " + secret["Name"])
        for version, stages in secret["Versions"].items():
            if "AWSCURRENT" in stages:
                known.add(version, "current version of " + secret["Name"])
    for name, password in passwords(ground).items():
        known.add(password, "password of " + name)
    for name, value in _values_by_hand(ground).items():
        known.add(value, "value of " + name)
    found = {
        "secrets": {one["Name"]: _shown(ground, marks, one) for one in secrets},
        "keys": sorted((known.text(_key_shown(of_keys, one)) for one in keys), key=json.dumps),
        "databases": {one["DBInstanceIdentifier"]: _database(ground, context, one) for one in databases},
        "parameters": _parameters(ground),
        "functions": _functions(ground),
        "task definitions": _task_definitions(ground),
        "stages": _stages(ground),
        "roles": _roles(ground),
    }
    ended: Ending = known.text(found)
    return ended


def differences(found: object, expected: object, at: str = "") -> Iterator[str]:
    """Where two endings differ, one line each; values of secrets are in neither."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for name in sorted({*found, *expected}):
            yield from differences(found.get(name), expected.get(name), f"{at}/{name}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from differences(one, other, f"{at}/{index}")
    elif found != expected:
        yield f"{at}: {json.dumps(found)} instead of {json.dumps(expected)}"


def passwords(ground: Ground) -> dict[str, str]:
    """The generated part of every generated secret that has a readable value, by secret name."""
    names = {secret.name for secret in ground.spec.secrets if isinstance(secret.value, GeneratedValue)}
    stored = {name: value for name, value in values(ground).items() if name in names}
    return {name: json.loads(text)["password"] if text.startswith("{") else text for name, text in stored.items()}


def values(ground: Ground) -> dict[str, str]:
    """The current value of every declared secret that has a readable one, by secret name."""
    client, found = ground.client("secretsmanager"), {}
    for secret in ground.spec.secrets:
        with suppress(ClientError):
            found[secret.name] = client.get_secret_value(SecretId=secret.name)["SecretString"]
    return found


def _values_by_hand(ground: Ground) -> dict[str, str]:
    """The values of the secrets that somebody made by hand; a write of ours would be a further version."""
    client = ground.client("secretsmanager")
    return {one: client.get_secret_value(SecretId=one)["SecretString"] for one in ground.made_by_hand}


class _Known:
    """Ids and values that differ from account to account, and what they stand for."""

    def __init__(self) -> None:
        self._meanings: dict[str, str] = {}

    def add(self, text: str, meaning: str) -> None:
        self._meanings[text] = f"<{meaning}>"

    def text(self, document: Any) -> Any:  # noqa: ANN401 - any JSON
        """The document with every known id, in keys and texts, replaced by its meaning."""
        # The longest first: an ARN holds ids.
        longest = sorted(self._meanings, key=len, reverse=True)
        pattern = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in longest))

        def replaced(part: object) -> object:
            if isinstance(part, Mapping):
                return {replaced(key): replaced(value) for key, value in part.items()}
            if isinstance(part, list | tuple):
                return [replaced(one) for one in part]
            if isinstance(part, str):
                return pattern.sub(lambda match: self._meanings[match[0]], part)
            return part

        return replaced(document) if longest else document


def _secrets(ground: Ground) -> Iterator[dict[str, Any]]:
    client = ground.client("secretsmanager")
    for page in client.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for entry in page["SecretList"]:
            name = entry["ARN"]
            described = client.describe_secret(SecretId=name)
            versions = client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
            yield {
                **described,
                "Versions": {one["VersionId"]: sorted(one.get("VersionStages", ())) for one in versions},
                # Former keys go on opening what is not current any more: how many there were depends on the way.
                "KeysOfVersions": {
                    one["VersionId"]: one["KmsKeyIds"]
                    if "AWSCURRENT" in one.get("VersionStages", ())
                    else one["KmsKeyIds"][:1]
                    for one in versions
                },
            }


def _shown(ground: Ground, marks: Marks, secret: Mapping[str, Any]) -> dict[str, Any]:
    client = ground.client("secretsmanager")
    if "DeletedDate" in secret:
        return {"deleted": True}
    policy = client.get_resource_policy(SecretId=secret["ARN"]).get("ResourcePolicy")
    try:
        value = client.get_secret_value(SecretId=secret["ARN"]).get("SecretString")
    except ClientError as error:
        value = f"not readable: {error.response['Error']['Code']}"
    return {
        "description": secret.get("Description"),
        "key": secret.get("KmsKeyId"),
        "keys of versions": sorted(map(str, secret["KeysOfVersions"].values())),
        "tags": _tags(marks, secret),
        "labels": sorted(secret["Versions"].values()),
        "policy": _canonical(policy),
        "rotation": {name: secret.get(name) for name in ("RotationEnabled", "RotationLambdaARN", "RotationRules")},
        "rotated": "LastRotatedDate" in secret,
        "replicas": secret.get("ReplicationStatus"),
        "value": parsed(value),
    }


def _tags(marks: Marks, secret: Mapping[str, Any]) -> dict[str, str]:
    tags = tag_map(secret.get("Tags") or ())
    if SPEC in tags:
        mark = marks.verify(secret_state(secret))
        tags[SPEC] = f"{mark.state.value}, {mark.owner}"
    if INPUTS in tags:
        tags[INPUTS] = "a digest"
    if GENERATED in tags:
        tags[GENERATED] = f"{tags[GENERATED].partition('.')[0]} characters by a rule"
    tags |= _declared(tags)
    if VALUE_VERSION in tags:
        tags[VALUE_VERSION] = " ".join(marks.written_versions(secret_state(secret))) or "not proved"
    for tag in (KEPT, REPLICAS):
        if tag in tags:
            tags[tag] = " ".join(sorted(marks.read_words(secret_state(secret), tag))) or "not proved"
    return tags


def _keys(ground: Ground) -> Iterator[dict[str, Any]]:
    client = ground.client("kms")
    aliases: dict[str, list[str]] = {}
    for page in client.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            aliases.setdefault(alias.get("TargetKeyId"), []).append(alias["AliasName"])
    for page in client.get_paginator("list_keys").paginate():
        for entry in page["Keys"]:
            about = client.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
            if about["KeyManager"] == "CUSTOMER":
                yield {
                    **about,
                    "Id": entry["KeyId"],
                    "Aliases": aliases.get(entry["KeyId"], []),
                    **_more(client, about),
                }


def _more(client: Any, about: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - boto3's
    rotates = about["KeySpec"] == "SYMMETRIC_DEFAULT" and about["KeyState"] == "Enabled"
    rotation = client.get_key_rotation_status(KeyId=about["KeyId"]) if rotates else {}
    return {
        "Policy": client.get_key_policy(KeyId=about["KeyId"], PolicyName="default")["Policy"],
        "Tags": tag_map(client.list_resource_tags(KeyId=about["KeyId"])["Tags"]),
        "Rotation": [rotation.get("KeyRotationEnabled"), rotation.get("RotationPeriodInDays")],
    }


def _key_shown(marks: KeyMarks, key: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("Aliases", "KeyState", "KeySpec", "KeyUsage", "Description", "Rotation")
    return {
        **{name: key.get(name) for name in kept},
        "Tags": _key_tags(marks, key),
        "Policy": _canonical(key["Policy"]),
    }


def _key_tags(marks: KeyMarks, key: Mapping[str, Any]) -> dict[str, str]:
    tags = dict(key["Tags"])
    if SPEC in tags:
        mark = marks.verify(key_state(key), tags, tags.get(ALIAS, ""))
        tags[SPEC] = f"{mark.state.value}, {mark.owner}"
    return tags | _declared(tags)


def _declared(tags: Mapping[str, str]) -> dict[str, str]:
    """How many tags the record names: its digests are of each account's own key."""
    return {TAGS: f"{len(tags[TAGS].split())} of the stack's"} if TAGS in tags else {}


def _database(ground: Ground, context: Stack, instance: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("Engine", "EngineVersion", "DBInstanceClass", "DBInstanceStatus", "DBName", "MasterUsername")
    shown = {name: instance.get(name) for name in kept}
    shown["pending"] = instance.get("PendingModifiedValues")
    tags = tag_map(instance["TagList"])
    if SPEC in tags:
        state, owner = database_proof(context, instance_state(instance))
        tags[SPEC] = f"{state.value}, {owner}"
    shown["tags"] = tags
    shown["logins"] = _logins(ground, instance)
    return shown


def _logins(ground: Ground, instance: Mapping[str, Any]) -> dict[str, str]:
    """What the database really answers to the password in its secret."""
    known, found = passwords(ground), {}
    for database in ground.spec.databases:
        if database.identifier != instance["DBInstanceIdentifier"] or database.password is None:
            continue
        name = ground.spec.secret(database.password).name
        endpoint = instance.get("Endpoint")
        if endpoint and name in known:
            user, inside = instance["MasterUsername"], instance.get("DBName") or "postgres"
            accepted = logs_in(endpoint["Address"], endpoint["Port"], user, known[name], inside)
            found[name] = "LoggedIn" if accepted else "Refused"
        else:
            found[name] = "nothing to try"
    return found


def _parameters(ground: Ground) -> dict[str, Any]:
    client = ground.client("ssm")
    pages = client.get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True)
    found = {one["Name"]: [one["Type"], parsed(one["Value"])] for page in pages for one in page["Parameters"]}
    # A note is a keyed digest; a wrong one is a change of the shallow plan, which has to be empty.
    return {
        name: ["a digest"] if name.endswith(("/delivered", "/refreshed")) else shown for name, shown in found.items()
    }


def _functions(ground: Ground) -> dict[str, Any]:
    client = ground.client("lambda")
    return {
        # When a function was started anew differs from run to run.
        one["FunctionName"]: {
            name: value
            for name, value in (one.get("Environment") or {}).get("Variables", {}).items()
            if name != VARIABLE
        }
        for one in client.list_functions()["Functions"]
    }


def _task_definitions(ground: Ground) -> dict[str, Any]:
    client, found = ground.client("ecs"), {}
    for status in ("ACTIVE", "INACTIVE"):
        for arn in client.list_task_definitions(status=status)["taskDefinitionArns"]:
            one = client.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            found[arn] = {"status": status, "containers": one["containerDefinitions"]}
    for cluster in client.list_clusters()["clusterArns"]:
        for service in client.list_services(cluster=cluster)["serviceArns"]:
            (one,) = client.describe_services(cluster=cluster, services=[service])["services"]
            found[service] = {
                "runs": one["taskDefinition"],
                "deployments": [deployment["taskDefinition"] for deployment in one["deployments"]],
            }
    return found


def _stages(ground: Ground) -> dict[str, Any]:
    client = ground.client("apigateway")
    return {
        f"{api['name']}/{stage['stageName']}": stage.get("variables", {})
        for api in client.get_rest_apis()["items"]
        for stage in client.get_stages(restApiId=api["id"])["item"]
    }


def _roles(ground: Ground) -> dict[str, dict[str, Any]]:
    """Inline policies; the digest in ours is of ARNs, which every account has its own of."""
    client, found = ground.client("iam"), {}
    for page in client.get_paginator("list_roles").paginate():
        for name in (role["RoleName"] for role in page["Roles"]):
            names = client.list_role_policies(RoleName=name)["PolicyNames"]
            documents = [client.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in names]
            found[name] = dict(zip(names, map(_undigested, documents), strict=True))
    return found


def _undigested(policy: dict[str, Any]) -> str | None:
    text = json.dumps(policy)
    return _canonical(_DIGEST.sub(r"\1<its digest>", text) if is_as_attached(policy) else text)


def _canonical(policy: str | None) -> str | None:
    return None if policy is None else json.dumps(json.loads(policy), sort_keys=True)


def parsed(value: str | None) -> object:
    """JSON taken apart, so that each leaf is compared by itself; numbers as text, so that ports are found."""
    if value is None:
        return None
    try:
        found = json.loads(value, parse_int=str)
    except ValueError:
        return value
    # A random value may begin and end in quotes, and is no JSON then.
    return found if isinstance(found, dict | list) else value
