"""A share of the table that `benchmarks/faults.py` prints: every operation of examples/ meets a fault, and all kinds of
faults come round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle

import pytest

from tests.faults.cases import Case, Clean, Kind, Place, judge
from tests.faults.solo import Solo
from tests.sweep import DAYS, turn

FEW_CALLS, UPDATE, ALL_SERVICES = "infra-shared", "infra-shared:update", "myapp-dev"
OPERATIONS: Mapping[str, Mapping[str, str]] = {
    FEW_CALLS: {
        "events": "CreateEventBus DescribeEventBus DescribeRule PutRule PutTargets TagResource",
        "iam": "CreateRole GetRole GetRolePolicy PutRolePolicy",
        "kms": "CreateAlias CreateKey DescribeKey EnableKeyRotation GenerateMac ListAliases ListKeys "
        "ListResourceTags TagResource",
        "secretsmanager": "CreateSecret DescribeSecret GetSecretValue ListSecrets TagResource",
        "sqs": "CreateQueue GetQueueUrl TagQueue",
        "ssm": "GetParametersByPath PutParameter",
        "sts": "GetCallerIdentity",
    },
    UPDATE: {
        "kms": "Encrypt",
        "secretsmanager": "DeleteResourcePolicy GetResourcePolicy PutSecretValue UntagResource UpdateSecret "
        "UpdateSecretVersionStage",
        "sqs": "ListQueueTags",
    },
    ALL_SERVICES: {
        "apigateway": "GetRestApis GetStage UpdateStage",
        "awslambda": "GetFunctionConfiguration UpdateFunctionConfiguration",
        "ecs": "DescribeServices DescribeTaskDefinition RegisterTaskDefinition UpdateService",
        "rds": "AddTagsToResource CreateDBInstance DescribeDBInstances",
        "secretsmanager": "ListSecretVersionIds PutResourcePolicy",
    },
}
"""The operations of a clean apply, each under the first stack that calls it."""

FOUND_BEFORE = {
    # A key that was made twice, an alias that was taken for somebody else's, a revision too many.
    ("kms", "CreateKey"): Kind.LOST_ALWAYS,
    ("kms", "CreateAlias"): Kind.LOST,
    ("ecs", "RegisterTaskDefinition"): Kind.LOST,
}


POLLED = {("rds", "DescribeDBInstances"): 2}
"""Operations that are called until something is there, which takes its time: how often at the least, ready or not."""


@dataclass(frozen=True)
class Share:
    """One fault at one call of one operation.

    Attributes:
        number: says which of the operation's calls, not always its first.
    """

    stack: str
    service: str
    operation: str
    kind: Kind
    number: int

    def case(self, expected: Clean) -> Case:
        """The case, at one of the calls that every clean apply makes of it."""
        called = self.service, self.operation
        count = POLLED.get(called, expected.calls[called])
        return Case(Place(self.service, self.operation, self.number % count + 1), self.kind)

    def __str__(self) -> str:
        return f"{self.stack} {self.service} {self.operation} {self.kind.title}"


def shares(stack: str) -> list[Share]:
    """One of every operation."""
    kinds, found = cycle(Kind), []
    called = [(service, one) for service, operations in OPERATIONS[stack].items() for one in operations.split()]
    for number, (service, operation) in enumerate(called, start=1):
        kind = FOUND_BEFORE.get((service, operation)) or next(kinds)
        found.append(Share(stack, service, operation, kind, number))
    return found


WHOLE = [share for stack in OPERATIONS for share in shares(stack)]
ALWAYS = [share for share in WHOLE if (share.service, share.operation) in FOUND_BEFORE]
OTHERS = [share for share in WHOLE if share not in ALWAYS]
TAKEN = [*ALWAYS, *turn(OTHERS)]


def test_every_operation_of_a_clean_apply_has_its_fault_and_every_fault_its_operation(
    expected: Callable[[str], Clean],
) -> None:
    met: set[tuple[str, str]] = set()
    for stack in OPERATIONS:
        calls = expected(stack).calls.keys()
        assert [(share.service, share.operation) for share in shares(stack)] == sorted(calls - met)
        met |= calls
    assert {share.kind for share in WHOLE} == set(Kind)
    assert len(ALWAYS) == len(FOUND_BEFORE)
    assert len(TAKEN) >= len(ALWAYS) + len(OTHERS) // DAYS


@pytest.mark.parametrize("share", TAKEN, ids=str)
def test_an_operation_survives_a_fault_and_one_more_run_ends_as_a_clean_one_does(
    solo: Solo, expected: Callable[[str], Clean], share: Share
) -> None:
    clean = expected(share.stack)
    verdict = solo(judge, share.stack, clean, share.case(clean))
    # A fault that comes after the last call of its operation would prove nothing.
    assert verdict.struck
    assert verdict.problems == ()
    if share.kind.action.kills:
        assert verdict.first == "killed"
    if share.kind is Kind.THROTTLE:
        assert verdict.first == "went through"
