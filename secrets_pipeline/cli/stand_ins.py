"""What Terraform would have made for a repository's stacks, for the embedded AWS. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from secrets_pipeline.cli.stand_in_readers import reader_roles
from secrets_pipeline.local import StandIn, StandInFunction, StandInRole, StandInSecret, StandInService, StandInStage
from secrets_pipeline.local.lifecycle import DEFAULT_ACCOUNT
from secrets_pipeline.references import Output
from secrets_pipeline.spec import EcsDelivery, LambdaDelivery, Late, StackSpec, StageDelivery

_ROTATING = "secretsmanager.amazonaws.com"
_LAMBDA = "lambda.amazonaws.com"
_TASKS = "ecs-tasks.amazonaws.com"
_FUNCTION = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):function:([^:]+)")


def stand_ins(specs: Mapping[str, StackSpec], *, account_id: str = DEFAULT_ACCOUNT) -> tuple[StandIn, ...]:
    """The roles of consumers, in whatever account, and the functions, services and stages that stacks deliver to.

    Args:
        specs: desired state by stack.
        account_id: account of stacks that name none.

    Returns:
        Each once; a role comes before what runs under it.
    """
    known = tuple(specs.values())
    made = [*reader_roles(known, account_id), *_deliveries(known, account_id), *_rotation(known)]
    # A function may be found twice, by its component and as somebody's rotation function; a reader's role comes first.
    found: dict[tuple[str | None, ...], StandIn] = {}
    for one in sorted(made, key=lambda one: isinstance(one, StandInFunction) and not one.invoked_by):
        found.setdefault(_identity(one), one)
    return tuple(found.values())


def _deliveries(specs: Iterable[StackSpec], default_account: str) -> Iterator[StandIn]:
    specs = tuple(specs)
    rotating = {name for spec in specs for name in _rotation_components(spec)}
    for spec in specs:
        region, account = spec.target.region, spec.target.account_id or default_account
        for delivery in spec.deliveries:
            match delivery:
                case LambdaDelivery():
                    role = delivery.role_arn or f"arn:aws:iam::{account}:role/{delivery.function_name}"
                    invoked_by = (_ROTATING,) if (spec.stack, delivery.component) in rotating else ()
                    yield StandInRole(role, _LAMBDA)
                    yield StandInFunction(delivery.function_name, role, account, region, invoked_by)
                case EcsDelivery():
                    execution = (
                        delivery.execution_role_arn or f"arn:aws:iam::{account}:role/{delivery.family}-execution"
                    )
                    task = delivery.task_role_arn or f"arn:aws:iam::{account}:role/{delivery.family}-task"
                    yield StandInRole(execution, _TASKS)
                    yield StandInRole(task, _TASKS)
                    yield StandInService(
                        delivery.cluster,
                        delivery.service,
                        delivery.family,
                        delivery.container,
                        execution,
                        task,
                        account,
                        region,
                    )
                case StageDelivery():
                    yield StandInStage(delivery.api_name, delivery.stage_name, account, region)


def _rotation(specs: Iterable[StackSpec]) -> Iterator[StandIn]:
    """Rotation functions that stacks name by ARN."""
    for spec in specs:
        for late in _rotation_functions(spec):
            found = _FUNCTION.fullmatch(late) if isinstance(late, str) else None
            if found:
                region, account, name = found.groups()
                role = f"arn:aws:iam::{account}:role/{name}"
                yield StandInRole(role, _LAMBDA)
                yield StandInFunction(name, role, account, region, (_ROTATING,))


def _rotation_components(spec: StackSpec) -> Iterator[tuple[str, str]]:
    for late in _rotation_functions(spec):
        if isinstance(late, Output):
            yield late.stack or spec.stack, late.component


def _rotation_functions(spec: StackSpec) -> Iterator[Late]:
    turning = (secret.rotation for secret in spec.secrets if secret.rotation)
    return (rotation.lambda_arn for rotation in turning if rotation.lambda_arn is not None)


def _identity(one: StandIn) -> tuple[str | None, ...]:
    match one:
        case StandInRole(arn=arn):
            return ("role", arn)
        case StandInFunction():
            return ("function", one.account_id, one.region, one.name)
        case StandInService():
            return ("service", one.account_id, one.region, one.cluster, one.service)
        case StandInStage():
            return ("stage", one.account_id, one.region, one.api_name, one.stage_name)
        case StandInSecret():
            return ("secret", one.account_id, one.region, one.name)
