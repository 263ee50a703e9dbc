"""Evaluate checks in a run, whatever step does it.

Closely where the run asks for it, where something was written since, where the last close look found something open,
and where none is on record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import dagster as dg

from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from secrets_pipeline.orchestration.verification.history import (
    CLOSELY,
    LOOKED,
    Evaluated,
    Target,
    last_evaluation,
    last_materialization,
    written_since_evaluation,
)
from secrets_pipeline.orchestration.verification.not_asked import NotAsked
from secrets_pipeline.orchestration.verification.stack_check import (
    Judged,
    Metadata,
    StackCheck,
    judge_all,
    judge_stack,
    judge_unasked,
)
from secrets_pipeline.orchestration.verification.standing import standing


class Context(Protocol):
    """The context of a step: an asset's, a check's or an op's."""

    @property
    def instance(self) -> dg.DagsterInstance:
        """Return the instance."""

    @property
    def run(self) -> dg.DagsterRun:
        """Return the run."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Evaluates checks for one step of a run.

    Attributes:
        context: of the step.
        stacks: the repository.
        names: of the code location.
        stack: the partition; None for all stacks at once.
        closely: whether every check looks closely, whatever the run asks for.
        began: when it began to read AWS, in seconds since 1970.
        looked: is told of each check that was judged, or left out.
        unasked: why this run could not ask AWS: no check looks, as what the run has seen of AWS is older than that.
    """

    context: Context
    stacks: Stacks
    names: Names
    stack: str | None
    closely: bool = False
    began: float = field(default_factory=time.time)
    looked: Callable[[], None] = lambda: None
    unasked: NotAsked | None = None

    def evaluations(self, checks: Sequence[StackCheck]) -> Iterator[dg.AssetCheckEvaluation]:
        """Evaluate each check; one that breaks hides no other, and is raised behind them.

        A check that need not look closely, and has nothing to say of a glance, is left out: any result would say that
        somebody looked.
        """
        deep = self._deep(checks)
        targets: dict[str, Target | None] = {}
        broken: Exception | None = None
        for check in self._counted(checks):
            closely = check.name in deep
            if check.else_skipped and not closely:
                continue
            try:
                found = self._judge(check, deep=closely)
            except Exception as error:  # noqa: BLE001 - raised below
                broken = broken or error
                continue
            if self.stack is not None and check.stage not in targets:
                asset = self.names.asset(check.stage)
                targets[check.stage] = last_materialization(self.context.instance, asset, self.stack)
            if found.unknown:
                last = self._last(check)
                yield self._event(check, standing(found, last, self.stack), targets.get(check.stage))
            else:
                yield self._event(check, found, targets.get(check.stage), self._looked(closely=closely))
        if broken is not None:
            raise broken

    def looks_closely(self, checks: Sequence[StackCheck]) -> bool:
        """Tell whether one of the checks would look closely."""
        return bool(self._deep(checks))

    def _counted(self, checks: Sequence[StackCheck]) -> Iterator[StackCheck]:
        for check in checks:
            yield check
            self.looked()

    def _last(self, check: StackCheck) -> Evaluated | None:
        return None if self.stack is None else last_evaluation(self.context.instance, self._key(check), self.stack)

    def _key(self, check: StackCheck) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(self.names.asset(check.stage), check.name)

    def _judge(self, check: StackCheck, *, deep: bool) -> Judged:
        if self.stack is None:
            return judge_all(self.stacks, check, deep=deep)
        if self.unasked is not None:
            return judge_unasked(check, self.stack, self.unasked)
        return judge_stack(self.stacks, self.stack, check, deep=deep)

    def _looked(self, *, closely: bool) -> Metadata:
        return {LOOKED: dg.MetadataValue.timestamp(self.began), CLOSELY: dg.MetadataValue.bool(closely)}

    def _event(
        self, check: StackCheck, found: Judged, target: Target | None, looked: Metadata = MappingProxyType({})
    ) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.names.asset(check.stage),
            check_name=check.name,
            passed=found.passed,
            severity=found.severity,
            description=found.description,
            metadata={**found.metadata, **looked},
            target_materialization_data=target,
            blocking=False,
            partition=self.stack,
        )

    def _deep(self, checks: Sequence[StackCheck]) -> set[str]:
        tags = _tags(self.context.run)
        asked = {one.name for one in checks if self.closely or one.tag in tags}
        if self.stack is None:
            return asked
        unasked = [one for one in checks if one.name not in asked]
        last = {self._key(one): self._last(one) for one in unasked}
        again = {one.name for one in unasked if looks_again(one, last[self._key(one)])}
        stages = {self._key(one): [self.names.asset(stage) for stage in one.stages] for one in unasked}
        written = written_since_evaluation(self.context.instance, self.stack, stages, last)
        return asked | again | {key.name for key in written}


def looks_again(check: StackCheck, last: Evaluated | None) -> bool:
    """Tell whether a check has to look closely although nothing was written since.

    What is on record as open stays so until somebody has looked as closely again. What is not on record is looked at
    once, where a glance has nothing to say. No value is read for either unless a check that reads values was red.
    """
    if last is None:
        return bool(check.else_skipped) and not check.left_to_verify
    if last.is_green or (last.was_glance and not check.else_skipped):
        return False
    return last.is_red or not check.left_to_verify


def _tags(run: dg.DagsterRun) -> set[str]:
    """The tags of a run; one that was launched for checks alone ("Execute" in the UI) verifies."""
    alone = bool(run.asset_check_selection) and not run.asset_selection
    return {*run.tags, *((VERIFY_TAG,) if alone else ())}
