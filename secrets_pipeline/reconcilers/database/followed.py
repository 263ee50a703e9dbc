"""Say which databases, at which endpoints, a run has followed: compared later to see that one was restored or moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Applied, Outcome, Unchanged
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
    from secrets_pipeline.reconcilers.stack import Stack


def identity(state: DatabaseState) -> str:
    """Join resource id and endpoints: a restored database has another id, even under its old name."""
    return " ".join(filter(None, (state.resource_id, state.endpoint, state.reader_endpoint)))


def serving(spec: StackSpec, inventory: DatabaseInventory) -> dict[str, str]:
    """Map identifier to identity of the databases of a stack that can be logged in to now."""
    found = ((database.identifier, inventory.find(database)) for database in spec.databases)
    return {name: identity(state) for name, state in found if state is not None and state.serves}


def followed(stack: Stack, outcomes: Iterable[Outcome]) -> Mapping[str, str]:
    """Map identifier to identity of the databases that a run is done with; one that failed or waits is looked at again.

    Args:
        stack: the stack.
        outcomes: of the stage `rds_endpoints`.
    """
    done = {one.change.resource.name for one in outcomes if isinstance(one, Applied | Unchanged)}
    known = serving(stack.spec, stack.observed.databases)
    return {name: said for name, said in known.items() if name in done}
