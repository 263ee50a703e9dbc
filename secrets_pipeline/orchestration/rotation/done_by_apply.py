"""Tell whether the runs of a stack that did everything have already done what an event asks for.

A first apply makes databases and writes passwords twice, and AWS tells of all that when the apply is over, or when the
next one is. States are compared, as clocks differ: an event is done with where AWS still has what those runs followed
or wrote. What anybody else did has a run of its own, and so has what a run left that failed, was killed or skipped
something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.verdict import Concern
from secrets_pipeline.orchestration.pages.metadata import Metadata, data_of
from secrets_pipeline.orchestration.provisioning.assets import FOLLOWED, REPLACED, texts
from secrets_pipeline.orchestration.provisioning.options import STACK_REPORT
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING
from secrets_pipeline.orchestration.shared.names import ACCESS_MATRIX, Names, stage_of
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from secrets_pipeline.rotation.events.names import DATABASE_CREATED

Databases = Callable[[Hint, str], Mapping[str, str] | None]

_LOOKED_BACK = 10
"""As many runs of a stack are looked at; an event that waited for more of them is followed."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What a run that did everything has followed.

    Attributes:
        databases: identifier → identity.
        replaced: version that was ours → the one that it wrote over it.
    """

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
        self._reports: dict[str, Sequence[dg.EventLogRecord]] = {}
        self._runs: dict[str, Followed | None] = {}

    def __call__(self, hint: Hint, concern: Concern) -> bool:
        """Whether no run has to follow an event of a stack."""
        if hint.kind is HintKind.ROTATED and hint.version and concern.version:
            written = hint.version
            # A run that ended before it knew nothing of it: that version was made current again since.
            for run in self._ended_since(hint.at.timestamp(), concern.stack):
                written = run.replaced.get(written, written)
            return written == concern.version != hint.version
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
        return next((self._followed(report) for report in self._newest(stack)), None)

    def _ended_since(self, at: float, stack: str) -> Iterator[Followed]:
        """Give the runs that did everything, the oldest first."""
        since = (report for report in reversed(self._newest(stack)) if at <= report.timestamp)
        return (run for run in map(self._followed, since) if run)

    def _newest(self, stack: str) -> Sequence[dg.EventLogRecord]:
        if stack not in self._reports:
            wanted = dg.AssetRecordsFilter(asset_key=self._names.asset(STACK_REPORT), asset_partitions=[stack])
            self._reports[stack] = self._instance.fetch_materializations(wanted, limit=_LOOKED_BACK).records
        return self._reports[stack]

    def _followed(self, report: dg.EventLogRecord) -> Followed | None:
        if report.run_id not in self._runs:
            self._runs[report.run_id] = self._read(report.run_id)
        return self._runs[report.run_id]

    def _read(self, run_id: str) -> Followed | None:
        """What a run followed whose report says that nothing failed; None if anything of it was not done."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.status is not dg.DagsterRunStatus.SUCCESS:
            return None
        records = self._instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        told = {
            stage_of(one.asset_key): one.asset_materialization.metadata
            for one in records.records
            if one.asset_key and one.asset_materialization
        }
        # Who can read is looked at where something was written, and has no outcomes.
        if any(stage not in told or not _is_whole(told[stage]) for stage in FOLLOWING if stage != ACCESS_MATRIX):
            return None
        databases, replaced = texts(told["rds_endpoints"], FOLLOWED), texts(told["connection_secrets"], REPLACED)
        return Followed(databases, replaced)


def _is_whole(metadata: Metadata) -> bool:
    """Whether a stage left nothing open."""
    data = data_of(metadata)
    return all(data.get(name) == 0 for name in ("skipped", "failed"))
