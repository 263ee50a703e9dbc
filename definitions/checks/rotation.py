"""The checks of rotation: does it happen when it should, to its end, and could it happen at all?"""

from definitions.assets.provisioning import secret_rotation
from definitions.checks.partitioned import stack_check
from secrets_pipeline.reconcilers import rotation_findings as found

_STAGES = ("secret_rotation",)

ROTATION_CHECKS = (
    stack_check(
        name="rotation_not_overdue",
        asset=secret_rotation,
        stages=(),
        description="Each secret that rotates was rotated when its rules say, the lateness of the window allowed.",
        find=lambda stack, _deep: found.rotation_not_overdue(stack),
    ),
    stack_check(
        name="rotation_not_stuck",
        asset=secret_rotation,
        stages=(),
        description="Each rotation that began has ended: no version stays AWSPENDING beside the current one.",
        find=lambda stack, _deep: found.rotation_not_stuck(stack),
    ),
    stack_check(
        name="rotation_function_invokable",
        asset=secret_rotation,
        stages=_STAGES,
        description="The function of each secret that rotates exists, works, and lets Secrets Manager invoke it.",
        find=lambda stack, _deep: found.rotation_function_invokable(stack),
        else_skipped="Nothing was changed, so no function was looked at again: `verify` does.",
    ),
)
