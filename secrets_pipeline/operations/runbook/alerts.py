"""Say what alerts mean, by their cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.errors import Unasked
from secrets_pipeline.operations.runbook.entry import Entry, alert

OUTAGE: Final = "cannot-be-asked"
"""The cause of the alert that an AWS account cannot be asked."""
CAN_BE_ASKED: Final = "can-be-asked"
"""The cause of the alert that it can be asked again."""


@dataclass(frozen=True, slots=True)
class WhyUnasked:
    """A cause by which nobody can ask AWS, for humans.

    Attributes:
        word: for subjects.
        what: as a clause.
        do: what to do about it.
    """

    word: str
    what: str
    do: str


WHY_UNASKED: Final[Mapping[Unasked, WhyUnasked]] = {
    Unasked.NO_ANSWER: WhyUnasked(
        "no answer",
        "AWS does not answer",
        "look at the network of Dagster's processes (routes, VPC endpoints, proxy, DNS) and at AWS's health dashboard.",
    ),
    Unasked.CREDENTIALS: WhyUnasked(
        "no valid credentials",
        "AWS does not take the credentials",
        "renew them where Dagster runs. `RequestExpired` and `RequestTimeTooSkewed` mean the clock of that machine.",
    ),
    Unasked.ROLE: WhyUnasked(
        "the role cannot be assumed",
        "the pipeline's role cannot be assumed",
        "compare `role_arn` and `external_id` of the operator's settings with the role's trust policy.",
    ),
    Unasked.THROTTLED: WhyUnasked(
        "throttled",
        "AWS throttles every try",
        "find out who else uses up the quota of the account.",
    ),
}
REPEATED_BY_ITSELF: Final = (
    "Runs that failed by it are repeated after 1 minute, 10 minutes, 1 hour and 6 hours, and as soon as the account "
    "answers another run. Runs of the command line and of `rotate_secrets` are not, and each has an alert of its own: "
    "launch those again."
)
_STEPS = "\n".join(f"* `{one.what}`: {one.do}" for one in WHY_UNASKED.values())
ALERTS: Final[tuple[Entry, ...]] = (
    alert(
        OUTAGE,
        means="""
        The pipeline could not ask an AWS account. There is one alert for each account and cause. Earlier verdicts stand
        with their age: a check that was red stays red, any other is a warning. A refusal is no outage: it is an
        answer, so its check is red.
        """,
        look="""
        `secrets-pipeline doctor -s STACK` asks what the runs ask, and says what stands in the way. The alert quotes
        the call and AWS's code.
        """,
        do=f"{_STEPS}\n* {REPEATED_BY_ITSELF}",
    ),
    alert(
        CAN_BE_ASKED,
        means="Every stack about which AWS could not be asked was checked since.",
        look="The alert says since when it could not be asked.",
        do="""
        * Launch again what failed meanwhile and is not repeated: each such run had an alert of its own.
        """,
    ),
    alert(
        "not-verified",
        means="""
        The named stacks were not verified completely within `alerts.verified_within_hours`, which is 26 by
        default. The heartbeat goes on unless more stacks are late than in time.
        """,
        look="""
        `secrets-pipeline health` lists each such stack. `secrets-pipeline list stacks --all` names those with errors.
        """,
        do="""
        * A stack has errors: mend its YAML. It is not verified before, and the alert is repeated each day until then.
        * Else go by [`verification-too-old`](#verification-too-old).
        """,
    ),
    alert(
        "run-failed",
        means="A run of a job ended as failed. What it had applied by then stays; nothing is half written.",
        look="The alert quotes what failed first; its link opens the run.",
        do="""
        * An apply: mend what the sentence says, then apply the stack again; it goes on where this one ended.
        * A run that died (its host, its process, the database): with `run_retries` Dagster repeats it, twice at
          most. If the alert is the last word, launch it again.
        """,
    ),
    alert(
        "check-red",
        means="A check was not red and is now; it is said once.",
        look="""
        The alert quotes the check, who called AWS just before where an event told of it, and links to the
        check.
        """,
        do="""
        * See the entry of the check above.
        """,
    ),
    alert(
        "check-green",
        means="A check that was red is not red any longer.",
        look="The alert says since when it was red.",
        do="""
        * Nothing.
        """,
    ),
    alert(
        "rotation-failed",
        means="""
        A rotation did not end, and either cannot mend itself or has been tried often enough. The version that
        was begun stays `AWSPENDING`; the current value still works, unless the database has the pending
        password already, which `credentials_log_in` says.
        """,
        look="The alert names the cause, from what can be seen now or from the function's log.",
        do="""
        * `rotation is cancelled`: apply the stack, which switches it on as declared.
        * `abandoned for a manual version`: somebody stored a value by hand meanwhile. Check that it is the
          right one.
        * `the function cannot be invoked`, `the function failed`: see
          [`rotation_function_invokable`](#rotation_function_invokable), and mend what its log says.
        * `the KMS key cannot be used`, `the function may not use the KMS key`,
          `the function's role may not do it`: enable the key, or allow the action that is named.
        * `network`, `the function timed out`: does the database run, and do subnets and security groups let the
          function reach it and Secrets Manager?
        * `the function is being deployed`, `AWS throttles`, `AWS does not answer this pipeline`: it was tried
          again for hours, and it is still so; `secrets-pipeline doctor -s STACK` says what stands in the way.
        * `the pipeline does not log in there`: correct the host or `ssl` in the value, or write the line that the
          alert shows under `grants`.
        * `unknown`: the function's log says nothing that this account may read. Look into it in CloudWatch.
        * `the database refused the login`: set the current password in the database by hand; see
          [`credentials_log_in`](#credentials_log_in).
        * Then `secrets-pipeline rotate NAME` goes on with the same version.
        """,
    ),
    alert(
        "refresh-failed",
        means="""
        A service, function or group of instances could not be started anew after a secret changed. What ran
        before goes on with the old value.
        """,
        look="The alert quotes what ECS, Lambda, API Gateway or Systems Manager says.",
        do="""
        * Mend the cause in the service (an image that does not start, a failed health check).
        * `secrets-pipeline apply -s STACK --deep` starts it anew.
        """,
    ),
    alert(
        "changed-outside",
        means="Somebody else changed a policy, secret or key of a stack. Nothing was put back.",
        look="`secrets-pipeline plan -s STACK --deep` shows all that differs, statement by statement.",
        do="""
        * The alert says who called, where CloudTrail told it; else look there for the resource.
        * It was wrong: `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * It was right: write it into the YAML, or the next deep apply takes it back.
        """,
    ),
    alert(
        "healed",
        means="Somebody else widened a policy, and `self_heal` put the declared one back.",
        look="The alert says what was changed, and who called.",
        do="""
        * Between the change and the mend somebody may have read: `secrets-pipeline rotate NAME` if you cannot
          rule it out.
        * Find out who did it, and why.
        """,
    ),
    alert(
        "heal-limit",
        means="""
        The same thing was changed and put back three times within a day. It is left as it is now, since
        something else keeps writing it.
        """,
        look="The alert says who called: mostly Terraform or another tool that owns the same policy.",
        do="""
        * Let one of the two own it: take it out of the other tool, or out of the YAML.
        * `secrets-pipeline apply -s STACK --deep` makes it as declared.
        """,
    ),
    alert(
        "not-compared",
        means="""
        Something was changed, and the pipeline could not compare it with what is declared, so it was left as it
        is.
        """,
        look="The alert quotes why, mostly a refusal of AWS.",
        do="""
        * `secrets-pipeline doctor -s STACK` names the right that is missing.
        * `secrets-pipeline plan -s STACK --deep` shows all that differs, statement by statement.
        """,
    ),
    alert(
        "dead-letters",
        means="""
        Events of AWS reached the queue and no run followed them: they lie in the dead-letter queue, for
        fourteen days.
        """,
        look="`secrets-pipeline events status` shows them with their reasons.",
        do="""
        * Mend the reason, mostly a stack that could not be read for an hour.
        * `secrets-pipeline events redrive` puts them back into the queue.
        * They are nobody's (a text that is no event): leave them, they end by themselves.
        """,
    ),
    alert(
        "too-many-secrets",
        means="""
        Without a queue the pipeline looks for rotations by lists, and there are more secrets than it can
        remember. Rotations in the named account and region are not followed.
        """,
        look="`secrets-pipeline config` shows whether `events` is set.",
        do="""
        * Name a queue under `events` in the operator's settings, and apply any stack of that place.
        """,
    ),
    alert(
        "polling-failed",
        means="""
        `aws_polling_sensor` stumbles over what the alert names: rotations, databases, rollouts or dead letters. It
        still looks for the others, and tries again once a minute.
        """,
        look="In the UI, Automation, the sensor: the log of its last tick has the error with its lines.",
        do="""
        * PostgreSQL or AWS cannot be reached: mend that.
        * Else the error is a bug: report it with its lines. Until it is mended, launch `on_rotation` for a stack
          whose password was rotated, and `on_database_change` for one whose database moved.
        """,
    ),
)
