"""Write plans as Markdown, for a comment on a pull request. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, takewhile
from typing import TypeAlias

from secrets_pipeline.cli.plan.boundaries import COLUMNS, crossing_rows
from secrets_pipeline.cli.plan.view import DECLARED, Declared, StackPlan, left_out
from secrets_pipeline.cli.shared.markdown import block, code, details, table, text
from secrets_pipeline.cli.shared.needed_grants import needed_grants_rows
from secrets_pipeline.cli.shared.plaintext_view import plaintext_rows
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.unguarded_manifests import UnguardedManifests
from secrets_pipeline.engine.model import Change, ChangeClass
from secrets_pipeline.engine.plan import UNBLOCKS, PlanRow

OPEN_ROWS = 20
"""Tables with more rows are folded."""
MOST_ROWS = 300
MOST_CHARACTERS = 60_000
"""GitHub takes comments of 65,536 characters: stacks beyond are told by their counts alone."""

Errors: TypeAlias = Mapping[str, Sequence[str]]
"""Texts by stack, `""` for those of no stack."""
_GAP = "\n\n"
_ORDER = tuple(ChangeClass)
UNREAD = (
    "What an earlier apply finished was compared by its metadata alone: changes that others made to policies, replicas "
    "and consumers are seen with {}."
)
"""Of a plan that was not deep, with the option's name."""


def plans_markdown(plans: Sequence[StackPlan], errors: Errors, *, unchanged: bool, deep: bool) -> str:
    """Write the plans of stacks, and what went wrong.

    Args:
        plans: in the order in which they are told.
        errors: texts by stack.
        unchanged: also list what needs no change.
        deep: whether every policy was read.
    """
    sections = [_plan(plan, unchanged=unchanged) for plan in plans]
    short = [_short(plan) for plan in plans]
    notes = [] if deep or not plans else [f"<sub>{UNREAD.format('`--deep`')}</sub>"]
    return _joined(sections, short, [*_errors(errors), *notes])


def declared_markdown(stacks: Mapping[str, Declared], errors: Errors) -> str:
    """Write what stacks declare, without having asked AWS.

    Args:
        stacks: what each declares.
        errors: see `plans_markdown`.
    """
    sections, short = [], []
    for stack, one in stacks.items():
        rows, references = one.rows, one.references
        heading = f"### {code(stack)} · {one.target.account_id or 'account unknown'} · {one.target.region}"
        counted = f"**{len(rows)} declared**; nothing was compared with AWS"
        parts = [f"{heading}\n\n{counted}"]
        short.append(parts[0])
        if rows:
            cells = [[text(r["kind"]), code(r["name"]), code(r["component"]), text(r["detail"])] for r in rows]
            parts.append(_folded(DECLARED, cells, "declared"))
        if references:
            cells = [[code(r.secret), code(r.key), code(r.reference), r.state, text(r.detail)] for r in references]
            parts.append(_folded(("secret", "key", "reference", "state", "detail"), cells, "references"))
        if one.needed:
            parts.append(f"**Needs a grant of the operator**\n\n{_folded(*needed_grants_rows(one.needed), 'grants')}")
        parts += _plaintext(one.plaintext)
        parts += _unguarded(one.unguarded)
        sections.append("\n\n".join(parts))
    return _joined(sections, short, _errors(errors))


def _plan(plan: StackPlan, *, unchanged: bool) -> str:
    changes = plan.rows(unchanged=unchanged)
    blocked = [row for row in changes if row.change.action is ChangeClass.BLOCKED]
    others = [row for row in changes if row.change.action is not ChangeClass.BLOCKED]
    parts = [_short(plan)]
    if not changes:
        parts.append("Nothing to do.")
    if others:
        # Sorting is stable: within a class the order of the plan stays.
        others.sort(key=lambda row: _ORDER.index(row.change.action))
        rows = [[_action(row.change), text(row.kind), code(row.name), _explained(row)] for row in others]
        parts.append(_folded(("action", "kind", "name", "reason"), rows, "changes"))
    if blocked:
        rows = [[text(row.kind), code(row.name), _explained(row), text(row.unblocked_by)] for row in blocked]
        parts.append(f"**Blocked**\n\n{_folded(('kind', 'name', 'reason', UNBLOCKS), rows, 'blocked changes')}")
    if readers := plan.new_readers:
        rows = [[code(principal), code(", ".join(secrets))] for principal, secrets in readers.items()]
        parts.append(f"**Newly lets read**\n\n{_folded(('reader', 'secrets'), rows, 'readers')}")
    if crossing := crossing_rows(plan, unchanged=unchanged):
        rows = [[text(what), *map(code, names), text(by)] for what, *names, by in crossing]
        parts.append(f"**Crosses a boundary**\n\n{_folded(COLUMNS, rows, 'crossings')}")
    if costs := str(plan.costs):
        parts.append(f"{costs[:1].upper()}{costs[1:]}.")
    parts += _plaintext(plan.plaintext)
    parts += _unguarded(plan.unguarded)
    return _GAP.join(parts)


def _plaintext(found: Sequence[Plaintext]) -> list[str]:
    """The literals that look like secrets, under a heading of their own."""
    return [f"**⚠️ Plaintext in the YAML**\n\n{_folded(*plaintext_rows(found), 'literals')}"] if found else []


def _unguarded(found: UnguardedManifests | None) -> list[str]:
    """The warning about a stack that any manifest can join, under a heading of its own."""
    return [f"**⚠️ Any manifest can join this stack**\n\n{text(str(found))}"] if found else []


def _short(plan: StackPlan) -> str:
    """The heading and the counts of a stack."""
    drift = f" · ⚠️ {plan.drifted} changed outside" if plan.drifted else ""
    return f"### {code(plan.stack)} · {plan.account_id} · {plan.region}\n\n**{plan.counted}**{drift}{left_out(plan)}"


def _action(change: Change) -> str:
    return f"{change.action.value} ⚠️ drift" if change.drift else change.action.value


def _explained(row: PlanRow) -> str:
    """The reason, then what differs piece by piece, a line each."""
    return "<br>".join(text(line) for line in (row.reason, *row.details))


def _folded(columns: Sequence[str], rows: Sequence[Sequence[str]], what: str) -> str:
    shown = table(columns, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        shown += f"\n\n… and {len(rows) - MOST_ROWS} more: `secrets-pipeline plan` lists them all."
    return details(f"{len(rows)} {what}", shown, is_open=len(rows) <= OPEN_ROWS)


def _errors(errors: Errors) -> list[str]:
    """The errors under a heading, as many as fit into half of a comment."""
    if not errors:
        return []
    told = [
        block(one) if index or not stack else f"**{code(stack)}**\n\n{block(one)}"
        for stack, texts in sorted(errors.items())
        for index, one in enumerate(texts)
    ]
    shown = told[: _fitting(told, MOST_CHARACTERS // 2)]
    return ["### Errors", *shown, *_left_out(len(told) - len(shown), "errors")]


def _joined(sections: Sequence[str], short: Sequence[str], always: Sequence[str]) -> str:
    """The sections, those that do not fit any more told in short, and at the end counted."""
    counted = [f"{one}\n\n… is too long for a comment: `secrets-pipeline plan` lists it." for one in short]
    left = MOST_CHARACTERS - _size(always)
    counted = counted[: _fitting(counted, left)]
    left -= _size(counted)
    parts = []
    for section, in_short in zip(sections, counted, strict=False):
        more = len(section) - len(in_short)
        parts.append(section if more <= left else in_short)
        left -= more if more <= left else 0
    return _GAP.join([*parts, *_left_out(len(sections) - len(parts), "stacks"), *always]) + "\n"


def _left_out(number: int, what: str) -> list[str]:
    return [f"… and {number} more {what}: `secrets-pipeline plan` lists them all."] if number else []


def _fitting(parts: Sequence[str], room: int) -> int:
    """How many of the first parts have room."""
    ends = accumulate(len(one) + len(_GAP) for one in parts)
    return sum(1 for _ in takewhile(lambda end: end <= room, ends))


def _size(parts: Sequence[str]) -> int:
    return sum(len(one) + len(_GAP) for one in parts)
