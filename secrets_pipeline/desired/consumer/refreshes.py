"""Read what is started anew when a secret changes: by default everything that is delivered to, but stages.

A stage variable holds an ARN, which no rotation changes, and a deployment publishes whatever the API is at that moment:
`settings.secrets_pipeline.refresh: true` has to ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.consumer.keys import EcsRefreshKeys, LambdaRefreshKeys, SsmRefreshKeys
from secrets_pipeline.desired.consumer.model import (
    ConsumerSpec,
    Delivery,
    EcsDelivery,
    LambdaDelivery,
    ReaderType,
    StageDelivery,
)
from secrets_pipeline.desired.consumer.refresh_model import (
    EcsRefresh,
    LambdaRefresh,
    RefreshMeans,
    RefreshSpec,
    SsmRefresh,
    StageRefresh,
)
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.named_secrets import read_secrets
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope

REFRESH = "refresh"
_ECS = frozenset(EcsRefreshKeys.model_fields)
_LAMBDA = frozenset(LambdaRefreshKeys.model_fields)
_SSM = frozenset(SsmRefreshKeys.model_fields)
_KEYS = {ReaderType.ECS: _ECS, ReaderType.LAMBDA: _LAMBDA, ReaderType.EC2: _SSM, ReaderType.APP: _SSM}
_MOST_TARGETS, _MOST_VALUES = 5, 50
"""https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html."""


def refreshes_deliveries(scope: ComponentScope, kind: str, *, deliver: bool) -> bool:
    """Whether what a component delivers to is started anew."""
    return scope.flag(REFRESH, default=deliver and kind != "apigateway")


def declared_means(name: str, entry: Inputs, given: str) -> RefreshMeans | None:
    """How a declared consumer is started anew; None if it is not, or what is wrong is collected.

    Args:
        name: the consumer's.
        entry: the consumer.
        given: its type.
    """
    if not entry.has(REFRESH):
        return None
    if given == ReaderType.EKS:
        entry.error(
            REFRESH,
            "pods are not started anew from here",
            "Remove it, and set the annotations of `secrets-pipeline outputs`, rollout_hints.",
        )
        return None
    known = next((keys for kind, keys in _KEYS.items() if kind == given), None)
    if known is None:
        return None  # A type that does not exist is said where it is read.
    means = entry.inputs(REFRESH)
    means.refuse_unknown(known, f"A consumer of type {given} takes {', '.join(sorted(known))}.")
    if known == _ECS:
        cluster = means.required_text("cluster", "Write the name of the ECS cluster.")
        return EcsRefresh(cluster=cluster, service=means.required_text("service", "Write the name of the ECS service."))
    if known == _LAMBDA:
        return LambdaRefresh(function_name=means.required_text("function_name", "Write the function's name."))
    return _command(name, means)


def _command(name: str, means: Inputs) -> SsmRefresh:
    document = means.required_text("ssm_document", "Write the name of an SSM document that restarts what reads.")
    targets = _lists(means.inputs("targets"))
    if not targets and not means.values.get("targets"):
        means.error("targets", "on which instances is not said", 'Write targets: {"tag:Role": [orders]}.')
    if len(targets) > _MOST_TARGETS:
        means.error("targets", f"there are {len(targets)} targets", f"SendCommand takes {_MOST_TARGETS} at most.")
    for key, values in targets.items():
        if len(values) > _MOST_VALUES:
            means.inputs("targets").error(
                key, f"there are {len(values)} values", f"SendCommand takes {_MOST_VALUES} at most."
            )
    return SsmRefresh(consumer=name, document=document, targets=targets, parameters=_lists(means.inputs("parameters")))


def _lists(inputs: Inputs) -> dict[str, tuple[str, ...]]:
    """Lists of texts; a text alone is a list of one."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in inputs.values.items():
        one = inputs.text(key) if not isinstance(value, list) else None
        found[key] = inputs.texts(key) if isinstance(value, list) else (one,) if one is not None else ()
    return found


def check_refreshes(stack: StackScope, target: Target, consumers: Iterable[ConsumerSpec]) -> None:
    """Refuse to start anything anew in another account."""
    own = target.account_id
    for one in consumers if own else ():
        foreign = next((arn for arn in one.principals.values() if account_of(arn) != own), None)
        if one.refresh and foreign:
            stack.components[one.component].error(
                ("vars", "consumers", one.name, REFRESH),
                f"{foreign} is in another account than the stack ({own}), where nothing is started anew",
                "Remove refresh, and let a stack of that account do it.",
            )


def refreshes(
    stack: StackScope, deliveries: Iterable[Delivery], consumers: Iterable[ConsumerSpec]
) -> list[RefreshSpec]:
    """Each consumer that is started anew, once, with all that it reads of this stack."""
    found: dict[str, RefreshSpec] = {}
    asked = [one for delivery in deliveries if delivery.refresh for one in [_of_delivery(delivery, stack)]]
    asked += [
        RefreshSpec(component=one.component, means=one.refresh, secrets=one.secrets) for one in consumers if one.refresh
    ]
    for one in asked:
        if one.secrets:
            earlier = found.setdefault(one.name, one)
            secrets = tuple(dict.fromkeys((*earlier.secrets, *one.secrets)))
            found[one.name] = earlier.model_copy(update={"secrets": secrets})
    return list(found.values())


def means_of(delivery: Delivery) -> LambdaRefresh | EcsRefresh | StageRefresh:
    """How what a component delivers to is started anew; also what it is called."""
    match delivery:
        case LambdaDelivery():
            return LambdaRefresh(function_name=delivery.function_name)
        case EcsDelivery():
            return EcsRefresh(cluster=delivery.cluster, service=delivery.service)
        case StageDelivery():
            return StageRefresh(api_name=delivery.api_name, stage_name=delivery.stage_name)


def _of_delivery(delivery: Delivery, stack: StackScope) -> RefreshSpec:
    match delivery:
        case LambdaDelivery():
            entries = dict(delivery.environment)
        case EcsDelivery():
            # One name in both sections would hide a reference.
            entries = {f"secrets {name}": one for name, one in delivery.secrets.items()}
            entries |= {f"environment {name}": one for name, one in delivery.environment.items()}
        case StageDelivery():
            entries = dict(delivery.variables)
    return RefreshSpec(component=delivery.component, means=means_of(delivery), secrets=read_secrets(entries, stack))
