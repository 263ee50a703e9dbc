"""List the keys of a `secretsmanager` component, and of each of its secrets, that mean something here.

Source: variables.tf and main.tf of tf-atmos's secretsmanager component.
"""

from __future__ import annotations

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
