"""Evaluate checks in a run, whatever step does it: closely where the run asks for it or something was written since."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from secrets_pipeline.orchestration.verification.history import (
    LOOKED,
    Target,
    last_materialization,
    written_since_evaluation,
)
from secrets_pipeline.orchestration.verification.stack_check import (
    Judged,
    StackCheck,
    judge_all,
    judge_stack,
)


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
    """

    context: Context
    stacks: Stacks
    names: Names
    stack: str | None
    closely: bool = False
    began: float = field(default_factory=time.time)

    def evaluations(self, checks: Sequence[StackCheck]) -> Iterator[dg.AssetCheckEvaluation]:
        """Evaluate each check; one that breaks hides no other, and is raised behind them.

        A check that need not look closely, and has nothing to say of a glance, is left out: any result would say that
        somebody looked.
        """
        deep = self._deep(checks)
        targets: dict[str, Target | None] = {}
        broken: Exception | None = None
        for check in checks:
            closely = check.name in deep and self._wanted(check)
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
            yield self._event(check, found, targets.get(check.stage))
        if broken is not None:
            raise broken

    def _wanted(self, check: StackCheck) -> bool:
        try:
            return check.wanted(self.stacks.settings)
        except SecretsPipelineError:
            # What is wrong with the settings is every other check's finding.
            return False

    def _judge(self, check: StackCheck, *, deep: bool) -> Judged:
        if self.stack is None:
            return judge_all(self.stacks, check, deep=deep)
        return judge_stack(self.stacks, self.stack, check, deep=deep)

    def _event(self, check: StackCheck, found: Judged, target: Target | None) -> dg.AssetCheckEvaluation:
        return dg.AssetCheckEvaluation(
            asset_key=self.names.asset(check.stage),
            check_name=check.name,
            passed=found.passed,
            severity=found.severity,
            description=found.description,
            metadata={**found.metadata, LOOKED: dg.MetadataValue.timestamp(self.began)},
            target_materialization_data=target,
            blocking=False,
            partition=self.stack,
        )

    def _deep(self, checks: Sequence[StackCheck]) -> set[str]:
        tags = _tags(self.context.run)
        asked = {one.name for one in checks if self.closely or one.tag in tags}
        if self.stack is None:
            return asked
        unasked = {
            dg.AssetCheckKey(self.names.asset(one.stage), one.name): [self.names.asset(stage) for stage in one.stages]
            for one in checks
            if one.name not in asked
        }
        return asked | {key.name for key in written_since_evaluation(self.context.instance, self.stack, unasked)}


def _tags(run: dg.DagsterRun) -> set[str]:
    """The tags of a run; one that was launched for checks alone ("Execute" in the UI) verifies."""
    alone = bool(run.asset_check_selection) and not run.asset_selection
    return {*run.tags, *((VERIFY_TAG,) if alone else ())}
