"""Check that each mark verifies: who tags what is ours, or leads the fingerprint key astray, shows in its own check.

What carries a mark that does not verify is blocked; without this, a run that leaves it alone would look like success.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.database.mark import database_proof
from secrets_pipeline.reconcilers.finding import Finding, Verdict, judged
from secrets_pipeline.reconcilers.kms_key.lookup import look_up
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState
from secrets_pipeline.reconcilers.rotation_function.ownership import function_proof
from secrets_pipeline.reconcilers.secret.desired import managed_function_arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.observed.secret_state import SecretState
    from secrets_pipeline.reconcilers.stack import Stack

_REMEDIES = {
    MarkState.FORGED: "find out who changed its tags, then take them away and adopt it",
    MarkState.DOUBTFUL: "look at its grants, then adopt it as it is; `plan` says how",
}


def marks_verify(stack: Stack) -> list[Finding]:
    """Verify the mark of each secret, key, database and function of the stack that carries one, or a tag of ours."""
    marked: list[MarkState] = []
    looks = (*_secrets(stack), *_others(stack))
    found = [_of_mark(*look, marked) for look in looks]
    said = [one for one in found if one.detail]
    if set(marked) == {MarkState.FORGED}:
        key = stack.run.settings.fingerprint_key
        detail = (
            f"verifies none of {len(marked)} marks: it is missing, or another key than the one that wrote them; check "
            "fingerprint_key in the operator's settings, account and region, and whom its alias points to"
        )
        said.insert(0, Finding(f"KMS key {key}", Verdict.WRONG, detail))
    return said


def _of_mark(kind: str, name: str, look: Callable[[], MarkState], marked: list[MarkState]) -> Finding:
    found = judged(f"{kind} {name}", partial(_finding, f"{kind} {name}", look, marked))
    return replace(found, columns={kind: name})


def _finding(name: str, look: Callable[[], MarkState], marked: list[MarkState]) -> Finding:
    state = look()
    if state is MarkState.UNMARKED:
        return Finding(name, Verdict.RIGHT, "")
    marked.append(state)
    if state in _REMEDIES:
        return Finding(name, Verdict.WRONG, f"{state.value}: {_REMEDIES[state]}")
    return Finding(name, Verdict.RIGHT, "its mark verifies")


def _secrets(stack: Stack) -> Iterator[tuple[str, str, Callable[[], MarkState]]]:
    for name, secret in sorted(stack.observed.secrets.all().items()):
        # A replica bears the tags of its primary, and what another service owns is never ours.
        if not secret.is_replica and not secret.owning_service:
            yield "secret", name, partial(_secret, stack, secret)


def _others(stack: Stack) -> Iterator[tuple[str, str, Callable[[], MarkState]]]:
    for key in stack.spec.keys:
        yield "key", key.alias, partial(_key, stack, key.alias)
    for database in stack.spec.databases:
        state = stack.observed.databases.find(database)
        if state is not None:
            yield "database", database.name, partial(_database, stack, state)
    if stack.spec.rotation_function is not None:
        name = stack.spec.rotation_function.name
        yield "function", name, partial(_function, stack, name)


def _secret(stack: Stack, secret: SecretState) -> MarkState:
    return stack.ownership.marks.verify(secret).state


def _database(stack: Stack, database: DatabaseState) -> MarkState:
    return database_proof(stack, database)[0]


def _key(stack: Stack, alias: str) -> MarkState:
    target = look_up(stack, alias).target
    return MarkState.UNMARKED if target is None else target.mark.state


def _function(stack: Stack, name: str) -> MarkState:
    state, arn = stack.observed.functions.function(name), managed_function_arn(stack)
    if state is None or arn is None:
        return MarkState.UNMARKED
    return function_proof(stack, arn, state.tags)[0]
