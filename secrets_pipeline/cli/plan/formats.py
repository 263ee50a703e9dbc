"""The values of `plan --format`: each prints the plans of stacks, or what stacks declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from secrets_pipeline.cli.plan.boundaries import COLUMNS, crossing_rows, crossings, crossings_json
from secrets_pipeline.cli.plan.markdown import UNREAD, Errors, declared_markdown, plans_markdown
from secrets_pipeline.cli.plan.view import DECLARED, Declared, StackPlan, plan_json, plan_table, summary, unguarded_json
from secrets_pipeline.cli.shared.affected import affected_json, affected_markdown
from secrets_pipeline.cli.shared.console import emit, emit_json, say, show, title
from secrets_pipeline.cli.shared.needed_grants import needed_grants_json
from secrets_pipeline.cli.shared.plaintext_view import plaintext_json
from secrets_pipeline.cli.shared.reference_view import reference_json, reference_table
from secrets_pipeline.cli.shared.run_report import SHORTENED
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.operations.affected.model import Affected


class PlanFormat(StrEnum):
    """A table for humans, JSON alone on stdout, or Markdown for a comment on a pull request."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"

    def render(
        self,
        plans: Sequence[StackPlan],
        errors: Errors,
        *,
        unchanged: bool,
        deep: bool,
        every: bool = False,
        touched: Affected | None = None,
    ) -> None:
        """Print the plans of stacks; see `plans_markdown`, for `every` `plan_table`, for `touched` `touched_stacks`."""
        match self:
            case PlanFormat.MARKDOWN:
                if touched is not None:
                    emit(f"{affected_markdown(touched)}\n")
                emit(plans_markdown(plans, errors, unchanged=unchanged, deep=deep))
            case PlanFormat.JSON:
                shown = {
                    one.stack: plan_json(one, unchanged=unchanged) | {"crosses_a_boundary": crossings_json(one)}
                    for one in plans
                }
                emit_json({"stacks": shown, "errors": errors} | _affected(touched))
            case PlanFormat.TABLE:
                for one in plans:
                    _print(one, unchanged=unchanged, every=every)
                if plans and not deep:
                    say(UNREAD.format("--deep"), style="dim")

    def render_declared(
        self, stacks: Mapping[str, Declared], errors: Errors, *, touched: Affected | None = None
    ) -> None:
        """Print what stacks declare; for the arguments see `declared_markdown`, for `touched` `touched_stacks`."""
        match self:
            case PlanFormat.MARKDOWN:
                if touched is not None:
                    emit(f"{affected_markdown(touched)}\n")
                emit(declared_markdown(stacks, errors))
            case PlanFormat.JSON:
                shown = {
                    stack: {
                        "account_id": one.target.account_id,
                        "region": one.target.region,
                        "declared": one.rows,
                        "references": reference_json(one.references),
                        "plaintext": plaintext_json(one.plaintext),
                        "unguarded_manifests": unguarded_json(one.unguarded),
                        "needs_grants": needed_grants_json(one.needed),
                    }
                    for stack, one in stacks.items()
                }
                emit_json({"stacks": shown, "errors": errors} | _affected(touched))
            case PlanFormat.TABLE:
                for stack, one in stacks.items():
                    title(f"{stack}: {len(one.rows)} declared; secrets in the order in which they are made")
                    show(declared_table(one.rows))
                    emit("")
                    if one.references:
                        title(f"{stack}: what its secrets refer to")
                        show(reference_table(one.references))
                        emit("")


def declared_table(rows: Iterable[Mapping[str, str]]) -> Table:
    """Build the table of what a stack declares; see `declared_rows`."""
    return table(DECLARED, [tuple(row.values()) for row in rows])


def crossing_table(rows: Iterable[Sequence[str]]) -> Table:
    """Build the table of what crosses a boundary; see `crossing_rows`."""
    return table(COLUMNS, rows)


def _affected(touched: Affected | None) -> dict[str, Any]:
    return {} if touched is None else {"affected": affected_json(touched)}


def _print(plan: StackPlan, *, unchanged: bool, every: bool) -> None:
    title(summary(plan))
    if rows := plan.rows(unchanged=unchanged):
        made = plan_table(plan, unchanged=unchanged, every=every)
        show(made)
        emit("")
        if made.row_count - bool(plan.new_readers) < len(rows):
            say(SHORTENED, style="dim")
    if costs := str(plan.costs):
        say(f"{plan.stack} {costs}")
    if crossing := crossing_rows(plan, unchanged=unchanged):
        title(f"{plan.stack} crosses a boundary: {len(crossing)} of {len(crossings(plan))} are concerned")
        show(crossing_table(crossing))
        emit("")
