"""Ask SimulatePrincipalPolicy for each action of the least policy that the stacks need, as `iam-policy` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.reach.simulated import Answer as Simulation
from secrets_pipeline.access.reach.simulated import NotSaid, OwnRight, simulate
from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.doctor.model import Answer, Verdict, answered, fine
from secrets_pipeline.operations.rights.component_rows import MAKES_RDS_ROLE
from secrets_pipeline.operations.rights.documents import MOST, RolePolicies, role_policies
from secrets_pipeline.operations.rights.model import Touched
from secrets_pipeline.operations.rights.touched import touched
from secrets_pipeline.reconcilers.access_checks.snapshot import foresee_estate
from secrets_pipeline.reconcilers.observed.roles import RDS_ROLE

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_OWN = "the pipeline's own credentials"
_REMEDY = "Attach what `secrets-pipeline iam-policy` prints, or find the Deny, the boundary or the SCP that refuses it."
TAGGED = frozenset(
    {
        "ecs:RegisterTaskDefinition",
        "ecs:TagResource",
        "events:CreateEventBus",
        "events:PutRule",
        "events:TagResource",
        "iam:CreateRole",
        "iam:TagRole",
        "kms:CreateKey",
        "kms:TagResource",
        "lambda:CreateFunction",
        "lambda:TagResource",
        "logs:CreateLogGroup",
        "logs:TagResource",
        "rds:AddTagsToResource",
        "rds:CreateDBCluster",
        "rds:CreateDBInstance",
        "secretsmanager:CreateSecret",
        "secretsmanager:TagResource",
        "sqs:CreateQueue",
        "sqs:TagQueue",
        "ssm:AddTagsToResource",
        "ssm:PutParameter",
    }
)
"""Actions whose requests carry the operator's tags."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one statement needs."""

    sid: str
    rights: tuple[OwnRight, ...]


def rights(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge what each role that an apply uses may do by its own policies, its boundary and SCPs.

    Args:
        stacks: of one account, region and role.

    Raises:
        SpecError: if nobody says in which account they live.
        AwsError: if STS does not answer.
    """
    first = stacks[0]
    known = first.ownership.repository.specs
    own = first.observed.sessions.for_target(Target(region=first.account.region))
    for one in touched([stack.spec for stack in stacks], first.run.settings, known, own.account_id):
        yield from answered(one.role_arn or _OWN, partial(_of_role, first, own, one))


def _of_role(stack: Stack, own: AwsAccount, one: Touched) -> Iterator[Answer]:
    # A role may ask about itself; whoever is in its account asks about one of the settings.
    itself = {None: own, stack.spec.target.role_arn: stack.account}
    asking = [itself[one.role_arn]] if one.role_arn in itself else [own, stack.account]
    account = next((each for each in asking if each.account_id == one.account_id), None)
    if account is None:
        text = f"not asked: its account is {one.account_id}, and IAM answers in its own account alone"
        yield Answer(one.role_arn or _OWN, Verdict.UNKNOWN, text)
        return
    principal = one.role_arn or principal_of(stack, account)
    if principal is None:
        yield fine("root user", "may do everything that SCPs do not deny; a role with `iam-policy` is safer")
        return
    policies = role_policies(one)
    yield from _attached(policies, principal)
    needless = _needless(stack, one)
    statements = [each for document in policies.documents for each in document["Statement"]]
    tags = stack.run.settings.tags
    asked = [statement_rights(each, principal, tags) for each in statements if each["Sid"] not in needless]
    yield from judged(asked, simulate(account, [right for each in asked for right in each.rights]), principal)


def _needless(stack: Stack, one: Touched) -> frozenset[str]:
    """Return the statements that the account needs no longer: RDS makes its service-linked role once."""
    if "rds_role" not in one.arns or one.account_id != stack.account.account_id:
        return frozenset()
    try:
        made = stack.observed.roles.role_now(RDS_ROLE) is not None
    except AwsError as error:
        if not error.denied:
            raise
        made = False
    return frozenset({MAKES_RDS_ROLE}) if made else frozenset()


def _attached(policies: RolePolicies, principal: str) -> Iterator[Answer]:
    if len(policies.documents) > MOST:
        text = f"{len(policies.documents)} policies, and a role takes {MOST}"
        yield Answer(principal, Verdict.ADVISED, text, "Ask AWS for more, or give stacks roles of their own.")


def principal_of(stack: Stack, account: AwsAccount) -> str | None:
    """Find the ARN of the role or user that a caller is (STS GetCallerIdentity); None for the root user.

    A session does not say the path of its role; IAM's list of roles does.

    Args:
        stack: in whose account the roles are listed.
        account: who calls.

    Raises:
        AwsError: if STS or IAM does not answer.
    """
    with calling("GetCallerIdentity", f"in {account.region}"):
        caller = Arn.parse(account.client("sts").get_caller_identity()["Arn"])
    if caller.resource == "root":
        return None
    if not caller.resource.startswith("assumed-role/"):
        return str(caller)
    role = caller.resource.split("/")[1]
    plain = account.arn("iam", f"role/{role}")
    listed = (one.arn for one in foresee_estate(stack).principals if one.kind == "role")
    own = (one for one in listed if account_of(one) == account.account_id)
    return next((one for one in own if one.endswith(f"/{role}")), plain)


def statement_rights(
    statement: Mapping[str, Any], principal: str, tags: Mapping[str, str] = MappingProxyType({})
) -> Asked:
    """Take a statement apart: each action on each resource, a pattern by a name that it fits. Pure.

    Args:
        statement: of a policy that `iam-policy` prints.
        principal: ARN of the role or user.
        tags: the operator's, which requests that make or tag something carry.
    """
    context = example_context(statement.get("Condition", {}))
    tagged = tuple(sorted([*context, *_request_tags(tags)]))
    resources = dict.fromkeys(example_of(one) for one in statement["Resource"])
    return Asked(
        statement["Sid"],
        tuple(
            OwnRight(principal, action, resource, tagged if action in TAGGED else context)
            for action in statement["Action"]
            for resource in resources
        ),
    )


def _request_tags(tags: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html#access_tags_control-requests."""
    if tags:
        yield "aws:tagkeys", tuple(tags)
    for key, value in tags.items():
        # RDS has a spelling of its own as well.
        yield from ((f"{prefix}/{key}", (value,)) for prefix in ("aws:requesttag", "rds:req-tag"))


def example_of(pattern: str) -> str:
    """Return a name that a pattern of ours fits, for example of `secret:shop/dev/*`; `*` is every resource. Pure."""
    return pattern if pattern == "*" else pattern.replace("??????", "AbCdEf").replace("*", "x")


def example_context(condition: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return condition keys with values that fulfil a condition of ours; what must be absent is left out. Pure."""
    context: dict[str, tuple[str, ...]] = {}
    for operator, keys in condition.items():
        for key, wanted in keys.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            if operator != "Null":
                context[key.lower()] = (str(values[0]).replace("*", "x"),)
            elif values[0] == "false":
                context.setdefault(key.lower(), ("x",))
    return tuple(sorted(context.items()))


def judged(asked: Sequence[Asked], said: Mapping[OwnRight, Simulation], principal: str) -> Iterator[Answer]:
    """Sum up what the simulator said, a line for each statement that is not all allowed. Pure."""
    allowed = 0
    for statement in asked:
        denied: dict[str, str] = {}
        unsaid: dict[str, str] = {}
        for one in statement.rights:
            answer = said[one]
            if isinstance(answer, NotSaid):
                unsaid.setdefault(answer.reason, one.action)
            elif not answer.allowed:
                denied.setdefault(one.action, f"{one.action} ({answer.decision}, for example on {one.resource})")
            else:
                allowed += 1
        if denied:
            text = f"{principal} may not {', '.join(denied.values())}"
            yield Answer(f"statement {statement.sid}", Verdict.WILL_FAIL, text, _REMEDY)
        for reason in unsaid:
            yield Answer(f"statement {statement.sid}", Verdict.UNKNOWN, reason)
    if allowed:
        yield fine(principal, f"{allowed} rights are allowed by its own policies, by SimulatePrincipalPolicy")
