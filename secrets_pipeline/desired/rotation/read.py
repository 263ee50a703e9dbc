"""Read the rotation of a secret: the nested `rotation` map, or tf-atmos's flat keys.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.limits import (
    DEFAULT_ROTATION_DAYS,
    FUNCTION_ARN,
    ROTATION_DAYS,
    duration_problem,
    schedule_problem,
)
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import listed, near_miss
from secrets_pipeline.desired.rotation.keys import FLAT_KEYS, RotationEntry
from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy

_SWITCHES = ("rotation_automatically", "enable_rotation", "rotation_enabled")
"""tf-atmos's name, and what its stacks and other Terraform modules call it."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the keys of one of the two forms are called."""

    lambda_arn: str
    days: tuple[str, ...]
    schedule: str
    duration: str


_NESTED = _Keys("lambda_arn", ("automatically_after_days",), "schedule_expression", "duration")
_FLAT = _Keys(
    "rotation_lambda_arn",
    ("rotation_automatically_after_days", "rotation_days"),
    "rotation_schedule_expression",
    "rotation_duration",
)
_EXAMPLE_ARN = "arn:aws:lambda:eu-west-2:111122223333:function:rotation"
_EXAMPLE = "!terraform.state lambda/rotation function_arn"


def rotation(component: Inputs, entry: Inputs) -> RotationSpec | None:
    """Rotation of one secret, or None for none; what is wrong is collected.

    The flat keys mean what they mean in tf-atmos: a function without `rotation_automatically` (or a number of days of
    its own) does not rotate.
    """
    default_days = component.integer(
        "default_rotation_days", 30, least=DEFAULT_ROTATION_DAYS[0], most=DEFAULT_ROTATION_DAYS[1]
    )
    if entry.has("rotation"):
        flat = [key for key in FLAT_KEYS if entry.has(key)]
        if flat:
            entry.error("rotation", f"rotation stands beside {', '.join(sorted(flat))}", "Keep one of the two forms.")
        return _nested(entry.inputs("rotation"), default_days)
    return _flat(component, entry, default_days)


def _nested(inputs: Inputs, default_days: int | None) -> RotationSpec | None:
    inputs.refuse_unknown(frozenset(RotationEntry.model_fields))
    errors = len(inputs.scope.stack.errors)
    managed = inputs.boolean("managed", default=False)
    if len(inputs.scope.stack.errors) > errors:
        return None
    if managed and inputs.has("lambda_arn"):
        inputs.error("managed", "managed: true stands beside lambda_arn", "Keep one of the two.")
        return None
    if not managed and not inputs.has("lambda_arn"):
        inputs.error("lambda_arn", "no function is named", f"Write managed: true, or lambda_arn: {_EXAMPLE}.")
        return None
    strategy, superuser = _strategy(inputs), _superuser(inputs)
    json_key = inputs.text("json_key")
    spec = _spec(inputs, _NESTED, default_days, managed=managed)
    if spec is None or len(inputs.scope.stack.errors) > errors:
        return None
    said = {"strategy": strategy, "superuser_secret": superuser, "json_key": json_key}
    # Whether a managed rotation has a strategy is judged by `rotating`, with the value.
    return spec.model_copy(update=said)


def _strategy(inputs: Inputs) -> RotationStrategy | None:
    given = inputs.text("strategy")
    if given is None:
        return None
    if given not in list(RotationStrategy):
        inputs.error("strategy", f"strategy is {given!r}", f"Write one of {', '.join(RotationStrategy)}.")
        return None
    return RotationStrategy(given)


def _superuser(inputs: Inputs) -> SecretRef | None:
    """The secret that `KEY` or `COMPONENT.KEY` names; both names may hold dots."""
    given = inputs.text("superuser_secret")
    if given is None:
        return None
    stack, own = inputs.scope.stack, inputs.scope.name
    known = {
        SecretRef(component=name, key=str(key))
        for name, kind in stack.kinds.items()
        if kind == "secretsmanager"
        and isinstance(entries := stack.components[name].component.vars.get("secrets"), Mapping)
        for key in entries
    }
    for ref in sorted(known, key=lambda ref: (ref.component != own, ref.component)):
        if given == f"{ref.component}.{ref.key}" or (ref.component == own and given == ref.key):
            return ref
    names = [ref.key if ref.component == own else f"{ref.component}.{ref.key}" for ref in known]
    inputs.error(
        "superuser_secret",
        f"superuser_secret {given!r} is no secret of this stack",
        f"Write KEY or COMPONENT.KEY, one of {listed(names)}.{near_miss(given, names)}",
    )
    return None


def _flat(component: Inputs, entry: Inputs, default_days: int | None) -> RotationSpec | None:
    own_days = next((key for key in _FLAT.days if entry.has(key)), None)
    by_default = component.boolean("default_rotation_automatically", default=False)
    switch = _switch(entry)
    asked = entry.boolean(switch, default=own_days is not None or by_default)
    if entry.boolean("rotation_managed_externally", default=False):
        return None
    if not entry.has("rotation_lambda_arn"):
        if entry.has(switch) and asked:
            entry.error(
                switch,
                f"{switch} is true, but no function is named",
                f"Write rotation: {{managed: true}} instead of {switch}, or rotation_lambda_arn: {_EXAMPLE}.",
            )
        return None
    scheduled = entry.has("rotation_schedule_expression")
    if not asked and not scheduled:
        return None
    return _spec(entry, _FLAT, default_days)


def _switch(entry: Inputs) -> str:
    """The key that switches a rotation on or off, of those that Terraform code uses; two of them are an error."""
    given = [key for key in _SWITCHES if entry.has(key)]
    for key in given[1:]:
        entry.error(key, f"{given[0]} and {key} mean the same", f"Keep {given[0]}.")
    return given[0] if given else _SWITCHES[0]


def _spec(inputs: Inputs, keys: _Keys, default_days: int | None, *, managed: bool = False) -> RotationSpec | None:
    errors = len(inputs.scope.stack.errors)
    function = inputs.late(keys.lambda_arn, pattern=FUNCTION_ARN, example=_EXAMPLE_ARN)
    days_key = next((key for key in keys.days if inputs.has(key)), None)
    days = inputs.integer(days_key, least=ROTATION_DAYS[0], most=ROTATION_DAYS[1]) if days_key else None
    schedule = inputs.text(keys.schedule)
    if days_key and schedule:
        inputs.error(keys.schedule, f"{keys.schedule} stands beside {days_key}", "Keep one of the two.")
    if schedule and (problem := schedule_problem(schedule)):
        inputs.error(
            keys.schedule,
            f"{keys.schedule} {schedule!r} {problem}",
            "Write for example rate(10 days) or cron(0 8 ? * MON *).",
        )
    duration = inputs.text(keys.duration)
    if duration and (problem := duration_problem(duration)):
        inputs.error(
            keys.duration, f"{keys.duration} {duration!r} {problem}", f"Write for example {keys.duration}: 3h."
        )
    at_once = inputs.boolean("rotate_immediately", default=False)
    if (function is None and not managed) or len(inputs.scope.stack.errors) > errors:
        return None
    return RotationSpec(
        lambda_arn=function,
        managed=managed,
        automatically_after_days=None if schedule else days or default_days,
        schedule_expression=schedule,
        duration=duration,
        rotate_immediately=at_once,
    )
