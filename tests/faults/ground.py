"""Where a case takes place: one stack of a repository, an embedded AWS, and a fresh state for every case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.reconcilers.stack import Stack
from tests.embedded import operator
from tests.faults.child import run
from tests.waiting import WAITER

EXAMPLES = Path(__file__).parents[2] / "examples"
OPERATOR = EXAMPLES / "operator.yaml"
SERVICES = ("secretsmanager", "kms", "rds", "ssm", "sts", "lambda", "ecs", "apigateway", "iam", "events", "sqs")
GLOBAL_REGION = "us-east-1"
"""Where rules are for events of IAM."""


@dataclass(frozen=True)
class Ground:
    """A stack and its AWS.

    The process that holds it is forked for each run, so it is kept warm: modules imported, clients made. What a run
    learns from AWS is not: children begin without any answer.

    Attributes:
        aws: the embedded AWS, for this stack alone.
        base_path: the Atmos repository.
        stack: logical stack name.
        before: the repository as it was applied before; None for an empty account.
        session: plain boto3 for looking at AWS.
        sessions: the product's sessions, with clients and without answers.
    """

    aws: emulator.LocalAws
    base_path: Path
    stack: str
    session: boto3.Session
    sessions: Sessions
    before: Path | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, aws: emulator.LocalAws, stack: str, *, before: Path | None = None) -> Ground:
        """Warm up; the environment already leads to the embedded AWS."""
        session = operator(aws)
        ground = cls(aws, EXAMPLES, stack, session, Sessions(session), before)
        for target in (ground.spec.target, ground.spec.target.model_copy(update={"region": GLOBAL_REGION})):
            account = ground.sessions.for_target(target)
            for service in SERVICES:
                account.client(service)
        return ground

    @cached_property
    def desired(self) -> OpenRepository:
        """The repository, read once; runs read it for themselves."""
        return open_repository(self.base_path)

    @property
    def spec(self) -> StackSpec:
        """The stack's desired state."""
        return self.desired.specs[self.stack]

    @property
    def made_by_hand(self) -> tuple[str, ...]:
        """Names of the secrets that are there without the stack."""
        return tuple(one.name for one in self._stand_ins if isinstance(one, emulator.StandInSecret))

    @cached_property
    def _stand_ins(self) -> tuple[emulator.StandIn, ...]:
        return stand_ins({self.stack: self.spec}, account_id=self.aws.account_id)

    def context(self) -> Stack:
        """The stack in a run of this process, which only looks; `sessions` learn nothing from it."""
        return self.desired.assemble(Sessions(self.session)).stack(self.stack)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has a type for each service
        """A plain client of the account."""
        if service not in self._clients:
            make: Callable[..., Any] = self.session.client
            self._clients[service] = make(service, endpoint_url=self.aws.endpoint_url)
        return self._clients[service]

    def fresh(self) -> None:
        """Begin again: an AWS that behaves and holds Terraform's part, and what was applied before.

        Raises:
            RuntimeError: that could not be applied.
        """
        emulator.reset_conditions(self.aws)
        self._remove_databases()
        emulator.empty(self.aws)
        emulator.stand_in(self.aws, self._stand_ins)
        if self.before is not None:
            first = run(replace(self, base_path=self.before, before=None))
            if not first.green:
                raise RuntimeError(first)
        emulator.reset_calls(self.aws)

    def _remove_databases(self) -> None:
        """A reset forgets instances; their PostgreSQL would run on."""
        rds = self.client("rds")
        for instance in rds.describe_db_instances()["DBInstances"]:
            name = instance["DBInstanceIdentifier"]
            if instance["DeletionProtection"]:
                rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAITER)
                rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
