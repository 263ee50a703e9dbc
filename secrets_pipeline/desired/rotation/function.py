"""Read the managed rotation function of a stack: `settings.secrets_pipeline.rotation_function`.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope
from secrets_pipeline.desired.rotation.keys import RotationFunctionEntry
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec

SETTING: Final = "rotation_function"
_PATH = ("settings", "secrets_pipeline", SETTING)
_NAME = re.compile(r"[A-Za-z0-9-_]{1,64}")
_NAME_LENGTH = 64
FUNCTION_PREFIX = "secrets-pipeline-rotation-"
_PLAIN = re.compile(r"[a-z0-9-_]+")
_DIGEST = 16
_DIGESTED = re.compile(rf".*-[0-9a-f]{{{_DIGEST}}}")
_SUBNET, _GROUP = re.compile(r"subnet-[0-9a-f]{8,17}"), re.compile(r"sg-[0-9a-f]{8,17}")
_MOST = {"subnet_ids": 16, "security_group_ids": 5}
_RETENTION = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
_DEFAULT = RotationFunctionSpec(name="default")


def function_name(stack: str) -> str:
    """`secrets-pipeline-rotation-<stack>`, within what Lambda and IAM take, and another one for each stack.

    IAM does not tell capital letters from small ones in the names of roles. What is longer, or holds other characters,
    gets a digest of the stack's name, and so does what looks as if it had one.
    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (RoleName)
    """
    name = f"{FUNCTION_PREFIX}{stack}"
    if _PLAIN.fullmatch(stack) and not _DIGESTED.fullmatch(stack) and len(name) <= _NAME_LENGTH:
        return name
    digest = hashlib.sha256(stack.encode()).hexdigest()[:_DIGEST]
    return f"{re.sub('[^A-Za-z0-9-_]', '-', name)[: _NAME_LENGTH - _DIGEST - 1]}-{digest}"


def read_rotation_function(stack: StackScope, rotations: Iterable[RotationSpec]) -> RotationFunctionSpec | None:
    """The function of a stack, None where no secret asks for managed rotation; what is wrong is collected.

    Args:
        stack: whose settings are read, of each component that is recognised; they have to agree.
        rotations: of its secrets.
    """
    said = stack.said_once(SETTING, "A stack has one function: write the setting once, for the whole stack.")
    spec = _read(said, stack.stack.name) if said else RotationFunctionSpec(name=function_name(stack.stack.name))
    return spec if any(one.managed for one in rotations) else None


def _read(scope: ComponentScope, stack: str) -> RotationFunctionSpec:
    inputs = Inputs(scope, scope.setting(SETTING), _PATH)
    inputs.refuse_unknown(frozenset(RotationFunctionEntry.model_fields))
    ids = {
        key: _ids(inputs, key, pattern) for key, pattern in (("subnet_ids", _SUBNET), ("security_group_ids", _GROUP))
    }
    for key, other in (("subnet_ids", "security_group_ids"), ("security_group_ids", "subnet_ids")):
        if inputs.has(key) and not inputs.has(other):
            inputs.error(key, f"{key} stands without {other}", "A function in a VPC has both.")
    days = inputs.integer("log_retention_in_days", _DEFAULT.log_retention_in_days, least=1)
    if days not in _RETENTION:
        inputs.error(
            "log_retention_in_days",
            f"log_retention_in_days is {days}",
            f"CloudWatch Logs takes one of {', '.join(map(str, sorted(_RETENTION)))}.",
        )
    return RotationFunctionSpec(
        name=inputs.text("name", pattern=_NAME, example=function_name("prod")) or function_name(stack),
        subnet_ids=ids["subnet_ids"],
        security_group_ids=ids["security_group_ids"],
        log_retention_in_days=days or _DEFAULT.log_retention_in_days,
    )


def _ids(inputs: Inputs, key: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    given = inputs.texts(key)
    for one in given:
        if not pattern.fullmatch(one):
            inputs.error(
                key, f"{key} holds {one!r}", f"Write ids as AWS shows them: {pattern.pattern.split('-')[0]}-0a1b2c3d."
            )
    if len(given) > _MOST[key]:
        inputs.error(key, f"{key} has {len(given)} entries", f"Lambda takes {_MOST[key]}.")
    return given
