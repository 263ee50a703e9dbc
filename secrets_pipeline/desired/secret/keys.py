"""List the keys of a `secretsmanager` component, and of each of its secrets, that mean something here.

Source: variables.tf and main.tf of tf-atmos's secretsmanager component.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap, unlisted
from secrets_pipeline.desired.consumer.keys import ConsumerEntry
from secrets_pipeline.desired.limits import DEFAULT_ROTATION_DAYS, RECOVERY_DAYS
from secrets_pipeline.desired.reading.keys import CommonVariables, Policy, Tags
from secrets_pipeline.desired.rotation.keys import FlatRotation, RotationEntry
from secrets_pipeline.desired.secret.generated import GeneratedFields
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretType
from secrets_pipeline.desired.value.passwords import DEFAULT_LENGTH, DEFAULT_MINIMUM, DEFAULT_SPECIAL, LONGEST
from secrets_pipeline.rotation_lambda.password_strength import SHORTEST

_LENGTH: Final = f"Characters of a generated password, {SHORTEST} to {LONGEST}"
_SPECIAL: Final = "Special characters that a generated password is made of"
_LEAST: Final = f"a generated password has at least; by default {DEFAULT_MINIMUM}."
_RECOVERY: Final = f"Days in which a deleted secret can be restored: {RECOVERY_DAYS[0]} to {RECOVERY_DAYS[1]}, or 0"
_KEY: Final = "KMS key: ARN, id, alias, or a reference such as `!terraform.state kms key_arn`"


class PasswordRules(ManifestMap):
    """How passwords are generated: in `vars`, for all secrets of the component; in a secret, for that one.

    A change counts from the next rotation on.
    """

    random_password_length: int | None = Field(
        default=None, ge=SHORTEST, le=LONGEST, description=f"{_LENGTH}; by default {DEFAULT_LENGTH}."
    )
    password_length: int | None = unlisted("Same as `random_password_length`.", ge=SHORTEST, le=LONGEST)
    random_password_special: bool | None = Field(
        default=None, description="`false` for letters and digits alone; by default `true`."
    )
    random_password_override_special: str | None = Field(
        default=None, description=f"{_SPECIAL}; by default `{DEFAULT_SPECIAL}`, or what the database's engine takes."
    )
    override_special: str | None = unlisted("Same as `random_password_override_special`.")
    random_password_min_lower: int | None = Field(
        default=None, ge=0, le=LONGEST, description=f"Small letters that {_LEAST}"
    )
    random_password_min_upper: int | None = Field(
        default=None, ge=0, le=LONGEST, description=f"Capital letters that {_LEAST}"
    )
    random_password_min_numeric: int | None = Field(default=None, ge=0, le=LONGEST, description=f"Digits that {_LEAST}")
    random_password_min_special: int | None = Field(
        default=None, ge=0, le=LONGEST, description=f"Special characters that {_LEAST}"
    )
    min_lower: int | None = unlisted("Same as `random_password_min_lower`.", ge=0, le=LONGEST)
    min_upper: int | None = unlisted("Same as `random_password_min_upper`.", ge=0, le=LONGEST)
    min_numeric: int | None = unlisted("Same as `random_password_min_numeric`.", ge=0, le=LONGEST)
    min_special: int | None = unlisted("Same as `random_password_min_special`.", ge=0, le=LONGEST)


PASSWORD_KEYS = frozenset(PasswordRules.model_fields)


class SecretEntry(GeneratedFields, PasswordRules, FlatRotation):
    """One secret. References and consumers name it by its key under `secrets`."""

    name: str | None = Field(default=None, description="Last part of the secret's name in AWS; by default its key.")
    path: str | None = Field(
        default=None, description="Part of the secret's name in AWS that stands before the last one."
    )
    full_name: str | None = Field(
        default=None,
        description=("The secret's whole name in AWS, for a secret that exists already; instead of `path` and `name`."),
    )
    previous_name: str | None = Field(
        default=None, description="Whole name that the secret had in AWS so far. The new secret starts with its value."
    )
    description: str | None = Field(default=None, description="For people; AWS shows it, too. Up to 2,048 characters.")
    type: SecretType | None = Field(
        default=None, description="Kind of value. The pipeline checks that the value has the fields of that kind."
    )
    generate_random_password: bool = Field(
        default=False,
        description=("`true` generates the value once. A later apply never changes it; a rotation or a person may."),
    )
    secret_data: str | dict[str, Any] | None = Field(
        default=None, description="The value: text, or a map for JSON. References stand for what AWS knows later."
    )
    secret_binary: str | None = Field(default=None, description="The value in Base64, as `base64 FILE` prints it.")
    value: Literal["external"] | None = Field(
        default=None,
        description=(
            "`external` if a person or a vendor puts the value into AWS. It means the same as no value at all."
        ),
    )
    kms_key_id: str | None = Field(
        default=None,
        description=f"{_KEY}. By default `default_kms_key_id`; `alias/aws/secretsmanager` for AWS's own.",
    )
    policy: Policy | None = Field(
        default=None, description="Statements of the resource policy. A policy that allows everybody is refused."
    )
    rotation: RotationEntry | None = Field(
        default=None, description="How the secret rotates. Without it, it does not rotate."
    )
    replica_regions: list[str | ReplicaSpec] | None = Field(
        default=None, description="Other regions that keep a replica.", examples=[["eu-west-1"]]
    )
    recovery_window_in_days: int | None = Field(
        default=None,
        ge=0,
        le=RECOVERY_DAYS[1],
        description=f"{_RECOVERY}, which is never allowed in production. By default `default_recovery_window_in_days`.",
    )
    tags: Tags | None = Field(default=None, description="Tags of the secret, besides those of the component.")
    secret_string_version: Any = unlisted("Means nothing here: it steers Terraform's write-only values.")


ENTRY_KEYS = frozenset(SecretEntry.model_fields)


class SecretsmanagerVariables(CommonVariables, PasswordRules):
    """Variables of a `secretsmanager` component. Others are Terraform's."""

    # The bases disagree.
    model_config = ConfigDict(extra="allow")

    context_name: Any = Field(
        default=None,
        description=(
            "First part of all names: `{context_name}/{environment}/{path}/{name}`. Required, unless "
            "`settings.secrets_pipeline.name_template` or each secret's `full_name` gives the names."
        ),
        examples=["myapp"],
    )
    secrets: dict[str, SecretEntry] | None = Field(
        default=None, description="The secrets, each under a key of your choice."
    )
    consumers: dict[str, ConsumerEntry] | None = Field(
        default=None, description="Roles that read these secrets, each under a name of your choice."
    )
    tags: Tags | None = Field(default=None, description="Tags of everything that the component makes.")
    default_kms_key_id: str | None = Field(default=None, description=f"{_KEY}. By default AWS's own.")
    create_kms_key: bool = Field(
        default=False, description="`true` makes a KMS key for these secrets, `alias/secrets/…`."
    )
    default_recovery_window_in_days: int = Field(default=30, ge=0, le=RECOVERY_DAYS[1], description=f"{_RECOVERY}.")
    default_rotation_days: int = Field(
        default=30,
        ge=DEFAULT_ROTATION_DAYS[0],
        le=DEFAULT_ROTATION_DAYS[1],
        description="Days between two rotations, for secrets without a schedule.",
    )
    default_rotation_automatically: bool = Field(
        default=False, description="Whether a secret that names its own rotation function rotates."
    )


VARIABLES = frozenset(SecretsmanagerVariables.model_fields)

_GENERATE = "Write generate_random_password: true."
_DATA = "Write secret_data: a text, or a map for JSON."
_REPLICAS = "Write replica_regions: [eu-west-1], or {region: eu-west-1, kms_key_id: …} for each."
_POLICY = "Write policy: {Statement: […]}."
_ROTATION = "Write rotation: {managed: true}, or {lambda_arn: …}, with automatically_after_days or schedule_expression."
_RULE = "Write random_password_length: 32 beside generate_random_password: true."
INSTEAD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("create_random_password", "random_password", "generate_password", "generate_secret"), _GENERATE)
    | dict.fromkeys(("secret_string", "secret_string_wo", "secret_value", "secret_key_value", "key_value"), _DATA)
    | dict.fromkeys(("secret_string_wo_version",), "Leave it out: a value is written again when it changes.")
    | dict.fromkeys(("replica", "replicas", "replication", "add_replica_region"), _REPLICAS)
    | dict.fromkeys(("resource_policy", "secret_policy", "policy_statements", "policy_json", "create_policy"), _POLICY)
    | dict.fromkeys(("rotation_rules", "rotation_schedule", "rotation_function", "managed_rotation"), _ROTATION)
    | dict.fromkeys(("length", "exclude_characters"), _RULE)
    | {"kms_key": "Write kms_key_id: an ARN, id or alias.", "kms_key_arn": "Write kms_key_id: an ARN, id or alias."}
    | {"recovery_window": "Write recovery_window_in_days: 7 to 30."}
    | {"force_delete": "Write recovery_window_in_days: 0, which deletes at once when the secret is pruned."}
    | {"ignore_secret_changes": "Leave it out: what a rotation or a human writes is never put back."}
    | {"force_overwrite_replica_secret": "Leave it out: a secret of that name in the other region is never replaced."}
    | {"block_public_policy": "Leave it out: a policy that lets everybody in is always refused."}
    | {"name_prefix": "Write name, or path for what stands before it; names do not end by chance here."}
)
"""By a name that Terraform's aws_secretsmanager_secret*, or a module around them, has for it: what to write here.

Sources: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/secretsmanager_secret and
https://registry.terraform.io/modules/terraform-aws-modules/secrets-manager/aws/latest
"""

MISTAKEN_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "enable_rotation": "default_rotation_automatically",
        "rotation_enabled": "default_rotation_automatically",
        "rotation_automatically_after_days": "default_rotation_days",
        "length": "random_password_length",
        "rotation_lambda_arn": "rotation: {lambda_arn: …} in each secret",
        "replica_regions": "replica_regions in each secret",
    }
)
"""Variables of the component that almost mean something here: what they are called."""
