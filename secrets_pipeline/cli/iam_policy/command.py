"""`iam-policy`: print the least policies that the pipeline's roles need for some stacks."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from secrets_pipeline.cli.iam_policy.terraform import as_terraform
from secrets_pipeline.cli.shared.console import emit, emit_json, say
from secrets_pipeline.cli.shared.options import StackOptions, chooses_stacks
from secrets_pipeline.cli.shared.repository import open_stacks
from secrets_pipeline.operations.rights.documents import MOST, RolePolicies, role_policies
from secrets_pipeline.operations.rights.touched import touched

EPILOG = "Exit codes: 0 printed, 1 a stack has errors, or nobody says which account it lives in."


class PolicyFormat(StrEnum):
    """How policies are printed."""

    JSON = "json"
    TERRAFORM = "terraform"


@chooses_stacks(all_by_default=True)
def iam_policy(
    source: StackOptions,
    *,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="What `plan` and `verify` need, which read only.")
    ] = False,
    output: Annotated[
        PolicyFormat, typer.Option("--format", help="json, or terraform: resources of type aws_iam_policy.")
    ] = PolicyFormat.JSON,
) -> None:
    """The least policies of the pipeline's own roles for these stacks, from their YAML; no call to AWS.

    One list of policies a role: of the pipeline's own credentials, and of each role that it assumes. All policies of a
    list belong to that role: IAM takes 6,144 characters of each.
    """
    failures, desired, usable = open_stacks(source, source.names)
    specs = [desired.specs[name] for name in usable]
    roles = [role_policies(one, plan_only=plan_only) for one in touched(specs, desired.settings, desired.specs)]
    if output is PolicyFormat.TERRAFORM:
        emit(as_terraform(roles))
    else:
        emit_json({"roles": [_plain(one) for one in roles]})
    for text in (note for one in roles for note in _notes(one)):
        say(f"note: {text}", style="dim")
    failures.exit()


def _plain(role: RolePolicies) -> dict[str, Any]:
    return {
        "account_id": role.touched.account_id,
        "role_arn": role.touched.role_arn,
        "stacks": list(role.touched.stacks),
        "policies": role.named,
    }


def _notes(role: RolePolicies) -> list[str]:
    """What an operator should know before he attaches them."""
    whose = role.touched.role_arn or "the pipeline's own credentials"
    notes = []
    if len(role.documents) > MOST:
        notes.append(f"{whose}: {len(role.documents)} policies; a role takes {MOST} unless AWS raises that quota")
    makes_roles = {"function_roles", "event_roles"} & role.touched.arns.keys()
    if makes_roles and role.touched.boundary is None and role.writes:
        notes.append(
            f"{whose}: whoever may write a role's policy and pass the role on has all that the policy says; name a "
            "permissions_boundary in the operator's settings, and the roles that are made stay within it"
        )
    return notes
