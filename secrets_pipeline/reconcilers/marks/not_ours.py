"""Say what to do about things that carry somebody else's mark, or a forged one."""

from __future__ import annotations

from secrets_pipeline.engine.reason import Because, NotOurs
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Owner

UNNAMED = Because("its mark does not name the repository yet")
"""Of a mark that was written before the repository had an id."""
NOT_MARKED = Because("not marked as ours yet")
"""Of something that has none of the tags that name its owner."""
FORGED = NotOurs(MarkState.FORGED.value, "find out who tagged it, remove the tags, then adopt it")


def way_out(owner: Owner, ours: Owner) -> str:
    """Say what to do where something is not to be taken from whom its mark names, whoever asks."""
    if owner.repository and not ours.repository:
        return "set repository: in the operator's settings, as this repository has no id"
    return "take it out of that stack first; a stack with errors may be the one"
