"""Show the plan of a stack as a table and as JSON, and list what a stack declares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.text import Text

from secrets_pipeline.arn import account_of
from secrets_pipeline.cli.shared.needed_grants import NeededGrant, needed_grants, standing
from secrets_pipeline.cli.shared.plaintext_view import plaintext_json
from secrets_pipeline.cli.shared.reference_view import FunctionAt, ReferenceRow, reference_rows
from secrets_pipeline.cli.shared.tables import STYLES, Table, table, word
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.boundary import Boundary, Crossing
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.unguarded_manifests import UnguardedManifests
from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.only import changes_of
from secrets_pipeline.engine.plan import UNBLOCKS, Plan, PlanRow, told
from secrets_pipeline.engine.reason import Detail, Missing, Sign
from secrets_pipeline.errors import visible
from secrets_pipeline.operations.planning.prices import Costs

SYMBOLS = {
    ChangeClass.CREATE: "+",
    ChangeClass.UPDATE: "~",
    ChangeClass.RESTORE: "~",
    ChangeClass.ROTATE: "~",
    ChangeClass.REPLICATE: "+",
    ChangeClass.PRUNE: "-",
}
"""Terraform's signs of what becomes of a resource. Actions without a sign show their name only."""
_DRIFT = "bold yellow"
_MADE = (ChangeClass.CREATE, ChangeClass.RESTORE)
_OF_ROLES = ("consumer", "consumer-policy")
_READERS = (Boundary.READER, Boundary.FOREIGN_READER)
_WORDS = {Sign.ADDED: "added", Sign.CHANGED: "changed", Sign.REMOVED: "removed"}
_COLOURS = {Sign.ADDED: "green", Sign.CHANGED: "yellow", Sign.REMOVED: "red"}
DECLARED = ("kind", "name", "component", "detail")


@dataclass(frozen=True, slots=True)
class Declared:
    """One stack's declarations, read without AWS.

    Attributes:
        target: where it lives.
        rows: what it declares; see `declared_rows`.
        references: what its secrets refer to.
        plaintext: literals of its YAML that look like secrets.
        unguarded: its manifests, if any other can join them.
        needed: what of it the operator has not granted.
    """

    target: Target
    rows: Sequence[Mapping[str, str]]
    references: Sequence[ReferenceRow]
    plaintext: Sequence[Plaintext]
    unguarded: UnguardedManifests | None = None
    needed: Sequence[NeededGrant] = ()

    @classmethod
    def of(cls, spec: StackSpec, function_at: FunctionAt = lambda _component, _path: "") -> Declared:
        """List what a stack declares; `function_at` finds how the YAML spells a reference."""
        references, needed = reference_rows(spec, function_at), needed_grants(spec)
        return cls(spec.target, declared_rows(spec), references, spec.plaintext, spec.unguarded, needed)


@dataclass(frozen=True, slots=True)
class StackPlan(Plan):
    """The plan of one stack.

    Attributes:
        account_id: the account that was looked at.
        crossings: what the stack takes in and writes to beyond its own.
        plaintext: literals of its YAML that look like secrets.
        unguarded: its manifests, if any other can join them.
        left_out: how many changes --target leaves out.
    """

    stack: str
    account_id: str
    region: str
    crossings: Sequence[Crossing] = ()
    plaintext: Sequence[Plaintext] = ()
    unguarded: UnguardedManifests | None = None
    left_out: int = 0

    @property
    def new_readers(self) -> dict[str, list[str]]:
        """Return each principal that newly gains read access, with the secrets.

        These are principals that a changed policy lets in, and declared readers of each new secret, if they exist. A
        plan does not know policies that others attach.
        """
        rows = [row.change for row in self.rows()]
        changes = [one for one in rows if one.action.writes]
        of_roles = [one for one in rows if one.resource.kind in _OF_ROLES]
        missing = [one for one in of_roles if any(isinstance(why, Missing) for why in one.reasons)]
        absent = {reader for one in missing for reader in one.lets_read}
        found: dict[str, dict[str, None]] = {}
        for principal, secret in (one for change in changes for one in change.lets_read):
            found.setdefault(principal, {})[secret] = None
        made = {one.resource.name for one in changes if one.resource.kind == "secret" and one.action in _MADE}
        for crossing in self.crossings:
            for subject in crossing.subjects if crossing.boundary in _READERS else ():
                if subject in made and (crossing.name, subject) not in absent:
                    found.setdefault(crossing.name, {})[subject] = None
        return {principal: list(secrets) for principal, secrets in found.items()}

    @property
    def costs(self) -> Costs:
        """Estimate what it adds to the bill."""
        return Costs.of(changes_of(self.stages))


def summary(plan: StackPlan) -> str:
    """Write one line, for example `myapp-dev (111122223333, eu-west-2): 4 create, 12 none; 1 changed outside`."""
    drift = f"; {plan.drifted} changed outside" if plan.drifted else ""
    return f"{plan.stack} ({plan.account_id}, {plan.region}): {plan.counted}{drift}{left_out(plan)}"


def left_out(plan: StackPlan) -> str:
    """Say how many changes --target leaves out, for example `; 12 left out by --target`; empty for none."""
    return f"; {plan.left_out} left out by --target" if plan.left_out else ""


def plan_table(plan: StackPlan, *, unchanged: bool, every: bool = False) -> Table:
    """Build the table of changes; drift is said beside the action, what unblocks a change comes last.

    Args:
        plan: of a stack.
        unchanged: also list what needs no change.
        every: a row for each change, instead of one for many with the same reasons.
    """
    blocked = (UNBLOCKS,) if ChangeClass.BLOCKED.value in plan.counts else ()
    columns = ("", "action", "kind", "name", "stage", "reason", *blocked)

    def cells(row: PlanRow) -> Sequence[str | Text]:
        symbol = Text(SYMBOLS.get(row.change.action, ""), style=STYLES[row.change.action.value])
        action = Text(row.action, style=_DRIFT) if row.change.drift else word(row.action)
        return (symbol, action, row.kind, row.name, row.stage, _explained(row), row.unblocked_by)[: len(columns)]

    rows = [cells(row) for row in told(plan.rows(unchanged=unchanged), every=every)]
    if plan.new_readers:
        lines = [f"{principal} reads {with_examples(secrets)}" for principal, secrets in plan.new_readers.items()]
        said = f"{len(lines)} gain{'s' if len(lines) == 1 else ''} read access"
        readers = ("", "let read", "reader", said, "", Text(visible("\n".join(lines), kept="\n")), "")
        rows.append(readers[: len(columns)])
    return table(columns, rows)


def plan_json(plan: StackPlan, *, unchanged: bool) -> dict[str, Any]:
    """Return the plan of a stack as JSON."""
    return {
        "account_id": plan.account_id,
        "region": plan.region,
        "counts": plan.counts,
        "drifted": plan.drifted,
        "left_out": plan.left_out,
        "dollars_a_month": plan.costs.dollars,
        "databases_made": plan.costs.databases,
        "changes": [
            {
                "stage": row.stage,
                "action": row.change.action.value,
                **asdict(row.change.resource),
                "reasons": [str(one) for one in row.change.reasons],
                "reason_types": [one.kind for one in row.change.reasons],
                "details": [
                    {"change": _WORDS[detail.sign], **_held(detail)}
                    for reason in row.change.reasons
                    for detail in reason.details
                ],
                "drift": row.change.drift,
                "waits": row.change.on_its_way,
                "unblocked_by": row.unblocked_by or None,
            }
            for row in plan.rows(unchanged=unchanged)
        ],
        "lets_read": [{"principal": one, "secrets": secrets} for one, secrets in plan.new_readers.items()],
        "plaintext": plaintext_json(plan.plaintext),
        "unguarded_manifests": unguarded_json(plan.unguarded),
    }


def unguarded_json(unguarded: UnguardedManifests | None) -> list[str]:
    """Return the manifests of a stack that any other can join; none if the operator says which may."""
    return list(unguarded.manifests) if unguarded else []


def _held(detail: Detail) -> dict[str, str | None]:
    return {"what": detail.what, "before": detail.observed or None, "after": detail.wanted or None}


def _explained(row: PlanRow) -> Text:
    """The reason, then what differs piece by piece, a line each in the colour of what becomes of it."""
    text = Text(visible(row.reason))
    for line in row.details:
        text.append(f"\n{visible(line)}", style=_COLOURS[Sign(line[0])])
    return text


def declared_rows(spec: StackSpec) -> list[dict[str, str]]:
    """List what a stack declares, without asking AWS: kind, name, component, detail."""
    rows = [_row("kms-key", key.alias, ", ".join(key.components), key.description) for key in spec.keys]
    needed = needed_grants(spec)
    for secret in spec.secrets:
        detail = ", ".join([secret.type.value, *standing(needed, secret)])
        rows.append(_row("secret", secret.name, str(secret.ref), detail))
        if secret.policy or secret.readers:
            readers = f"read by {', '.join(secret.readers)}" if secret.readers else "statements of the stack"
            rows.append(_row("secret-policy", secret.name, str(secret.ref), readers))
        if secret.rotation:
            days = secret.rotation.automatically_after_days
            when = secret.rotation.schedule_expression or f"every {days} days"
            by = secret.rotation.lambda_arn or f"the managed function, {secret.rotation.strategy}"
            rows.append(_row("rotation", secret.name, str(secret.ref), f"{when} by {by}"))
    for database in spec.databases:
        engine = f"{database.engine}, " if database.engine_known else ""
        made = "created here" if database.create else "not created here"
        found = "" if database.identifier else ", found by its name or tags"
        rows.append(_row("database", database.name, database.component, f"{engine}{made}{found}"))
    for consumer in spec.consumers:
        secrets = ", ".join(str(ref) for ref in consumer.secrets)
        ours = [role for role in consumer.readers if spec.target.account_id in (None, account_of(role))]
        attached = "; a policy is attached" if consumer.attach_policies and ours else ""
        detail = f"reads {secrets}{attached}"
        rows.append(_row(f"{consumer.type.value} consumer", consumer.name, consumer.component, detail))
    for delivery in spec.deliveries:
        how = "delivered" if delivery.deliver else "published only"
        rows.append(_row(f"{delivery.kind} delivery", delivery.component, delivery.component, how))
    return rows


def _row(kind: str, name: str, component: str, detail: str) -> dict[str, str]:
    return dict(zip(DECLARED, (kind, name, component, detail), strict=True))
