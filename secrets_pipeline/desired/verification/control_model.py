"""Define what Security Hub's controls for Secrets Manager ask of secrets.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.desired.base import Spec

CONTROL_IDS: Final = tuple(f"SecretsManager.{number}" for number in range(1, 6))


class ControlParameters(Spec):
    """The parameters for the secrets of one component, by default those of Security Hub.

    Attributes:
        maximum_allowed_rotation_frequency: of SecretsManager.1, longest time between two rotations in days, 1 to 365;
            None for no limit.
        unused_for_days: of SecretsManager.3, days without a read that a secret may have, 1 to 365.
        max_days_since_rotation: of SecretsManager.4, days without a rotation that a secret may have, 1 to 180.
        required_tag_keys: of SecretsManager.5, up to 6 keys of tags, case-sensitive; empty asks for any tag.
        disabled_controls: ids of controls that are not judged, for example `SecretsManager.3`.
    """

    maximum_allowed_rotation_frequency: int | None = None
    unused_for_days: int = 90
    max_days_since_rotation: int = 90
    required_tag_keys: tuple[str, ...] = ()
    disabled_controls: tuple[str, ...] = ()
