"""Say which databases, at which endpoints, a run has followed: compared later to see that one was restored or moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import Applied, Outcome, Unchanged
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState

if TYPE_CHECKING:
    from secrets_pipeline.desired.database.model import DatabaseSpec
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
    from secrets_pipeline.reconcilers.stack import Stack


def identity(state: DatabaseState) -> str:
    """Join resource id and endpoints: a restored database has another id, even under its old name."""
    return " ".join(filter(None, (state.resource_id, state.endpoint, state.reader_endpoint)))


def serving(spec: StackSpec, inventory: DatabaseInventory) -> dict[str, str]:
    """Map identifier to identity of the databases of a stack that can be logged in to now."""
    return {state.identifier: identity(state) for _, state in _serving(spec, inventory)}


def followed(stack: Stack, outcomes: Iterable[Outcome]) -> Mapping[str, str]:
    """Map identifier to identity of the databases that a run is done with; one that failed or waits is looked at again.

    Args:
        stack: the stack.
        outcomes: of the stage `rds_endpoints`.
    """
    done = {one.change.resource.name for one in outcomes if isinstance(one, Applied | Unchanged)}
    known = _serving(stack.spec, stack.observed.databases)
    return {state.identifier: identity(state) for database, state in known if database.name in done}


def _serving(spec: StackSpec, inventory: DatabaseInventory) -> Iterator[tuple[DatabaseSpec, DatabaseState]]:
    for database in spec.databases:
        state = inventory.find(database)
        if state is not None and state.serves:
            yield database, state
