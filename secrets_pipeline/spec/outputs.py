"""The outputs of managed components that a stack may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYED: Final = frozenset(
    {
        "secret_arns",
        "secret_ids",
        "secret_names",
        "secret_versions",
        "rotation_enabled_secrets",
        "generated_passwords",
        "secret_values",
    }
)
"""Outputs of a `secretsmanager` component that are maps by key of its `secrets`."""

OUTPUTS: Final[Mapping[str, frozenset[str]]] = {
    "secretsmanager": KEYED | {"kms_key_arn", "kms_key_id"},
    "kms": frozenset({"key_arn", "key_id", "alias_name", "alias_arn"}),
    "rds": frozenset(
        {
            "instance_id",
            "instance_arn",
            "instance_address",
            "address",
            "instance_endpoint",
            "endpoint",
            "instance_port",
            "port",
            "instance_name",
            "db_name",
            "master_username",
            "username",
            "engine",
            "password_secret_arn",
            "master_user_secret_arn",
        }
    ),
    "lambda": frozenset({"function_arn", "function_name"}),
    "ecs": frozenset({"cluster_name", "service_name"}),
    "apigateway": frozenset({"stage_name"}),
}
"""Kind of component → its outputs."""

KINDS: Final = tuple(OUTPUTS)
"""Kinds of components that are recognised."""

NAMING_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "lambda": ("function_name",),
    "ecs": ("cluster_name", "service_name"),
    "apigateway": ("api_name", "stage_name"),
}
"""Variables without which the resource of a component that Terraform makes cannot be found."""

KNOWN_WITHOUT_INSTANCE: Final = frozenset({"password_secret_arn"})
"""Outputs of an `rds` component that do not wait for the instance, where its password is a secret of the stack."""
