"""List the databases that the pipeline made for a stack that nobody declares any more; it never deletes one.

What a database holds is nobody's to restore from YAML, so its end is left to humans: deletion protection off, and a
final snapshot.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.ownership import is_own_database
from secrets_pipeline.reconcilers.tag_keys import STACK

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "database"
_SEARCH = Resource(KIND, "of the stack")


class RetiredDatabaseReconciler:
    """Lists the instances and clusters whose marks prove that the pipeline made or adopted them for a retired stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def plan(self) -> Sequence[Change]:
        """Plan one orphan a database; instances of a cluster are listed with it."""
        try:
            found = self._found()
        except AwsError as error:
            if not error.denied:
                raise
            return [Change(_SEARCH, ChangeClass.NONE, (Because(f"was not looked for: {error.message}"),))]
        return [Change(Resource(KIND, one.identifier), ChangeClass.ORPHAN, (_stays(one),)) for one in found]

    def apply(self, change: Change) -> str:
        """Refuse: no change of a plan deletes a database; see `engine.Reconciler`."""
        raise SkippedError(f"{change.resource} is never deleted by the pipeline")

    def _found(self) -> list[DatabaseState]:
        databases, declared = self._stack.observed.databases, self._stack.ownership.repository.index
        every = [*(one for one in databases.instances().values() if not one.cluster), *databases.clusters().values()]
        named = (one for one in every if one.tags.get(STACK) == self._stack.spec.stack)
        left = (one for one in named if not declared.stack_with(ContestedKind.DATABASE, one.identifier))
        return [one for one in left if is_own_database(self._stack, one)]


def _stays(state: DatabaseState) -> Because:
    kind = "cluster" if state.is_cluster else "instance"
    named = f"--db-{kind}-identifier {state.identifier}"
    how = (
        f"`aws rds modify-db-{kind} {named} --no-deletion-protection`, then `aws rds delete-db-{kind} {named} "
        f"--final-db-snapshot-identifier {state.identifier}-final`"
    )
    return Because("stays: the pipeline deletes no database, as what it holds would be gone", how)
