"""Have a run read the stacks at the commit that it was decided at, or refuse what cannot be had any more."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import dagster as dg

from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.operations.repository_cache import REPOSITORIES, Place
from secrets_pipeline.operations.repository_index.proof import UnusableIndexError
from secrets_pipeline.operations.repository_index.reading import Indexes
from secrets_pipeline.operations.repository_index.writing import INDEX_WRITER, Kept
from secrets_pipeline.operations.revision.checkouts import CheckoutError, Checkouts
from secrets_pipeline.operations.revision.model import Revision, clone_of, commit_id
from secrets_pipeline.orchestration.shared.lease_mark import Mark
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import COMMIT_TAG, EVENTS_TAG, SECRETS_TAG, commit_tags
from secrets_pipeline.stacks.files.disk import real_path
from secrets_pipeline.stacks.files.readable import relative

_CAUSE_TAGS: Final = frozenset({EVENTS_TAG, SECRETS_TAG})
_PINNED: Final = "`commit` of the component"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a process of a deployment reads the stacks.

    Attributes:
        place: the repository and the operator's settings.
        checkouts: where the commits are kept that runs are decided by.
        pinned: the commit that the component names; empty for what is there.
        indexes: where a run looks up what other stacks declare; None has each run read all stacks.
    """

    place: Place
    checkouts: Checkouts
    pinned: str = ""
    indexes: Indexes | None = None

    def now(self) -> OpenRepository:
        """Read what is there now, and keep its commit for the runs that are decided by it.

        Nothing is read again that has not changed. What no commit has, as somebody edits it, is not kept: a run
        compares.

        Raises:
            GuardError: if the component names a commit that cannot be had.
            SecretsPipelineError: if it cannot be read.
        """
        place = self.place_now()
        found = REPOSITORIES.open(place)
        if place == self.place:
            self._keep(found)
        return found

    def place_now(self) -> Place:
        """Return where what is there now is read: the repository itself, or the commit that the component names.

        Raises:
            GuardError: if that commit cannot be had.
        """
        top, pinned = clone_of(self.place.base_path), commit_id(self.pinned, _PINNED)
        if top is None:
            return replace(self.place, commit=pinned)
        if not pinned:
            return self.place
        try:
            return self._place_in(top, self.checkouts.keep(top, pinned))
        except CheckoutError as error:
            raise GuardError(f"{_PINNED} cannot be read: {error}", remedy="Fetch it, or name another.") from None

    def keep_index(self, found: OpenRepository) -> Kept:
        """Write the index of what `now` read, for the runs that are decided by it; see `IndexWriter.write`."""
        return INDEX_WRITER.write(self.indexes, self.place_now(), found) if self.indexes is not None else Kept()

    def of_run(self, run: dg.DagsterRun, instance: dg.DagsterInstance) -> OpenRepository:
        """Read what a run was decided at; one of the UI, that nobody decided for, is tagged with what is there.

        Of what is there, a run of one stack reads that stack, if an index says what the others declare. Another commit
        is read if it was there when the run was made: then somebody pulled in between. A run that is executed again
        was made later, so none brings back what was replaced.

        Raises:
            GuardError: if it is not there, or was replaced and a later run did the same.
            SecretsPipelineError: if it cannot be read.
        """
        decided, found = run.tags.get(COMMIT_TAG, ""), self._alone(run)
        if found is None or decided not in ("", str(found.revision)):
            found = self.now()
        if not decided:
            instance.add_run_tags(run.run_id, dict(commit_tags(found)))
        if decided in ("", str(found.revision)):
            return replace(found, kept=self._keep(found))
        top, record = clone_of(self.place.base_path), instance.get_run_record_by_id(run.run_id)
        if record is not None and top is not None:
            kept = self.checkouts.current_at(decided, record.create_timestamp.timestamp())
            if kept is not None:
                earlier = self._opened(top, kept)
                if str(earlier.revision) == decided and _overtaking(record, instance) is None:
                    return earlier
        raise GuardError(_refusal(decided, found.revision), remedy=_remedy(run))

    def _alone(self, run: dg.DagsterRun) -> OpenRepository | None:
        """The repository with the one stack of a run; None if all stacks have to be read."""
        stack = run.tags.get(PARTITION_TAG)
        if self.indexes is None or stack is None:
            return None
        try:
            return self.indexes.open(self.place_now(), stack)
        except UnusableIndexError as error:
            dg.get_dagster_logger().info("all stacks are read, as the index of the repository is not used: %s", error)
            return None

    def _keep(self, found: OpenRepository) -> Path | None:
        """The repository in the checkout of what was read; None where it is none, or cannot be kept."""
        top = clone_of(self.place.base_path)
        if top is not None and not found.revision.commit:
            dg.get_dagster_logger().warning("no run is held to a commit: %s", found.revision.unknown)
        if top is None or self.place.origin != MANIFESTS or not found.revision.is_committed:
            return None
        try:
            return self._in(self.checkouts.keep(top, found.revision.commit), top)
        except CheckoutError as error:
            dg.get_dagster_logger().warning("a run that is decided now cannot be done after a pull: %s", error)
            return None

    def _opened(self, top: Path, kept: Path) -> OpenRepository:
        return REPOSITORIES.open(self._place_in(top, kept))

    def _place_in(self, top: Path, kept: Path) -> Place:
        return replace(self.place, base_path=self._in(kept, top), called=self.place.base_path)

    def _in(self, kept: Path, top: Path) -> Path:
        return kept / relative(real_path(self.place.base_path.absolute()), str(top))


def refuse_overtaken(run: dg.DagsterRun, instance: dg.DagsterInstance) -> None:
    """Refuse to go on with a commit that was replaced while the run waited for the lease that it holds now.

    Raises:
        GuardError: if a run that was made later has had the lease, at another commit.
    """
    record = instance.get_run_record_by_id(run.run_id)
    if record is not None and (later := _overtaking(record, instance)) is not None:
        raise GuardError(
            f"this run was decided at commit {_commit_of(record.dagster_run)} of the Atmos repository, and run "
            f"{later.run_id}, which was made later, has had the stack since, at "
            f"{_commit_of(later) or 'one that nobody can tell'}: nothing more is done",
            remedy=_remedy(run),
        )


def _overtaking(record: dg.RunRecord, instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """Find a run that was made later, at another commit, and did the same for the stack since, or had its lease.

    What a run does because of something that happened, no run without that cause has done.
    """
    run = record.dagster_run
    if not _commit_of(run) or not _CAUSE_TAGS.isdisjoint(run.tags):
        return None
    own = Mark.of(run)

    def has_overtaken(later: dg.DagsterRun) -> bool:
        mark = Mark.of(later)
        had_lease = own is not None and mark is not None and mark.address == own.address
        did_the_same = later.job_name == run.job_name and later.status is dg.DagsterRunStatus.SUCCESS
        return _commit_of(later) != _commit_of(run) and (had_lease or did_the_same)

    partition = {tag: value for tag, value in run.tags.items() if tag == PARTITION_TAG}
    since = dg.RunsFilter(tags=partition, created_after=record.create_timestamp)
    return next(filter(has_overtaken, instance.get_runs(since)), None)


def _commit_of(run: dg.DagsterRun) -> str:
    return run.tags.get(COMMIT_TAG, "")


def _refusal(decided: str, now: Revision) -> str:
    there = f"what is there now is {now}" if now.commit else f"nobody can tell what is there now: {now.unknown}"
    return f"this run was decided at commit {decided} of the Atmos repository, and {there}: nothing was done"


def _remedy(run: dg.DagsterRun) -> str:
    stack = run.tags.get(PARTITION_TAG, "STACK")
    new = f"Launch a new run, which reads what is there: Materialize in the UI, or `secrets-pipeline apply -s {stack}`."
    if run.parent_run_id:
        return f"Re-executing a run does the same again, at its own commit. {new}"
    return f"{new} To have it applied as it was decided, check out that commit where the deployment reads it."
