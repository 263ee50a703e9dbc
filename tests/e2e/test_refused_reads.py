"""One read that AWS refuses: what needs it fails by name, every other stage goes on, and the report counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.operations import reads
from secrets_pipeline.engine.model import Change
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import STAGES, plan_stack
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests import sweep
from tests.runs import assert_applied

STACK = "myapp-prod"
DEEP = ApplyOptions(deep=True)
MANY = 300
"""More calls of one operation than a run makes."""

FAILING = [
    ("apigateway", "GetRestApis"),
    ("apigateway", "GetStage"),
    ("awslambda", "GetFunction"),
    ("awslambda", "GetFunctionConfiguration"),
    ("ecs", "DescribeServices"),
    ("ecs", "DescribeTaskDefinition"),
    ("events", "DescribeEventBus"),
    ("events", "DescribeRule"),
    ("events", "ListTagsForResource"),
    ("events", "ListTargetsByRule"),
    ("iam", "GetRole"),
    ("iam", "GetRolePolicy"),
    ("kms", "DescribeKey"),
    ("kms", "GenerateMac"),
    ("kms", "GetKeyPolicy"),
    ("kms", "GetKeyRotationStatus"),
    ("kms", "ListAliases"),
    ("kms", "ListResourceTags"),
    ("logs", "DescribeLogGroups"),
    ("rds", "DescribeDBInstances"),
    ("secretsmanager", "DescribeSecret"),
    ("secretsmanager", "GetResourcePolicy"),
    ("secretsmanager", "ListSecretVersionIds"),
    ("sqs", "GetQueueAttributes"),
    ("sqs", "GetQueueUrl"),
    ("sqs", "ListQueueTags"),
    ("ssm", "GetParametersByPath"),
]
"""Reads of a deep apply without which something cannot be compared."""

UNKNOWN = [
    ("awslambda", "GetPolicy"),
    ("ec2", "DescribeRouteTables"),
    ("ec2", "DescribeSubnets"),
    ("ec2", "DescribeVpcEndpoints"),
    ("iam", "GetAccountAuthorizationDetails"),
    ("iam", "ListOpenIDConnectProviders"),
    ("kms", "ListGrants"),
    ("organizations", "DescribeOrganization"),
]
"""Reads about who may do what: where they are refused, checks say what is not known, and nothing fails."""

HIDING = ("GetAccountAuthorizationDetails", "ListGrants")
"""If AWS refuses one of these, an unknown reader may exist, so `nobody_else_can_read` fails if it is judged. An apply
judges it anew after a change or after a failed apply."""

OWNERS = [
    ("awslambda", "GetFunction"),
    ("kms", "DescribeKey"),
    ("kms", "GenerateMac"),
    ("kms", "ListAliases"),
    ("kms", "ListResourceTags"),
]
"""Those of them without which nobody knows whose a declared function or key is. A stranger may refuse them himself, by
his key's policy, so an apply stops before its first write."""

STOPPING = [("secretsmanager", "ListSecrets"), ("sts", "GetCallerIdentity"), *OWNERS]
"""Reads without which nobody knows where a run is, what there is or whose it is: it stops before its first write."""


@dataclass(frozen=True)
class Idle:
    """A deep apply that nothing is refused to, and that changes nothing.

    Attributes:
        stages: how many outcomes each stage has.
        calls: service and operation of what it calls.
    """

    stages: Counter[str]
    calls: set[tuple[str, str]]


@pytest.fixture(scope="module")
def idle(aws: emulator.LocalAws, repository: Path) -> Idle:
    """What a deep apply does once the stack is applied."""
    report, _ = provision(STACK, base_path=repository, options=ApplyOptions())
    assert_applied(report)
    emulator.reset_calls(aws)
    report, _ = provision(STACK, base_path=repository, options=DEEP)
    assert_applied(report)
    assert {row["outcome"] for row in report.rows} == {"unchanged"}
    stages = Counter(row["stage"] for row in report.rows)
    return Idle(stages, {(call.service, call.operation) for call in emulator.calls(aws)})


@contextmanager
def refused(aws: emulator.LocalAws, service: str, operation: str) -> Iterator[None]:
    """AWS denies one operation, however often it is called, and it is called."""
    every = range(1, MANY + 1)
    deny = emulator.FaultAction.DENY
    emulator.arm(aws, *(emulator.InjectedFault(deny, at=at, service=service, operation=operation) for at in every))
    try:
        yield
    finally:
        armed = emulator.disarm(aws)
    assert 0 < len([one for one in armed if one.struck]) < MANY


def test_every_operation_of_a_deep_apply_is_refused_in_this_file(idle: Idle) -> None:
    assert idle.calls == {*FAILING, *UNKNOWN, *STOPPING}
    assert {*OWNERS} <= {*FAILING}


@pytest.mark.parametrize(("service", "operation"), sweep.turn(FAILING))
def test_a_plan_says_what_could_not_be_read_and_plans_every_other_stage(
    aws: emulator.LocalAws, repository: Path, idle: Idle, service: str, operation: str
) -> None:
    with refused(aws, service, operation):
        plan = plan_stack(open_repository(repository).assemble().stack(STACK), deep=True)
    assert list(plan) == list(STAGES)
    assert [name for name in idle.stages if not plan[name]] == []
    assert _refusals(plan, operation)


def _refusals(plan: Mapping[str, tuple[Change, ...]], operation: str) -> list[str]:
    """The errors of a plan, each of which names the operation."""
    errors = [change.error for changes in plan.values() for change in changes if change.error is not None]
    assert all(isinstance(one, AwsError) and operation in one.message for one in errors), errors
    return [one.message for one in errors]


@pytest.mark.parametrize(("service", "operation"), sweep.turn([one for one in FAILING if one not in OWNERS]))
def test_an_apply_goes_on_with_every_other_stage_and_its_report_counts_what_failed(
    aws: emulator.LocalAws, repository: Path, idle: Idle, service: str, operation: str
) -> None:
    with refused(aws, service, operation):
        report, checks = provision(STACK, base_path=repository, options=DEEP)
    failed = [row for row in report.rows if row["outcome"] == "failed"]
    assert not report.success
    assert idle.stages.keys() <= {row["stage"] for row in report.rows}
    assert failed
    assert all(operation in row["detail"] for row in failed), failed
    # That is what the report says, after it has evaluated the checks.
    assert (report.error or "").partition(" ")[0].isdecimal(), report.error
    assert int((report.error or "").partition(" ")[0]) >= len(failed)
    assert len(checks) > 1


@pytest.mark.parametrize(("service", "operation"), sweep.turn(UNKNOWN))
def test_what_is_not_known_of_access_fails_no_apply(
    aws: emulator.LocalAws, repository: Path, idle: Idle, service: str, operation: str
) -> None:
    with refused(aws, service, operation):
        report, checks = provision(STACK, base_path=repository, options=DEEP)
    assert_applied(report)
    assert Counter(row["stage"] for row in report.rows) == idle.stages
    red = {check.check: check for check in checks if not check.passed and check.severity == "ERROR"}
    assert red.keys() <= ({"nobody_else_can_read"} if operation in HIDING else set())
    sentences = [group.sentence for check in red.values() for group in check.open]
    assert all("whether nobody else can read it is not known" in one and operation in one for one in sentences)


@pytest.mark.parametrize(("service", "operation"), sweep.turn(STOPPING))
def test_where_nothing_is_known_the_run_stops_before_its_first_write(
    aws: emulator.LocalAws, repository: Path, idle: Idle, service: str, operation: str
) -> None:
    emulator.reset_calls(aws)
    with refused(aws, service, operation):
        report, _ = provision(STACK, base_path=repository, options=DEEP)
    assert not report.success
    assert operation in (report.error or "")
    assert not [one.operation for one in emulator.calls(aws) if not reads(one.operation)]
