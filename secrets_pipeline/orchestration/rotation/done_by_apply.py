"""Tell whether the last run of a stack that did everything has already done what an event asks for.

A first apply makes databases and writes passwords twice, and AWS tells of all that when the apply is over. States are
compared, as clocks differ: an event is done with where AWS still has what that run followed or wrote. What anybody
else did has a run of its own, and so has what a run left that failed, was killed or skipped something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.verdict import Concern
from secrets_pipeline.orchestration.provisioning.assets import FOLLOWED, REPLACED, Metadata, texts
from secrets_pipeline.orchestration.provisioning.report import STACK_REPORT
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING
from secrets_pipeline.orchestration.shared.names import Names, stage_of
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.names import DATABASE_CREATED

Databases = Callable[[Hint, str], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class Followed:
    """What a run that did everything has followed.

    Attributes:
        at: when it ended, in seconds since 1970.
        databases: identifier → identity.
        replaced: version that was ours → the one that it wrote over it.
    """

    at: float
    databases: Mapping[str, str]
    replaced: Mapping[str, str]


class DoneByApply:
    """Answers for the events of one tick.

    Args:
        instance: knows the runs.
        names: of the code location.
        databases: says which databases an event's stack has now; it asks AWS.
    """

    def __init__(self, instance: dg.DagsterInstance, names: Names, databases: Databases) -> None:
        self._instance = instance
        self._names = names
        self._databases = databases
        self._known: dict[str, Followed | None] = {}

    def __call__(self, hint: Hint, concern: Concern) -> bool:
        """Whether no run has to follow an event of a stack."""
        if hint.kind is HintKind.ROTATED and hint.version and concern.version:
            last = self._last(concern.stack)
            if last is None or last.replaced.get(hint.version) != concern.version:
                return False
            # Later it is a version that somebody made current again.
            return hint.at.timestamp() <= last.at
        if hint.kind is HintKind.DATABASE and hint.name in DATABASE_CREATED:
            last, made = self._last(concern.stack), (hint.resource or "").rpartition(":")[2]
            # The identity of a cluster says nothing of its members.
            if last is None or made not in last.databases:
                return False
            return self._serving(hint, concern.stack) == last.databases
        return False

    def _serving(self, hint: Hint, stack: str) -> Mapping[str, str] | None:
        try:
            return self._databases(hint, stack)
        except SecretsPipelineError:
            # What cannot be compared is followed.
            return None

    def _last(self, stack: str) -> Followed | None:
        if stack not in self._known:
            self._known[stack] = self._read(stack)
        return self._known[stack]

    def _read(self, stack: str) -> Followed | None:
        """What the last run followed whose report says that nothing failed; None if anything of it was not done."""
        wanted = dg.AssetRecordsFilter(asset_key=self._names.asset(STACK_REPORT), asset_partitions=[stack])
        report = next(iter(self._instance.fetch_materializations(wanted, limit=1).records), None)
        run = self._instance.get_run_by_id(report.run_id) if report else None
        if report is None or run is None or run.status is not dg.DagsterRunStatus.SUCCESS:
            return None
        records = self._instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        told = {
            stage_of(one.asset_key): one.asset_materialization.metadata
            for one in records.records
            if one.asset_key and one.asset_materialization
        }
        if any(stage not in told or not _is_whole(told[stage]) for stage in FOLLOWING):
            return None
        databases, replaced = texts(told["rds_endpoints"], FOLLOWED), texts(told["connection_secrets"], REPLACED)
        return Followed(report.timestamp, databases, replaced)


def _is_whole(metadata: Metadata) -> bool:
    """Whether a stage left nothing open."""
    return all(name in metadata and metadata[name].value == 0 for name in ("skipped", "failed"))
