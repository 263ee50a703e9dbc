"""Show which grants of the operator the YAML needs; the commands that read YAML alone go on without them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secrets_pipeline.cli.shared import markdown
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.shown import missing_grants
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import Lines

NEEDS_GRANT = "needs a grant"
BLOCKED = "blocked"
_SETTINGS = "the operator's settings have these lines (`secrets-pipeline init` prints settings)"
_SAID = 10
_COLUMNS = ("needs", "for", "declared at", "the operator writes")
_UNDER_GRANTS = "grants:"


@dataclass(frozen=True, slots=True)
class NeededGrant:
    """One thing that the YAML reaches and the operator has not granted.

    Attributes:
        needs: kind and name, for example `SSM parameter /shared/token`.
        subjects: names of the secrets that it concerns; none if it concerns the whole component.
        component: that says so.
        key: dotted path inside the component.
        under: the key of the operator's settings that the line belongs to.
        line: one line of YAML.
    """

    needs: str
    subjects: tuple[str, ...]
    component: str
    key: str
    under: str
    line: str


def needed_grants(spec: StackSpec) -> list[NeededGrant]:
    """List what a stack needs granted: crossings, and environment variables that block a secret."""
    crossings = (
        NeededGrant(f"{one.boundary} {one.name}", one.subjects, one.component, one.key, _UNDER_GRANTS, one.needs_grant)
        for one in missing_grants(spec)
    )
    subjects: dict[NeededGrant, list[str]] = {}
    for one in (*crossings, *_variables(spec)):
        subjects.setdefault(replace(one, subjects=()), []).extend(one.subjects)
    return [replace(one, subjects=tuple(dict.fromkeys(named))) for one, named in subjects.items()]


def standing(needed: Iterable[NeededGrant], secret: SecretSpec) -> list[str]:
    """Return the words for a secret that lacks something: `needs a grant`, `blocked`, both or none.

    A variable that the operator does not allow needs a grant. It blocks nothing by itself.
    """
    lacks = {
        NEEDS_GRANT: any(secret.name in one.subjects for one in needed),
        BLOCKED: any(not one.variable for one in secret.unresolved),
    }
    return [word for word, is_so in lacks.items() if is_so]


def tell_needed_grants(specs: Iterable[StackSpec]) -> None:
    """Say which lines the operator has to write before AWS is asked for these stacks; it is no error."""
    for spec in specs:
        by_setting: dict[str, list[str]] = {}
        for one in needed_grants(spec):
            by_setting.setdefault(one.under, []).append(one.line)
        for under, found in by_setting.items():
            lines = list(dict.fromkeys(found))
            more = [f"and {len(lines) - _SAID:,} more; --format json has all"] if len(lines) > _SAID else []
            refused = "plan and apply refuse it" if under == _UNDER_GRANTS else "secrets stay blocked"
            head = f"note: {spec.stack} {NEEDS_GRANT}: {refused} until {_SETTINGS}:"
            shown = [f"  {line}" for line in (under, *lines[:_SAID], *more) if line]
            say(Lines.of(head, *shown), style="yellow")


def needed_grants_json(needed: Iterable[NeededGrant]) -> list[dict[str, Any]]:
    """Return them as JSON."""
    return [
        {
            "needs": one.needs,
            "for": list(one.subjects),
            "component": one.component,
            "key": one.key,
            "line": one.line,
        }
        for one in needed
    ]


def needed_grants_rows(needed: Iterable[NeededGrant]) -> tuple[Sequence[str], list[list[str]]]:
    """Return columns and cells of a table in Markdown."""
    return _COLUMNS, [
        [
            markdown.text(one.needs),
            markdown.code(", ".join(one.subjects)),
            markdown.code(f"{one.component}: {one.key}"),
            markdown.code(one.line),
        ]
        for one in needed
    ]


def _variables(spec: StackSpec) -> Iterator[NeededGrant]:
    for secret in spec.secrets:
        for one in secret.unresolved:
            if name := one.variable:
                what, line = f"{Boundary.ENVIRONMENT} {name}", f"environment_allowed: [{name}]"
                yield NeededGrant(what, (secret.name,), secret.ref.component, one.key, "", line)
