"""Read parameters of Security Hub's controls: `settings.secrets_pipeline.security_hub` of a stack or component.

AWS's names in snake case, with AWS's ranges and defaults.
Source: https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope, listed, near_miss
from secrets_pipeline.desired.tags import tag_problems
from secrets_pipeline.desired.verification.model import CONTROL_IDS, ControlParameters

SETTING: Final = "security_hub"

_TAG_KEYS = 6
AWS_NAMES: Mapping[str, str] = {
    "maximumAllowedRotationFrequency": "maximum_allowed_rotation_frequency",
    "unusedForDays": "unused_for_days",
    "maxDaysSinceRotation": "max_days_since_rotation",
    "requiredTagKeys": "required_tag_keys",
}
"""AWS's name of each parameter → its field."""
_DEFAULT = ControlParameters()
_KNOWN = frozenset(ControlParameters.model_fields)


def read_controls(component: ComponentScope) -> ControlParameters | None:
    """The parameters that a component's settings name, AWS's defaults elsewhere; what is wrong is collected.

    Returns:
        None where the settings do not ask for the controls; `security_hub: {}` asks for all by AWS's defaults.
    """
    if component.setting(SETTING) is None:
        return None
    inputs = Inputs(component, component.setting(SETTING), ("settings", "secrets_pipeline", SETTING))
    _refuse_unknown(inputs)
    frequency = inputs.integer("maximum_allowed_rotation_frequency", least=1, most=365)
    unused = inputs.integer("unused_for_days", _DEFAULT.unused_for_days, least=1, most=365)
    rotated = inputs.integer("max_days_since_rotation", _DEFAULT.max_days_since_rotation, least=1, most=180)
    return ControlParameters(
        maximum_allowed_rotation_frequency=frequency,
        unused_for_days=unused or _DEFAULT.unused_for_days,
        max_days_since_rotation=rotated or _DEFAULT.max_days_since_rotation,
        required_tag_keys=_tag_keys(inputs),
        disabled_controls=_disabled(inputs),
    )


def _refuse_unknown(inputs: Inputs) -> None:
    for key in inputs.values:
        if key in AWS_NAMES:
            inputs.error(key, f"unknown key {key}", f"Write {AWS_NAMES[key]}.")
        elif key not in _KNOWN:
            inputs.error(key, f"unknown key {key}", f"Known keys: {listed(_KNOWN)}.{near_miss(str(key), _KNOWN)}")


def _tag_keys(inputs: Inputs) -> tuple[str, ...]:
    key = "required_tag_keys"
    wanted = inputs.texts(key)
    if len(wanted) > _TAG_KEYS:
        inputs.error(key, f"{key} has {len(wanted)} keys", f"Security Hub takes 1 to {_TAG_KEYS}.")
    for twice in sorted({one for one in wanted if wanted.count(one) > 1}):
        inputs.error(key, f"{key} names {twice} twice", "Write each key once.")
    for one in dict.fromkeys(wanted):
        for problem in tag_problems({one: ""}):
            inputs.error(key, f"{key}: {problem}", "Name keys that the tags of the stack's secrets have.")
    return wanted


def _disabled(inputs: Inputs) -> tuple[str, ...]:
    key = "disabled_controls"
    named = inputs.texts(key)
    for one in named:
        if one not in CONTROL_IDS:
            known = f"Write any of {listed(CONTROL_IDS)}.{near_miss(one, CONTROL_IDS)}"
            inputs.error(key, f"{key} names {one!r}", known)
    return tuple(dict.fromkeys(named))
