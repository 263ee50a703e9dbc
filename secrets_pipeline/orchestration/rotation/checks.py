"""List the checks of rotation: it happens when it should, to its end, and could happen at all."""

from secrets_pipeline.orchestration.verification.stack_check import StackCheck
from secrets_pipeline.reconcilers.database.credential_checks import credential_logins
from secrets_pipeline.reconcilers.secret_rotation import checks as found
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed

_STAGES = ("secret_rotation",)
_UNREAD = "No value is read here unless this was red: `verify` does, and `on_rotation` after each rotation."

ROTATION_CHECKS = (
    StackCheck(
        name="rotation_not_overdue",
        stage="secret_rotation",
        stages=(),
        description="Each secret that rotates was rotated when its rules say, the lateness of the window allowed.",
        red="secrets are overdue for rotation",
        columns=("name", "rules", "last rotated", "due by"),
        find=lambda stack, _deep: found.rotation_not_overdue(stack),
    ),
    StackCheck(
        name="rotation_not_stuck",
        stage="secret_rotation",
        stages=(),
        description="Each rotation that began has ended: no version stays AWSPENDING beside the current one.",
        red="rotations began and did not end",
        columns=("name", "pending since"),
        find=lambda stack, _deep: found.rotation_not_stuck(stack),
    ),
    StackCheck(
        name="rotation_function_invokable",
        stage="secret_rotation",
        stages=_STAGES,
        description="The function of each secret that rotates exists, works, and lets Secrets Manager invoke it.",
        red="secrets have no function that can rotate them",
        find=lambda stack, _deep: found.rotation_function_invokable(stack),
        else_skipped="Nothing was changed, so no function was looked at again: `verify` does.",
    ),
    StackCheck(
        name="credentials_log_in",
        # The first asset after which every value is whole: host and port are in it.
        stage="connection_secrets",
        stages=(),
        description="Each credentials secret opens its database, and its previous version does what the strategy says.",
        red="credentials do not log in",
        find=lambda stack, _deep: credential_logins(stack),
        else_skipped=_UNREAD,
        left_to_verify=True,
        judges_values=True,
    ),
    StackCheck(
        name="secret_values_well_formed",
        stage="connection_secrets",
        stages=(),
        description="Each value has the keys that the stack declares and rotation reads; master passwords suit RDS.",
        red="values are not as declared",
        find=lambda stack, _deep: secret_values_well_formed(stack),
        else_skipped=_UNREAD,
        left_to_verify=True,
        judges_values=True,
    ),
)
