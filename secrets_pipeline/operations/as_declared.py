"""Compare the resources of one stage with what the stack declares, as findings of a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.reason import NotOurs, Waits
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.finding import Finding, Verdict, of_error

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def as_declared(stack: Stack, stage: str, *, deep: bool) -> list[Finding]:
    """Plan a stage and turn each change into a finding. A change with nothing to do is right.

    A change that waits is a warning. A difference, and a resource that is not ours, is wrong.
    Without `deep` a part that a mark vouches for is right unread, as the finding says; with it, AWS is asked.
    """
    findings = []
    for change in STAGES[stage](stack, deep=deep).plan():
        match change.action:
            case _ if change.error is not None:
                findings.append(of_error(change.resource.name, change.error, detail=change.error.diagnostics()))
            case ChangeClass.NONE:
                findings.append(Finding(change.resource.name, Verdict.RIGHT, change.reason or "as declared"))
            case ChangeClass.BLOCKED | ChangeClass.ORPHAN:
                # A resource whose name belongs to somebody else is never made, so waiting does not help.
                refused = any(isinstance(one, NotOurs) for one in change.reasons)
                findings.append(
                    Finding(
                        change.resource.name,
                        Verdict.WRONG if refused and change.action is ChangeClass.BLOCKED else Verdict.WAITING,
                        change.reason,
                        sentence=change.hindrance,
                        reason_type=change.reason_type,
                    )
                )
            case _:
                waits = any(isinstance(one, Waits) for one in change.reasons)
                verdict = Verdict.WAITING if waits else Verdict.WRONG
                why = change.reason or change.action.value
                findings.append(Finding(change.resource.name, verdict, why, reason_type=change.reason_type))
    return findings
