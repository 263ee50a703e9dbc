"""Say what red checks mean that compare AWS with what a stack declares."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.runbook.entry import Entry, check

_WAITS: Final = """
It is blocked, waits for something else, or left the YAML and stays until it is pruned; the row says
which. If something that is not this stack's has a declared name, the check is red.
"""
_DIFFERENCES: Final = """
`secrets-pipeline plan -s STACK --deep` shows each difference, and with `changed outside` what others
did.
"""
DECLARED: Final[tuple[Entry, ...]] = (
    check(
        "kms_keys_as_declared",
        means="""
        A KMS key lacks its alias, its rotation, its tags or statements of its policy, or cannot be used.
        Secrets under it may be unreadable.
        """,
        warns=_WAITS,
        look=_DIFFERENCES,
        do="""
        * A policy, alias or rotation differs: find out in CloudTrail who changed it.
          `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * The key is disabled or scheduled for deletion: the pipeline never enables a key by itself.
          `aws kms cancel-key-deletion`, then `aws kms enable-key`, both with `--key-id ID`.
        """,
    ),
    check(
        "secret_policies_as_declared",
        means="""
        The resource policy of a secret is not what the stack declares: somebody may read who should not, or a
        reader in another account is cut off.
        """,
        warns=_WAITS,
        look=_DIFFERENCES,
        do="""
        * See [`nobody_else_can_read`](#nobody_else_can_read) and [`consumers_can_read`](#consumers_can_read)
          for what it means for readers; if somebody could read who should not, `secrets-pipeline rotate NAME`
          after the mend.
        * `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * With `self_heal: true` a policy that others widened is put back at once, and this check tells the
          rest.
        """,
    ),
    check(
        "rotation_functions_as_declared",
        means="The managed rotation function, its role, its log group or the permission of Secrets Manager differs.",
        warns=_WAITS,
        look=_DIFFERENCES,
        do="""
        * It was changed, or an older version of this program deployed it:
          `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * It belongs to somebody else: `secrets-pipeline apply -s STACK --adopt function:NAME` takes it over, or
          name another with `settings.secrets_pipeline.rotation_function.name`.
        """,
    ),
    check(
        "rotation_event_queue_as_declared",
        means="""
        The queue that brings AWS's events, a rule of EventBridge or what leads from one to the other differs:
        rotations and changes may go unnoticed until the next verification.
        """,
        warns=_WAITS,
        look="`secrets-pipeline events status` shows queue, rules, roles and what nobody tells of.",
        do="""
        * `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * AWS refuses: the pipeline's role may lack rights at the place of the queue;
          `secrets-pipeline doctor -s STACK` names the action.
        """,
    ),
    check(
        "secret_rotation_as_declared",
        means="""
        Rotation of a secret is off, has another function or other rules than declared, or could not work and
        was therefore not switched on.
        """,
        warns=_WAITS,
        look=_DIFFERENCES,
        do="""
        * It was switched off or changed by hand: `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * It could not work: the row says what is missing (a host, a right of the function's role, a way from
          its subnets to Secrets Manager). Mend that, then apply; nothing was changed so far.
        """,
    ),
    check(
        "secret_replicas_as_declared",
        means="A replica is missing in a declared region, is under another key, or AWS reports that copying failed.",
        warns=_WAITS,
        look=_DIFFERENCES,
        do="""
        * `secrets-pipeline apply -s STACK --deep` makes it as declared.
        * AWS says `Failed` with a reason: a secret of that name exists in the region, or the key of the region
          cannot be used. Remove the one, or mend the other, then apply.
        """,
    ),
    check(
        "consumer_policies_as_declared",
        means="The inline policy that lets a consumer's role read (`attach_policies: true`) is missing or differs.",
        warns="The role does not exist yet, or the policy left the YAML.",
        look=_DIFFERENCES,
        do="""
        * The role does not exist: make it, mostly with Terraform, then apply again.
        * The policy was changed: `secrets-pipeline apply -s STACK --deep` makes it as declared. No other policy
          of the role is touched.
        """,
    ),
    check(
        "consumer_arns_as_declared",
        means="""
        The ARNs of secrets are not published in Parameter Store, or not delivered to a Lambda function, ECS
        service or API stage that says `deliver: true`.
        """,
        warns=_WAITS,
        look="`secrets-pipeline plan -s STACK` lists each parameter, function, service and stage that differs.",
        do="""
        * A function, service or stage does not exist: Terraform makes it; apply again afterwards.
        * Terraform puts its own values back at each apply: add `ignore_changes` there, or take `deliver` away
          here.
        * Else: `secrets-pipeline apply -s STACK --deep` makes it as declared.
        """,
    ),
    check(
        "consumers_started_after_rotation",
        means="""
        A service, function or instance has been running since before a secret that it reads got its value, so
        it may still use the old one.
        """,
        warns="It is being started anew now, or does not exist yet.",
        look="The table of the check has both times for each consumer and secret.",
        do="""
        * `secrets-pipeline apply -s STACK --deep` starts it anew.
        * It could not be started anew: the check quotes why (a failed deployment in ECS, for example). Mend
          that in the service, then apply.
        * The application reads its secret by itself, again and again: let its settings say `refresh: false`.
          The check then says that since when it runs is not known.
        """,
    ),
)
