"""Say what red checks of rotation mean."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.runbook.entry import Entry, check

ROTATION: Final[tuple[Entry, ...]] = (
    check(
        "rotation_not_overdue",
        means="A secret was not rotated by the end of its window, one hour's allowance included.",
        warns="Rotation is not switched on yet, or no date can be told from its rules.",
        look="`rotation_not_stuck` and `rotation_function_invokable` of the same stack mostly say why.",
        do="""
        * A rotation began and did not end: see [`rotation_not_stuck`](#rotation_not_stuck).
        * None began: look at the function's log group in CloudWatch, mend what it says, then
          `secrets-pipeline rotate NAME`.
        * Rotation is off: `secrets-pipeline apply -s STACK` switches it on as declared.
        """,
    ),
    check(
        "rotation_not_stuck",
        means="""
        A rotation began and has not ended within a quarter of an hour: a version is `AWSPENDING` beside the
        current one. The current value still works, unless the database has the pending password already, which
        `credentials_log_in` says.
        """,
        warns="AWS does not say since when the version is pending.",
        look="""
        The sentence of the check has the version, its age and the cause; the job `on_rotation_failure` tries again
        where the cause can pass by itself.
        """,
        do="""
        * Mend the cause that is named: a right of the function's role, the KMS key, the network, a login that
          is refused.
        * `secrets-pipeline rotate NAME` goes on with the same version, from the step at which it stopped.
        * Rotation was cancelled meanwhile: make sure which password the database has, then take the label
          `AWSPENDING` away with the command that the check prints.
        """,
    ),
    check(
        "rotation_function_invokable",
        means="""
        The rotation function of a secret does not exist, failed to be deployed, or does not let Secrets Manager
        invoke it. The next rotation will fail.
        """,
        warns="The function is being made, or rotation is not switched on yet.",
        look="`secrets-pipeline plan -s STACK --deep` has the rows `rotation` and `function`.",
        do="""
        * The managed function: `secrets-pipeline apply -s STACK --deep` makes it anew, with its permission.
        * A function of your own: deploy it, or give it the permission that the check prints; then
          `secrets-pipeline verify -s STACK`.
        """,
    ),
)
