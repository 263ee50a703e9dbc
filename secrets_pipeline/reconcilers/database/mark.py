"""Write and verify the tags that prove whose an RDS instance or Aurora cluster is.

As with rotation functions, a mark is `.<mac>`, bound to the ARN, which is known before the database is made. A tag with
the stack alone, which older versions wrote, proves nothing: whoever may tag could have written it.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html (what a tag holds)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.reconcilers.marks.mac import Mac
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Owner, stack_parts
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, REPOSITORY, SPEC, STACK

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.stack import Stack


def database_tags(
    stack: Stack, database: DatabaseSpec, *, state: DatabaseState | None = None, member: str = ""
) -> dict[str, str]:
    """Make the tags that prove an instance or cluster ours.

    Args:
        stack: the stack.
        database: what it declares.
        state: the database as AWS has it; None for one that is about to be created.
        member: identifier of an instance of the cluster that is declared; empty for the database itself.
    """
    ours = Owner(stack.spec.stack, database.component, repository=stack.ownership.repository.id)
    if state is not None and not member:
        arn = state.arn
    else:
        arn = database_arn(stack, member or database.name, cluster=database.is_cluster and not member)
    tags = ours.tags()
    return {**{tag: tags[tag] for tag in tags if tags[tag]}, SPEC: f".{_mac(stack).of(*_about(arn, ours))}"}


def database_proof(stack: Stack, state: DatabaseState) -> tuple[MarkState, Owner]:
    """Verify the tags of a database: what they prove, and whom they name."""
    tags = state.tags
    owner = Owner(tags.get(STACK, ""), tags.get(COMPONENT, ""), repository=tags.get(REPOSITORY, ""))
    if SPEC not in tags:
        return MarkState.UNMARKED, owner
    mac = tags[SPEC].removeprefix(".")
    if not _mac(stack).proves(mac, *_about(state.arn, owner)):
        return MarkState.FORGED, owner
    return MarkState.FINISHED, owner


def database_arn(stack: Stack, identifier: str, *, cluster: bool) -> str:
    """Build the ARN of an instance or cluster of the stack's account and region.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.ARN.Constructing.html
    """
    return stack.account.arn("rds", f"{'cluster' if cluster else 'db'}:{identifier}")


def _mac(stack: Stack) -> Mac:
    return Mac(stack.ownership.fingerprinter, "database-mark")


def _about(arn: str, owner: Owner) -> tuple[str, ...]:
    """What the proof of a mark is over."""
    return (arn, *stack_parts(owner.stack, owner.repository), owner.component)
