"""Before the first write, refuse a stack that reaches what has not let it in, or that declares a stranger's thing.

What the operator's grants decide was decided with the desired state. AWS says the rest: what the owner of a function,
service, stage, role or database lets in by its tag `secrets-pipeline:allow`; and whether a rotation function or a key
under a declared name is a stranger's.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from secrets_pipeline.arn import Arn
from secrets_pipeline.desired.boundary import ALLOW_TAG, Boundary, Crossing, allows
from secrets_pipeline.desired.limits import FUNCTION_ARN
from secrets_pipeline.desired.policy.principals import account_of_principal
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.errors import GuardError, raise_all
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.boundary.strangers import strangers
from secrets_pipeline.reconcilers.database.ownership import adopts_database, is_own_database

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

Tags = Mapping[str, str]


def guard_boundary(stack: Stack) -> None:
    """Refuse a stack that reaches beyond its grants, or declares a function or key of a stranger; read once a run.

    Args:
        stack: the stack; its account was compared.

    Raises:
        GuardError: for the one thing that it may not reach, else `CollectedErrors` of all.
        AwsError: if the tags of something cannot be read.
    """
    raise_all(stack.observed.boundary.get(lambda: _refusals(stack)))


def function_refusal(stack: Stack, secret: SecretSpec, arn: str) -> GuardError | None:
    """Say why a rotation function may not rotate a secret; None if it may.

    Args:
        stack: the stack.
        secret: with a rotation that the stack's own function does not do.
        arn: of the function, which a parameter or another stack may have named.

    Raises:
        AwsError: if the function's tags cannot be read.
    """
    judged = {(one.boundary, one.name) for one in stack.spec.crossings}
    if not FUNCTION_ARN.fullmatch(arn):
        place = f"component {secret.ref.component}, key vars.secrets.{secret.ref.key}.rotation"
        return GuardError(f"{place}: lambda_arn refers to what is no ARN of a function", remedy="Let it refer to one.")
    function = Arn.parse(arn)
    account, name = function.account_id, function.name
    here = (function.region, account) == (stack.account.region, stack.account.account_id)
    for boundary, shown, known_as in (
        (Boundary.FUNCTION, name if here else arn, name),
        (Boundary.FOREIGN_READER, arn, account),
    ):
        grants = stack.run.settings.grants
        if (boundary, shown) not in judged and not granted(grants, stack.spec.stack, boundary, known_as):
            key = f"vars.secrets.{secret.ref.key}.rotation"
            crossing = Crossing(boundary=boundary, name=shown, component=secret.ref.component, key=key)
            if refusal := _refusal(stack, crossing):
                return refusal
    return None


def _refusals(stack: Stack) -> list[GuardError]:
    reached = {(one.boundary, one.name): one for one in stack.spec.crossings if not one.allowed_by}
    return [*(error for one in reached.values() if (error := _refusal(stack, one))), *strangers(stack)]


def _refusal(stack: Stack, crossing: Crossing) -> GuardError | None:
    named = stack.spec.stack
    if crossing.boundary is Boundary.FOREIGN_READER:
        account = account_of_principal(crossing.name)
        if account == stack.account.account_id:
            return None
        line = grant_line(named, crossing.boundary, account)
        return _error(crossing, "is in another account, and no grant of the operator names it", line)
    tags = _TAGS[crossing.boundary](stack, crossing.name)
    # What does not exist is written to by nobody; who misses it says so.
    if tags is None or allows(tags.get(ALLOW_TAG, ""), named):
        return None
    said = f"does not let stack {named} in: neither a grant of the operator nor its own tag {ALLOW_TAG} names the stack"
    line = grant_line(named, crossing.boundary, glob.escape(crossing.name))
    adopt = f"Take it over: {adoption(named, crossing.name)}. " if crossing.boundary is Boundary.DATABASE else ""
    return _error(crossing, said, line, either=f"{adopt}Let its owner set its tag {ALLOW_TAG} to {named}, or the")


def _error(crossing: Crossing, said: str, line: str, *, either: str = "Let the") -> GuardError:
    return GuardError(
        f"component {crossing.component}, key {crossing.key}: {crossing.boundary} {crossing.name} {said}",
        remedy=f"{either} operator write under grants: {line}",
    )


def _function(stack: Stack, name: str) -> Tags | None:
    place, there = (stack.account.region, stack.account.account_id), Arn.match(name)
    if there is not None and (there.region, there.account_id) != place:
        return {}  # Nobody sees its tags from here.
    return stack.observed.functions.tags_now(name)


def _service(stack: Stack, name: str) -> Tags | None:
    cluster, _, service = name.rpartition("/")
    return stack.observed.services.tags_now(cluster, service)


def _stage(stack: Stack, name: str) -> Tags | None:
    api_name, _, stage_name = name.rpartition("/")
    found = stack.observed.stages.every_now(api_name, stage_name)
    # Which of several of one name is meant nobody can tell.
    return found[0].tags if len(found) == 1 else {} if found else None


def _role(stack: Stack, name: str) -> Tags | None:
    found = stack.observed.roles.role_now(name.rsplit("/", 1)[-1])
    return found.tags if found else None


def _database(stack: Stack, name: str) -> Tags | None:
    spec = next(one for one in stack.spec.databases if one.identifier == name)
    state = stack.observed.databases.find(spec)
    if state is None or is_own_database(stack, state) or adopts_database(stack, spec, state):
        return None
    return state.tags


_TAGS: Final[Mapping[Boundary, Callable[[Stack, str], Tags | None]]] = {
    Boundary.FUNCTION: _function,
    Boundary.SERVICE: _service,
    Boundary.STAGE: _stage,
    Boundary.ROLE: _role,
    Boundary.DATABASE: _database,
}
"""Tags of what is written to; None where nothing is, or where it is the stack's own."""
