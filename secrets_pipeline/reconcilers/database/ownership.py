"""Decide whether a component may use the database of its identifier, before anything is written or handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import ALLOW_TAG, Boundary, ContestedKind, allows
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.settings.grants import granted
from secrets_pipeline.engine.reason import Because, NotOurs, Reason
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.contest import lost_contest
from secrets_pipeline.reconcilers.database.absence import identifier_line
from secrets_pipeline.reconcilers.database.mark import database_proof
from secrets_pipeline.reconcilers.marks.not_ours import FORGED, way_out
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Owner
from secrets_pipeline.reconcilers.observed.database_search import is_tagged_as
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, STACK

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.stack import Stack

GRANT = f"let a grant of the operator or its own tag {ALLOW_TAG} name it"


def refusal(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> Reason | None:
    """Say why the database is not one that the component may use; None if it is.

    One that should be created, or whose master password the stack says, is ours by its mark, adopted by name, or
    granted: otherwise neither is its endpoint handed out nor its password set. What is only looked up needs none of it.
    """
    if wrong := mismatch(stack, database, state):
        return wrong
    if needs_adoption(stack, database, state):
        return _unproven(stack, database, state)
    if not _is_claimed(database) or is_own_database(stack, state):
        return None
    return lost_contest(stack, ContestedKind.DATABASE, state.identifier)


def needs_adoption(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether the stack means to have made the database, or to set its password, and nothing proves that it may."""
    if not _is_claimed(database) or is_own_database(stack, state):
        return False
    return database.create or not _is_let_in(stack, database, state)


def adopts_database(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Return whether this run takes the database over.

    If its tags name another repository, or the component does not name it, only its full name counts, not a glob.
    """
    of_another = database.identifier is None or stack.ownership.repository.is_another(state.tags.get(REPOSITORY, ""))
    return stack.run.options.adopts(state.identifier, of_another=of_another)


def keeps_mark(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether the mark is ours to keep right: it says so, or this run is asked to adopt the database."""
    return _is_claimed(database) and (is_own_database(stack, state) or adopts_database(stack, database, state))


def is_own_database(stack: Stack, state: DatabaseState) -> bool:
    """Whether the mark proves that this very stack made or adopted the database."""
    proof, owner = database_proof(stack, state)
    return proof is MarkState.FINISHED and stack.ownership.claims(owner)


def is_marked_for(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether the mark proves that this very stack made or adopted the database for this component."""
    return is_tagged_as(database.traits, state) and is_own_database(stack, state)


def may_log_in(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether the pipeline may try passwords of the stack at a database that the stack declares.

    A database that is marked as another stack's, or that nothing but its tags connects with the component, needs a
    grant of `databases`, or its owner's tag.
    """
    proof, owner = database_proof(stack, state)
    others = proof is MarkState.FORGED or (proof is MarkState.FINISHED and not stack.ownership.claims(owner))
    others = others or (proof is not MarkState.FINISHED and not _is_named(database, state))
    by = granted(stack.run.settings.grants, stack.spec.stack, Boundary.DATABASE, state.identifier)
    return not others or bool(by) or allows(state.tags.get(ALLOW_TAG, ""), stack.spec.stack)


def _is_let_in(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether a grant of the operator, or the tag of its owner, lets the stack set the master password.

    They let it do so with a database that the component names: two stacks could find the same one.
    """
    if database.identifier is None:
        return False
    reached = (one for one in stack.spec.crossings if one.boundary is Boundary.DATABASE and one.allowed_by)
    tag = state.tags.get(ALLOW_TAG, "")
    return allows(tag, stack.spec.stack) or any(one.name == database.identifier for one in reached)


def _is_claimed(database: DatabaseSpec) -> bool:
    return database.create or database.password is not None


def _is_named(database: DatabaseSpec, state: DatabaseState) -> bool:
    """Whether the YAML says the identifier, or the variables of which Terraform makes it."""
    return state.identifier in (database.identifier, *database.traits.names)


def _unproven(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> NotOurs:
    proof, owner = database_proof(stack, state)
    if proof is MarkState.FINISHED:
        said = f"belongs to {owner.home}"
    elif owner.stack:
        said = f"carries the tag {STACK} = {owner.stack}, and no mark that proves it, as older versions left it"
    else:
        said = "exists without our tags"
    take = adoption(stack.spec.stack, state.identifier)
    grant = "" if database.create or database.identifier is None else f", or {GRANT}"
    return NotOurs(said, f"{take} takes it over and may set its master password{grant}")


def _foreign(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> NotOurs | None:
    if not _is_claimed(database):
        return None
    proof, owner = database_proof(stack, state)
    if proof is MarkState.FORGED:
        return FORGED
    if (
        proof is MarkState.FINISHED
        and not stack.ownership.claims(owner)
        and not _may_take(stack, owner, state.identifier)
    ):
        ours = Owner(stack.spec.stack, repository=stack.ownership.repository.id)
        return NotOurs(f"belongs to {owner.home}", way_out(owner, ours))
    return None


def _found_by_tags(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> Reason | None:
    """Refuse a master password to a database of which only tags say that it is the component's: anybody may tag."""
    if not _is_claimed(database) or _is_named(database, state) or is_own_database(stack, state):
        return None
    return Because("was found by its tags alone", f"{identifier_line(database, state.identifier)} to set its password")


def _may_take(stack: Stack, owner: Owner, identifier: str) -> bool:
    def declares(spec: StackSpec) -> bool:
        found = (
            one.component == owner.component if one.identifier is None else one.identifier == identifier
            for one in spec.databases
        )
        return any(found)

    return stack.ownership.repository.may_take(owner, declares)


def mismatch(stack: Stack, database: DatabaseSpec, state: DatabaseState) -> Reason | None:
    """Say why the component may not use the database even after an adoption; None if it may."""
    if wrong := _foreign(stack, database, state) or _found_by_tags(stack, database, state):
        return wrong
    if state.cluster and not database.is_cluster:
        problem = f"is an instance of the Aurora cluster {state.cluster}"
        return Because(problem, f"write identifier: {state.cluster} and engine: {state.engine}")
    looked_up = not database.engine_known and not _is_claimed(database)
    if not looked_up and _engine(state.engine) != _engine(database.engine):
        said = f"the stack says {database.engine}" if database.engine_known else "the component names no engine"
        problem = f"has engine {state.engine}, but {said}"
        return Because(problem, f"write engine: {state.engine}")
    if isinstance(database.username, str) and database.username.lower() != state.username.lower():
        problem = f"has the master user {state.username}, but the stack says {database.username}"
        return Because(problem, "write what it has")
    if database.password is not None and state.master_secret_arn:
        way = "write manage_master_user_password: true, and no password"
        return Because("keeps its master password in a secret of RDS", way)
    return None


def _engine(name: str) -> str:
    """Editions of an engine may be changed in place: `oracle-se2` and `oracle-ee` are the same here."""
    return name if name.startswith("aurora") else name.split("-", 1)[0]
