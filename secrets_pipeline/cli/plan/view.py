"""A plan as a table, as JSON and as an exit code. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from secrets_pipeline.arn import account_of
from secrets_pipeline.cli.shared.tables import STYLES, table, word
from secrets_pipeline.desired.boundary import Crossing
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Change, ChangeClass

SYMBOLS = {
    ChangeClass.CREATE: "+",
    ChangeClass.UPDATE: "~",
    ChangeClass.RESTORE: "^",
    ChangeClass.ADOPT: "<",
    ChangeClass.ROTATE: "@",
    ChangeClass.REPLICATE: ">",
    ChangeClass.PRUNE: "-",
    ChangeClass.ORPHAN: "?",
    ChangeClass.NONE: "=",
    ChangeClass.BLOCKED: "!",
}
_ORDER = tuple(SYMBOLS)
_DRIFT = "bold yellow"
_OWNER_KIND = "secret"


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The plan of one stack.

    Attributes:
        account_id: the account that was looked at.
        stages: changes by stage, in order.
        crossings: what the stack takes in and writes to beyond its own.
    """

    stack: str
    account_id: str
    region: str
    stages: Mapping[str, Sequence[Change]]
    crossings: Sequence[Crossing] = ()

    def changes(self, *, unchanged: bool = False) -> Iterator[tuple[str, Change]]:
        """Each change with its stage; those of class none only if asked for, or where drift is said and left alone."""
        for stage, changes in self.stages.items():
            for change in changes:
                if unchanged or change.drift or change.action is not ChangeClass.NONE:
                    yield stage, change

    @property
    def differs(self) -> bool:
        """Whether there is anything to do; blocked and orphaned resources count, drift that is left alone does not."""
        return any(change.action is not ChangeClass.NONE for _, change in self.changes())

    def counts(self) -> dict[str, int]:
        """How many changes of each class, in a fixed order."""
        found = Counter(change.action for _, change in self.changes(unchanged=True))
        return {action.value: found[action] for action in _ORDER if found[action]}

    @property
    def drifted(self) -> int:
        """How many resources were changed outside."""
        return sum(change.drift for _, change in self.changes())


class Remedies:
    """What unblocks the blocked changes of a plan."""

    def __init__(self, plan: StackPlan) -> None:
        changes = (change for _, change in plan.changes() if change.action is ChangeClass.BLOCKED)
        self._secrets = frozenset(one.resource.name for one in changes if one.resource.kind == _OWNER_KIND)

    def of(self, change: Change) -> str:
        """Its own remedy, else the secret's that it belongs to; empty for a change that is not blocked."""
        if change.action is not ChangeClass.BLOCKED:
            return ""
        behind = change.resource.kind != _OWNER_KIND and change.resource.name in self._secrets
        return change.unblocked_by or ("unblock the secret of that name" if behind else "")


def summary(plan: StackPlan) -> str:
    """One line, for example `myapp-dev (111122223333, eu-west-2): 4 create, 12 none; 1 changed outside`."""
    drift = f"; {plan.drifted} changed outside" if plan.drifted else ""
    return f"{plan.stack} ({plan.account_id}, {plan.region}): {_numbers(plan)}{drift}"


def counts(plan: StackPlan) -> str:
    """Fewer words, for example `myapp-dev 4 create, 12 none`."""
    return f"{plan.stack} {_numbers(plan)}"


def _numbers(plan: StackPlan) -> str:
    return ", ".join(f"{number} {action}" for action, number in plan.counts().items()) or "nothing declared"


def plan_table(plan: StackPlan, *, unchanged: bool) -> Table:
    """The changes of a stack, one row each; drift is said beside the action, what unblocks a change comes last."""
    blocked, remedies = any(change.action is ChangeClass.BLOCKED for _, change in plan.changes()), Remedies(plan)
    columns = ("", "action", "kind", "name", "stage", "reason", *(("what unblocks it",) if blocked else ()))
    return table(
        columns,
        (
            (
                Text(SYMBOLS[change.action], style=STYLES[change.action.value]),
                Text(f"{change.action.value}, drift", style=_DRIFT) if change.drift else word(change.action.value),
                change.resource.kind,
                change.resource.name,
                stage,
                change.hindrance if change.action is ChangeClass.BLOCKED else change.reason,
                remedies.of(change),
            )[: len(columns)]
            for stage, change in plan.changes(unchanged=unchanged)
        ),
    )


def plan_json(plan: StackPlan, *, unchanged: bool) -> dict[str, Any]:
    """The plan of a stack as JSON."""
    remedies = Remedies(plan)
    return {
        "account_id": plan.account_id,
        "region": plan.region,
        "counts": plan.counts(),
        "drifted": plan.drifted,
        "changes": [
            {
                "stage": stage,
                "action": change.action.value,
                "kind": change.resource.kind,
                "name": change.resource.name,
                "component": change.resource.component,
                "key": change.resource.key,
                "reasons": [str(one) for one in change.reasons],
                "drift": change.drift,
                "unblocked_by": remedies.of(change) or None,
            }
            for stage, change in plan.changes(unchanged=unchanged)
        ],
    }


def declared(spec: StackSpec) -> list[dict[str, str]]:
    """What a stack declares, without asking AWS: kind, name, component, detail."""
    rows = [_row("kms-key", key.alias, ", ".join(key.components), key.description) for key in spec.keys]
    for secret in spec.secrets:
        blocked = ", blocked" if secret.blocked else ""
        rows.append(_row("secret", secret.name, str(secret.ref), f"{secret.type.value}{blocked}"))
        if secret.policy or secret.readers:
            readers = f"read by {', '.join(secret.readers)}" if secret.readers else "statements of the stack"
            rows.append(_row("secret-policy", secret.name, str(secret.ref), readers))
        if secret.rotation:
            days = secret.rotation.automatically_after_days
            when = secret.rotation.schedule_expression or f"every {days} days"
            by = secret.rotation.lambda_arn or f"the managed function, {secret.rotation.strategy}"
            rows.append(_row("rotation", secret.name, str(secret.ref), f"{when} by {by}"))
    rows += [
        _row(
            "database",
            database.identifier,
            database.component,
            f"{database.engine}, {'created' if database.create else 'not created'} here",
        )
        for database in spec.databases
    ]
    for consumer in spec.consumers:
        secrets = ", ".join(str(ref) for ref in consumer.secrets)
        ours = [role for role in consumer.readers if spec.target.account_id in (None, account_of(role))]
        attached = "; a policy is attached" if consumer.attach_policies and ours else ""
        detail = f"reads {secrets}{attached}"
        rows.append(_row(f"{consumer.type.value} consumer", consumer.name, consumer.component, detail))
    rows += [
        _row(
            f"{delivery.kind} delivery",
            delivery.component,
            delivery.component,
            "delivered" if delivery.deliver else "published only",
        )
        for delivery in spec.deliveries
    ]
    return rows


def _row(kind: str, name: str, component: str, detail: str) -> dict[str, str]:
    return {"kind": kind, "name": name, "component": component, "detail": detail}
