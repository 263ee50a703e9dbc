"""Define what Terraform would have made for a repository's stacks, for the embedded AWS. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.names import secret_arn_pattern
from secrets_pipeline.access.granting.rotation import rotation_policy
from secrets_pipeline.arn import Arn, iam_arn
from secrets_pipeline.cli.local.stand_in_readers import reader_roles
from secrets_pipeline.desired.consumer.model import EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import (
    StandIn,
    StandInFunction,
    StandInNetwork,
    StandInRole,
    StandInSecret,
    StandInService,
    StandInStage,
)
from secrets_pipeline.emulator.handle.lifecycle import DEFAULT_ACCOUNT
from secrets_pipeline.references.model import Output

_ROTATING = "secretsmanager.amazonaws.com"
_LAMBDA = "lambda.amazonaws.com"
_TASKS = "ecs-tasks.amazonaws.com"
_FUNCTION = re.compile(r"arn:[^:]+:lambda:([^:]+):(\d{12}):function:([^:]+)")


def stand_ins(specs: Mapping[str, StackSpec], *, account_id: str = DEFAULT_ACCOUNT) -> tuple[StandIn, ...]:
    """Return roles of consumers, in whatever account, and the functions, services and stages that stacks deliver to.

    Args:
        specs: desired state by stack.
        account_id: account of stacks that name none.

    Returns:
        Each once; a role comes before what runs under it.
    """
    known = tuple(specs.values())
    made = [*reader_roles(known, account_id), *_deliveries(known, account_id), *_rotation(known, account_id)]
    made += _networks(known, account_id)
    # A function may be found twice, by its component and as somebody's rotation function; a reader's role comes first.
    found: dict[tuple[str | None, ...], StandIn] = {}
    for one in sorted(made, key=lambda one: isinstance(one, StandInFunction) and not one.invoked_by):
        found.setdefault(_identity(one), one)
    return tuple(found.values())


def _deliveries(specs: Iterable[StackSpec], default_account: str) -> Iterator[StandIn]:
    specs = tuple(specs)
    rotated = _rotated(specs, default_account)
    for spec in specs:
        region, account = spec.target.region, spec.target.account_id or default_account
        for delivery in spec.deliveries:
            match delivery:
                case LambdaDelivery():
                    role = delivery.role_arn or iam_arn(account, f"role/{delivery.function_name}")
                    secrets = rotated.get((spec.stack, delivery.component), [])
                    invoked_by = (_ROTATING,) if secrets else ()
                    yield StandInRole(
                        role, _LAMBDA, policies=_rotates(secrets, account, region, delivery.function_name)
                    )
                    yield StandInFunction(delivery.function_name, role, invoked_by, account_id=account, region=region)
                case EcsDelivery():
                    execution = delivery.execution_role_arn or iam_arn(account, f"role/{delivery.family}-execution")
                    task = delivery.task_role_arn or iam_arn(account, f"role/{delivery.family}-task")
                    yield StandInRole(execution, _TASKS)
                    yield StandInRole(task, _TASKS)
                    yield StandInService(
                        delivery.cluster,
                        delivery.service,
                        delivery.family,
                        delivery.container,
                        execution,
                        task,
                        account_id=account,
                        region=region,
                    )
                case StageDelivery():
                    yield StandInStage(delivery.api_name, delivery.stage_name, account_id=account, region=region)


def _networks(specs: Iterable[StackSpec], default_account: str) -> Iterator[StandIn]:
    """Subnets of managed rotation functions."""
    for spec in specs:
        if spec.rotation_function is not None and spec.rotation_function.subnet_ids:
            account = spec.target.account_id or default_account
            function, region = spec.rotation_function, spec.target.region
            yield StandInNetwork(function.subnet_ids, function.security_group_ids, account_id=account, region=region)


def _rotation(specs: Iterable[StackSpec], default_account: str) -> Iterator[StandIn]:
    """Rotation functions that stacks name by ARN."""
    for late, secrets in _rotated(specs, default_account).items():
        found = _FUNCTION.fullmatch(late) if isinstance(late, str) else None
        if found:
            region, account, name = found.groups()
            role = iam_arn(account, f"role/{name}")
            yield StandInRole(role, _LAMBDA, policies=_rotates(secrets, account, region, name))
            yield StandInFunction(name, role, (_ROTATING,), account_id=account, region=region)


def _rotated(specs: Iterable[StackSpec], default_account: str) -> dict[str | tuple[str, str], list[Readable]]:
    """The secrets that each function rotates: by its ARN, or by the stack and component that it is an output of."""
    rotated: dict[str | tuple[str, str], list[Readable]] = {}
    for spec in specs:
        account, region = spec.target.account_id or default_account, spec.target.region
        for secret in spec.secrets:
            late = secret.rotation.lambda_arn if secret.rotation else None
            function = (late.stack or spec.stack, late.component) if isinstance(late, Output) else late
            if isinstance(function, str | tuple):
                arn = secret_arn_pattern(secret.name, partition="aws", region=region, account_id=account)
                rotated.setdefault(function, []).append(Readable(arn))
    return rotated


def _rotates(secrets: list[Readable], account: str, region: str, function: str) -> Mapping[str, Mapping[str, Any]]:
    """What lets a function rotate; the keys' own policies let in whoever Secrets Manager lets in."""
    group = str(Arn("aws", "logs", region, account, f"log-group:/aws/lambda/{function}"))
    return {"rotate": rotation_policy(secrets, (), log_group_arn=group)} if secrets else {}


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
        case StandInNetwork():
            return ("network", one.account_id, one.region, *one.subnet_ids, *one.security_group_ids)
        case StandInSecret():
            return ("secret", one.account_id, one.region, one.name)
