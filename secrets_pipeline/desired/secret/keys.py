"""List the keys of a `secretsmanager` component, and of each of its secrets, that mean something here.

Source: variables.tf and main.tf of tf-atmos's secretsmanager component.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from secrets_pipeline.desired.reading.scope import SWITCHES
from secrets_pipeline.desired.rotation import read as rotation
from secrets_pipeline.desired.secret import generated

PASSWORD_KEYS = frozenset(
    {"password_length", "random_password_length", "random_password_special", "random_password_override_special"}
    | {"override_special"}
    | {
        f"{prefix}min_{name}"
        for prefix in ("", "random_password_")
        for name in ("lower", "upper", "numeric", "special")
    }
)
ENTRY_KEYS = (
    frozenset(
        {
            "name",
            "full_name",
            "previous_name",
            "path",
            "description",
            "secret_data",
            "secret_binary",
            "value",
            "generate_random_password",
            "kms_key_id",
            "recovery_window_in_days",
            "rotation",
            "replica_regions",
            "policy",
            "tags",
            "type",
            "secret_string_version",
        }
    )
    | generated.DOCUMENT_KEYS
    | rotation.FLAT_KEYS
    | PASSWORD_KEYS
)
"""Keys of one secret. `secret_string_version` steers Terraform's write-only values and means nothing here."""

VARIABLES = (
    frozenset(
        {"context_name", "environment", "secrets", "consumers", "tags", "region", "account_id"}
        | {"create_kms_key", "default_kms_key_id", "default_recovery_window_in_days"}
        | {"default_rotation_days", "default_rotation_automatically"}
    )
    | frozenset(SWITCHES)
    | PASSWORD_KEYS
)
"""Variables of the component that mean something here."""

_GENERATE = "Write generate_random_password: true."
_DATA = "Write secret_data: a text, or a map for JSON."
_REPLICAS = "Write replica_regions: [eu-west-1], or {region: eu-west-1, kms_key_id: …} for each."
_POLICY = "Write policy: {Statement: […]}."
_ROTATION = "Write rotation: {managed: true}, or {lambda_arn: …}, with automatically_after_days or schedule_expression."
_LENGTH = "Write random_password_length: 32 beside generate_random_password: true."
INSTEAD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("create_random_password", "random_password", "generate_password", "generate_secret"), _GENERATE)
    | dict.fromkeys(("secret_string", "secret_string_wo", "secret_value", "secret_key_value", "key_value"), _DATA)
    | dict.fromkeys(("secret_string_wo_version",), "Leave it out: a value is written again when it changes.")
    | dict.fromkeys(("replica", "replicas", "replication", "add_replica_region"), _REPLICAS)
    | dict.fromkeys(("resource_policy", "secret_policy", "policy_statements", "policy_json", "create_policy"), _POLICY)
    | dict.fromkeys(("rotation_rules", "rotation_schedule", "rotation_function", "managed_rotation"), _ROTATION)
    | dict.fromkeys(("length", "exclude_characters"), _LENGTH)
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
