"""Rotation of a secret: the nested `rotation` map, or tf-atmos's flat keys.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

from secrets_pipeline.spec.inputs import Inputs
from secrets_pipeline.spec.limits import DEFAULT_ROTATION_DAYS, FUNCTION_ARN, ROTATION_DAYS, duration_problem, schedule_problem
from secrets_pipeline.spec.model import RotationSpec

FLAT_KEYS = frozenset(
    {
        "rotation_lambda_arn",
        "rotation_automatically",
        "rotation_automatically_after_days",
        "rotation_days",
        "rotation_schedule_expression",
        "rotation_duration",
        "rotation_managed_externally",
        "rotate_immediately",
    }
)
_NESTED_KEYS = frozenset(
    {"lambda_arn", "managed", "automatically_after_days", "schedule_expression", "duration", "rotate_immediately"}
)
_EXAMPLE_ARN = "arn:aws:lambda:eu-west-2:111122223333:function:rotation"


def rotation(component: Inputs, entry: Inputs) -> RotationSpec | None:
    """Rotation of one secret, or None for none; what is wrong is collected.

    The flat keys mean what they mean in tf-atmos: a function without `rotation_automatically` (or a number of days of
    its own) does not rotate.
    """
    default_days = component.integer("default_rotation_days", 30, least=DEFAULT_ROTATION_DAYS[0], most=DEFAULT_ROTATION_DAYS[1])
    if entry.has("rotation"):
        flat = [key for key in FLAT_KEYS if entry.has(key)]
        if flat:
            entry.error("rotation", f"rotation stands beside {', '.join(sorted(flat))}", "Keep one of the two forms.")
        return _nested(entry.inputs("rotation"), default_days)
    return _flat(component, entry, default_days)


def _nested(inputs: Inputs, default_days: int | None) -> RotationSpec | None:
    inputs.refuse_unknown(_NESTED_KEYS)
    if inputs.has("managed"):
        inputs.error(
            "managed",
            "a rotation function made by this project cannot be asked for here",
            "Name the function: lambda_arn: ${output.lambda/rotation.function_arn}.",
        )
        return None
    return _spec(inputs, "lambda_arn", ("automatically_after_days",), "schedule_expression", "duration", default_days)


def _flat(component: Inputs, entry: Inputs, default_days: int | None) -> RotationSpec | None:
    own_days = next((key for key in ("rotation_automatically_after_days", "rotation_days") if entry.has(key)), None)
    by_default = component.boolean("default_rotation_automatically", default=False)
    asked = entry.boolean("rotation_automatically", default=own_days is not None or by_default)
    if entry.boolean("rotation_managed_externally", default=False):
        return None
    if not entry.has("rotation_lambda_arn"):
        if entry.values.get("rotation_automatically") is True:
            entry.error(
                "rotation_automatically",
                "rotation_automatically is true, but no function is named",
                "Write rotation_lambda_arn: ${output.lambda/rotation.function_arn}.",
            )
        return None
    scheduled = entry.has("rotation_schedule_expression")
    if not asked and not scheduled:
        return None
    days = ("rotation_automatically_after_days", "rotation_days")
    return _spec(entry, "rotation_lambda_arn", days, "rotation_schedule_expression", "rotation_duration", default_days)


def _spec(
    inputs: Inputs, arn: str, days_keys: tuple[str, ...], schedule_key: str, duration_key: str, default_days: int | None
) -> RotationSpec | None:
    errors = len(inputs.scope.stack.errors)
    function = inputs.late(arn, pattern=FUNCTION_ARN, example=_EXAMPLE_ARN)
    if function is None and not inputs.has(arn):
        inputs.error(arn, f"{arn} is missing", f"Write {arn}: ${{output.lambda/rotation.function_arn}}.")
    days_key = next((key for key in days_keys if inputs.has(key)), None)
    days = inputs.integer(days_key, least=ROTATION_DAYS[0], most=ROTATION_DAYS[1]) if days_key else None
    schedule = inputs.text(schedule_key)
    if days_key and schedule:
        inputs.error(schedule_key, f"{schedule_key} stands beside {days_key}", "Keep one of the two.")
    if schedule and (problem := schedule_problem(schedule)):
        inputs.error(
            schedule_key,
            f"{schedule_key} {schedule!r} {problem}",
            "Write for example rate(10 days) or cron(0 8 ? * MON *).",
        )
    duration = inputs.text(duration_key)
    if duration and (problem := duration_problem(duration)):
        inputs.error(duration_key, f"{duration_key} {duration!r} {problem}", f"Write for example {duration_key}: 3h.")
    at_once = inputs.boolean("rotate_immediately", default=False)
    if function is None or len(inputs.scope.stack.errors) > errors:
        return None
    return RotationSpec(
        lambda_arn=function,
        automatically_after_days=None if schedule else days or default_days,
        schedule_expression=schedule,
        duration=duration,
        rotate_immediately=at_once,
    )
