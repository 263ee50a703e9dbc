"""States in the shapes of Terraform and its AWS provider, and the same secrets in the embedded AWS.

No terraform binary is at hand, so the shapes are those of the sources:

- the file: `stateV4`, `resourceStateV4` and `instanceObjectStateV4` in `internal/states/statefile/version4.go` of
  hashicorp/terraform; `sensitive_attributes` are paths of steps `{"type": "get_attr" | "index", "value": …}`;
- `show -json`: `internal/command/jsonstate/state.go`: `values.root_module.{resources, child_modules}`, `index`,
  `sensitive_values`, `depends_on`, `tainted`, `deposed_key`;
- attributes: the schemas in `internal/service/secretsmanager/secret.go`, `secret_version.go`, `secret_policy.go` and
  `secret_rotation.go`, and in `internal/service/ssm/parameter.go`, of hashicorp/terraform-provider-aws (version 6 adds
  `region` to each), and docs/resources/password.md of hashicorp/terraform-provider-random. A set of objects such as
  `replica` is a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from secrets_pipeline.reconcilers.observed.tags import tag_list

if TYPE_CHECKING:
    import boto3

ACCOUNT, REGION = "111122223333", "eu-west-2"
AWS = 'provider["registry.terraform.io/hashicorp/aws"]'
RANDOM = 'provider["registry.terraform.io/hashicorp/random"]'
DEFAULT_TAGS = {"ManagedBy": "terraform", "Owner": "platform"}
"""`default_tags` of the provider: in `tags_all` only."""
MADE_BY = "aws_secretsmanager_secret.this"
PASSWORD_RULE = {"length": 24, "override_special": "!#%+=", "min_lower": 2, "min_special": 1}

SCHEMAS = {"random_password": 3, "aws_secretsmanager_secret_rotation": 1}
"""Versions of schemas that are not 0."""

State = dict[str, Any]


@dataclass(frozen=True)
class TerraformSecret:
    """A secret as a module of five resources makes it, one instance of each `for_each`.

    Attributes:
        key: of `for_each`.
        name: in AWS.
        value: what Terraform wrote.
        random: whether the value is the result of `random_password.this[key]`.
        tags: of the resource, without the provider's.
        foreign_tags: that somebody else put on it in AWS; no state has them.
    """

    key: str
    name: str
    value: str
    random: bool = False
    description: str = ""
    kms_key_id: str | None = None
    recovery_window_in_days: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)
    foreign_tags: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, Any] | None = None
    rotation: Mapping[str, Any] | None = None
    replicas: tuple[str, ...] = ()
    arn: str = ""
    version_id: str = "11111111-2222-3333-4444-555555555555"

    @property
    def tags_all(self) -> dict[str, str]:
        return {**DEFAULT_TAGS, **self.tags}


def estate(
    prefix: str,
    *,
    count: int = 30,
    generated_only: bool = False,
    account: str = ACCOUNT,
    function: str = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotation",
    key: str | None = None,
    replica: str = "eu-west-1",
    foreign: bool = True,
) -> list[TerraformSecret]:
    """Secrets that differ in all that they may have: policies, rotation, replicas, tags, descriptions, values.

    Args:
        prefix: their names begin with it.
        count: of them.
        generated_only: whether each value is a random password.
        account: whose root the policies let in.
        function: rotates every fifth.
        key: ARN of the KMS key of all of them; None for the default key.
        replica: region of the replicas.
        foreign: whether somebody else has put tags on every third.
    """
    made = []
    for number in range(count):
        random, name = generated_only or number % 3 != 1, f"{prefix}/team-{number % 4}/secret_{number:02}"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": f"Readers{number}",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/Team}"}},
                }
            ],
        }
        made.append(
            TerraformSecret(
                key=f"secret_{number:02}",
                name=name,
                value=f"random-result-{number:02}-x1Y!" if random else json.dumps({"token": f"written-{number:02}"}),
                random=random,
                description=f"Made by Terraform: no. {number}" if number % 4 else "",
                kms_key_id=key,
                recovery_window_in_days=(30, 7, 14)[number % 3],
                tags={"Name": f"secret-{number}", "Team": f"team-{number % 4}"} if number % 2 else {},
                foreign_tags={"map-migrated": f"d-server-{number:02}"} if foreign and number % 3 == 0 else {},
                policy=policy if number % 2 == 0 else None,
                rotation={"lambda": function, "automatically_after_days": 30 + number, "duration": "3h"}
                if number % 5 == 0
                else None,
                replicas=(replica,) if number % 6 == 2 else (),
                arn=f"arn:aws:secretsmanager:{REGION}:{account}:secret:{name}-AbCdE{number % 10}",
            )
        )
    return made


def create(session: boto3.Session, secrets: Iterable[TerraformSecret]) -> list[TerraformSecret]:
    """Make secrets in AWS by the calls of the provider, in its order; the same with the ARNs and versions of AWS."""
    client = session.client("secretsmanager")
    made = []
    for one in secrets:
        tags = tag_list(one.tags_all)
        more: dict[str, Any] = {"KmsKeyId": one.kms_key_id} if one.kms_key_id else {}
        if one.replicas:
            more["AddReplicaRegions"] = [{"Region": region} for region in one.replicas]
        arn = client.create_secret(Name=one.name, Description=one.description, Tags=tags, **more)["ARN"]
        version = client.put_secret_value(SecretId=arn, SecretString=one.value)["VersionId"]
        if one.policy:
            client.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(one.policy))
        if one.rotation:
            rules: Any = {"AutomaticallyAfterDays": one.rotation["automatically_after_days"], "Duration": "3h"}
            client.rotate_secret(
                SecretId=arn, RotationLambdaARN=one.rotation["lambda"], RotationRules=rules, RotateImmediately=False
            )
        if one.foreign_tags:
            client.tag_resource(SecretId=arn, Tags=tag_list(one.foreign_tags))
        made.append(replace(one, arn=arn, version_id=version))
    return made


def instances(secrets: Iterable[TerraformSecret], module: str = "") -> list[State]:
    """Every instance of the five resources, each with its address in parts, attributes and dependencies."""
    dot = f"{module}." if module else ""
    found = []
    for one in secrets:
        of = [f"{dot}random_password.this", f"{dot}{MADE_BY}"]
        if one.random:
            found.append(_instance("random_password", one, _password(one)))
        found.append(_instance("aws_secretsmanager_secret", one, _secret(one)))
        found.append(_instance("aws_secretsmanager_secret_version", one, _version(one), of if one.random else of[1:]))
        if one.policy:
            found.append(_instance("aws_secretsmanager_secret_policy", one, _policy(one), of[1:]))
        if one.rotation:
            found.append(_instance("aws_secretsmanager_secret_rotation", one, _rotation(one), of[1:]))
    return found


def _instance(kind: str, one: TerraformSecret, attributes: Mapping[str, Any], depends_on: Sequence[str] = ()) -> State:
    return {
        "type": kind,
        "name": "this",
        "key": one.key,
        "attributes": dict(attributes),
        "dependencies": list(depends_on),
        "sensitive": {
            "aws_secretsmanager_secret_version": ["secret_binary", "secret_string"],
            "random_password": ["bcrypt_hash", "result"],
        }.get(kind, []),
    }


def state_file(found: Iterable[State], *, module: str = "", **more: Any) -> State:  # noqa: ANN401 - JSON
    """The state file of some instances, as `terraform state pull` prints it."""
    resources: dict[tuple[str, str, str, str], State] = {}
    for one in found:
        place = (one.get("module", module), one.get("mode", "managed"), one["type"], one["name"])
        whose: State = {"module": place[0]} if place[0] else {}
        whose |= {"mode": place[1], "type": one["type"], "name": one["name"]}
        whose |= {"provider": one.get("provider", RANDOM if one["type"].startswith("random_") else AWS)}
        resource = resources.setdefault(place, {**whose, "instances": []})
        instance: State = {**_index(one, "index_key"), "schema_version": SCHEMAS.get(one["type"], 0)}
        instance |= {name: one[name] for name in ("status", "deposed") if name in one}
        instance |= {
            "attributes": one["attributes"],
            "sensitive_attributes": [[{"type": "get_attr", "value": name}] for name in one.get("sensitive", [])],
            "private": "bnVsbA==",
            "dependencies": one.get("dependencies", []),
        }
        resource["instances"].append(instance)
    return {
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": 42,
        "lineage": "3f2b0f3e-5f0c-4f0a-9c3f-0d6f3a1b2c3d",
        "outputs": {},
        "resources": list(resources.values()),
        "check_results": None,
        **more,
    }


def shown(found: Iterable[State], *, module: str = "") -> State:
    """What `terraform show -json` prints of the same; modules nest."""
    root: State = {}
    for one in found:
        place, at = one.get("module", module), root
        steps = _steps(place)
        for depth in range(len(steps)):
            address = ".".join(steps[: depth + 1])
            children = at.setdefault("child_modules", [])
            child = next((below for below in children if below["address"] == address), None)
            if child is None:
                child = {"address": address}
                children.append(child)
            at = child
        key = one.get("key")
        index = "" if key is None else f"[{json.dumps(key)}]"
        at.setdefault("resources", []).append(
            {
                "address": ".".join(part for part in (place, one["type"], f"{one['name']}{index}") if part),
                "mode": one.get("mode", "managed"),
                "type": one["type"],
                "name": one["name"],
                **_index(one, "index"),
                "provider_name": "registry.terraform.io/hashicorp/aws",
                "schema_version": 0,
                "values": one["attributes"],
                "sensitive_values": {
                    **{name: {} for name in ("tags", "tags_all") if name in one["attributes"]},
                    **dict.fromkeys(one.get("sensitive", []), True),
                },
                **({"depends_on": one["dependencies"]} if one.get("dependencies") else {}),
                **({"tainted": True} if one.get("status") == "tainted" else {}),
                **({"deposed_key": one["deposed"]} if "deposed" in one else {}),
            }
        )
    return {
        "format_version": "1.0",
        "terraform_version": "1.9.8",
        "values": {"outputs": {}, "root_module": root},
    }


def parameter(name: str, value: str, *, kind: str = "SecureString", **more: Any) -> State:  # noqa: ANN401 - JSON
    """An `aws_ssm_parameter` of Cloud Posse's component `ssm-parameters`, whose `for_each` keys are names."""
    return {
        "type": "aws_ssm_parameter",
        "name": "destination",
        "key": name,
        "sensitive": ["value", "value_wo"],
        "attributes": {
            "allowed_pattern": "",
            "arn": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name.lstrip('/')}",
            "data_type": "text",
            "description": "a password",
            "has_value_wo": None,
            "id": name,
            "insecure_value": None,
            "key_id": "alias/aws/ssm",
            "name": name,
            "overwrite": True,
            "region": REGION,
            "tags": {},
            "tags_all": DEFAULT_TAGS,
            "tier": "Standard",
            "type": kind,
            "value": value,
            "value_wo": None,
            "value_wo_version": None,
            "version": 1,
        },
        **more,
    }


def _index(one: State, name: str) -> State:
    return {} if one.get("key") is None else {name: one["key"]}


def _secret(one: TerraformSecret) -> State:
    replicas = [
        {"kms_key_id": "alias/aws/secretsmanager", "last_accessed_date": "", "region": region}
        | {"status": "InSync", "status_message": "Replication succeeded"}
        for region in one.replicas
    ]
    return {
        "arn": one.arn,
        "description": one.description,
        "force_overwrite_replica_secret": False,
        "id": one.arn,
        "kms_key_id": one.kms_key_id or "",
        "name": one.name,
        "name_prefix": "",
        "policy": json.dumps(one.policy) if one.policy else "",
        "recovery_window_in_days": one.recovery_window_in_days,
        "region": REGION,
        "replica": replicas,
        "tags": dict(one.tags) or None,
        "tags_all": one.tags_all,
        "type": "",
    }


def _version(one: TerraformSecret) -> State:
    return {
        "arn": one.arn,
        "has_secret_string_wo": None,
        "id": f"{one.arn}|{one.version_id}",
        "region": REGION,
        "secret_binary": "",
        "secret_id": one.arn,
        "secret_string": one.value,
        "secret_string_wo": None,
        "secret_string_wo_version": None,
        "version_id": one.version_id,
        "version_stages": ["AWSCURRENT"],
    }


def _policy(one: TerraformSecret) -> State:
    return {
        "block_public_policy": None,
        "id": one.arn,
        "policy": json.dumps(one.policy),
        "region": REGION,
        "secret_arn": one.arn,
    }


def _rotation(one: TerraformSecret) -> State:
    rotation = dict(one.rotation or {})
    return {
        "external_secret_rotation_metadata": [],
        "external_secret_rotation_role_arn": "",
        "id": one.arn,
        "region": REGION,
        "rotate_immediately": False,
        "rotation_enabled": True,
        "rotation_lambda_arn": rotation.pop("lambda", ""),
        "rotation_rules": [{"automatically_after_days": None, "schedule_expression": "", "duration": "", **rotation}],
        "secret_id": one.arn,
    }


def _password(one: TerraformSecret) -> State:
    return {
        "bcrypt_hash": f"$2a$10$hash-of-{one.key}",
        "id": "none",
        "keepers": None,
        "length": 24,
        "lower": True,
        "min_lower": 0,
        "min_numeric": 0,
        "min_special": 0,
        "min_upper": 0,
        "number": True,
        "numeric": True,
        "override_special": None,
        "special": True,
        "upper": True,
        **PASSWORD_RULE,
        "result": one.value,
    }


def _steps(module: str) -> list[str]:
    """`module.a["x"].module.b` → `module.a["x"]`, `module.b`; keys of these tests have no dots."""
    parts = module.split(".") if module else []
    return [".".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
