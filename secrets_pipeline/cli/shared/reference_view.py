"""Show what secrets are rendered from: what comes first, what is asked for later, what nobody can resolve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from rich.text import Text

from secrets_pipeline.cli.shared.tables import STYLES, Table, table
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.boundary import TAKEN_IN, Boundary, Crossing
from secrets_pipeline.desired.kinds import SECRETS
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.shown import missing_grants
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Expression, Output, Path, SsmParameter, dotted
from secrets_pipeline.references.walk import outputs, ssm_parameters


class ReferenceState(StrEnum):
    """What becomes of a reference."""

    ORDERED = "ordered"
    LATER = "later"
    DEFAULT = "default"
    BLOCKED = "blocked"
    NEEDS_GRANT = "needs a grant"


_STYLES = {
    ReferenceState.ORDERED: "green",
    ReferenceState.LATER: "yellow",
    ReferenceState.DEFAULT: "dim",
    ReferenceState.BLOCKED: STYLES["blocked"],
    ReferenceState.NEEDS_GRANT: "yellow",
}


_ASKED = {
    "secretsmanager": "known as soon as its key exists",
    "kms": "known as soon as the key exists",
    "rds": "known as soon as the instance exists",
    "lambda": "AWS is asked for the function",
    "ecs": "known from the component",
    "apigateway": "known from the component",
}


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One reference of one secret.

    Attributes:
        secret: the secret's name.
        key: where it stands, inside the entry of the secret, or inside the component.
        reference: the expression as the YAML spells it, without its default.
        state: what becomes of it.
        detail: which secret comes first, who is asked later, why nobody can resolve it, or what is to be granted.
    """

    secret: str
    key: str
    reference: str
    state: ReferenceState
    detail: str


_CrossedAt: TypeAlias = tuple[str, str, str]
"""Component, key and name of a crossing."""
FunctionAt: TypeAlias = Callable[[str, Path], str]
"""Return the YAML function at a place of a component, without its default; empty if `${…}` is written there."""


def reference_rows(spec: StackSpec, function_at: FunctionAt = lambda _component, _path: "") -> list[ReferenceRow]:
    """List every reference of a stack's secrets, in the order in which the secrets are made; no call to AWS.

    Args:
        spec: of the stack.
        function_at: finds how the YAML spells a reference.
    """
    needed = {(one.component, one.key, one.name): one for one in missing_grants(spec) if one.boundary in TAKEN_IN}
    return [row for secret in spec.secrets for row in _rows(spec, secret, function_at, needed)]


def reference_table(rows: Iterable[ReferenceRow]) -> Table:
    """Build the table of references, one row each."""
    return table(
        ("secret", "key", "reference", "state", "detail"),
        ((row.secret, row.key, row.reference, Text(row.state, style=_STYLES[row.state]), row.detail) for row in rows),
    )


def reference_json(rows: Iterable[ReferenceRow]) -> list[dict[str, str]]:
    """Return the references as JSON."""
    return [{key: str(value) for key, value in asdict(row).items()} for row in rows]


def _rows(
    spec: StackSpec, secret: SecretSpec, function_at: FunctionAt, needed: Mapping[_CrossedAt, Crossing]
) -> Iterator[ReferenceRow]:
    blocked = {one.expression for one in secret.unresolved}
    component, shown = secret.ref.component, set[_CrossedAt]()
    for path, expression in _expressions(secret):
        if str(expression) in blocked:
            continue
        key, text = dotted(path), function_at(component, path) or str(expression)
        state, detail = _prospect(spec, expression)
        crossed = (component, key, _crossed(expression))
        if crossed not in needed and _is_terraforms(spec, expression):
            # A grant names the state, not the output.
            crossed = next((one for one in needed if one[:2] == crossed[:2]), crossed)
        if crossing := needed.get(crossed):
            state, detail = ReferenceState.NEEDS_GRANT, f"{crossing.boundary} {crossing.name}"
            shown.add(crossed)
        yield ReferenceRow(secret.name, _inside(secret, key), text, state, detail)
    for crossed, crossing in needed.items():
        if crossing.component == component and secret.name in crossing.subjects and crossed not in shown:
            # The desired state does not list files among the references of a value.
            text = f"${{file:{crossing.name}}}" if crossing.boundary is Boundary.FILE else crossing.name
            key, detail = _inside(secret, crossing.key), f"{crossing.boundary} {crossing.name}"
            yield ReferenceRow(secret.name, key, text, ReferenceState.NEEDS_GRANT, detail)
    for path, output in _defaulted(secret):
        yield ReferenceRow(
            secret.name,
            _inside(secret, dotted(path)),
            function_at(component, path) or str(output),
            ReferenceState.DEFAULT,
            "does not exist, so its default serves",
        )
    for one in secret.unresolved:
        yield ReferenceRow(
            secret.name,
            _inside(secret, one.key),
            one.written or one.expression,
            ReferenceState.NEEDS_GRANT if one.variable else ReferenceState.BLOCKED,
            one.problem if one.variable else f"{one.reason}: {one.problem}",
        )


def _crossed(expression: Expression) -> str:
    """Name what a reference takes in, as its crossing does."""
    match expression:
        case Output():
            return f"{expression.stack}:{expression.component}.{dotted(expression.path)}"
        case SsmParameter(name=name):
            return name
        case _:
            return ""


def _expressions(secret: SecretSpec) -> Iterator[tuple[Path, Expression]]:
    """Outputs and SSM parameters, each with its place."""
    place: Path = ("vars", "secrets", secret.ref.key)
    if isinstance(secret.value, GeneratedValue):
        for field, value in secret.value.fields.items():
            yield from _named((*place, field), value)
    elif isinstance(secret.value, DeclaredValue):
        for leaf in secret.value.leaves:
            yield from ((leaf.place, output) for output in leaf.outputs)
            yield from ((leaf.place, SsmParameter(name)) for name in leaf.ssm)
    if not (isinstance(secret.kms_key, Output) and secret.kms_key.component == secret.ref.component):
        yield from _named((*place, "kms_key_id"), secret.kms_key)
    if secret.rotation:
        yield from _named((*place, "rotation"), secret.rotation.lambda_arn)


def _named(place: Path, value: object) -> Iterator[tuple[Path, Expression]]:
    if isinstance(value, Expression):
        yield from ((place, output) for output in outputs(value))
        yield from ((place, SsmParameter(name)) for name in ssm_parameters(value))


def _defaulted(secret: SecretSpec) -> Iterator[tuple[Path, Output]]:
    for leaf in secret.value.leaves if isinstance(secret.value, DeclaredValue) else ():
        yield from ((leaf.place, output) for output in leaf.absent)


def _inside(secret: SecretSpec, key: str) -> str:
    return key.removeprefix(f"{dotted(('vars', 'secrets', secret.ref.key))}.")


def _prospect(spec: StackSpec, expression: Expression) -> tuple[ReferenceState, str]:
    if not isinstance(expression, Output):
        return ReferenceState.LATER, "SSM Parameter Store is asked"
    if (state := spec.state_of(expression)) is not None:
        return ReferenceState.LATER, f"read from Terraform's state {state.place}"
    if expression.stack not in (None, spec.stack):
        return ReferenceState.LATER, f"AWS is asked where stack {expression.stack} lives"
    key = expression.path[1] if expression.path[1:] else None
    ref = SecretRef(component=expression.component, key=str(key))
    if key is not None and spec.has(ref):
        return ReferenceState.ORDERED, f"after {spec.secret(ref).name}"
    known = _ASKED.get(spec.components.get(expression.component, ""), "Terraform's state is asked")
    return ReferenceState.LATER, known


def _is_terraforms(spec: StackSpec, expression: Expression) -> bool:
    return isinstance(expression, Output) and spec.components.get(expression.component) != SECRETS
