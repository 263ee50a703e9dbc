"""Findings: what a check sees when it compares AWS with the desired state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.engine.reason import Waits
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.finding import Finding, Verdict

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def as_declared(stack: Stack, stage: str, *, deep: bool) -> list[Finding]:
    """Whether the resources of a stage are as the stack declares them: is there anything left to plan?"""
    findings = []
    for change in STAGES[stage](stack, deep=deep).plan():
        match change.action:
            case _ if change.error is not None:
                findings.append(Finding(change.resource.name, Verdict.WRONG, change.error.diagnostics()))
            case ChangeClass.NONE:
                findings.append(Finding(change.resource.name, Verdict.RIGHT, change.reason or "as declared"))
            case ChangeClass.BLOCKED | ChangeClass.ORPHAN:
                findings.append(Finding(change.resource.name, Verdict.WAITING, change.reason))
            case _:
                waits = any(isinstance(one, Waits) for one in change.reasons)
                verdict = Verdict.WAITING if waits else Verdict.WRONG
                findings.append(Finding(change.resource.name, verdict, change.reason or change.action.value))
    return findings
