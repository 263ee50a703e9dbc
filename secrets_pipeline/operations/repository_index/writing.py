"""Write the index of a repository, with MACs per account and region that has a fingerprint key.

It is written once per reading, and again after hours: where it lies, a lifecycle rule may delete what is a day old.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.service_keys import find_key
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.named_account import asked_as
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.operations.repository_index.observed import Observed, UnrepeatableError, basis
from secrets_pipeline.operations.repository_index.proof import digest_of, macs_of, place_of, store_index
from secrets_pipeline.operations.repository_index.reading import Indexes, index_name
from secrets_pipeline.values.fingerprint import Fingerprinter

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.desired.base import Target
    from secrets_pipeline.operations.repository_cache import Place

_AGAIN_SECONDS: Final = 600.0
"""Seconds until a place without a fingerprint key is looked at again; the first apply there makes the key."""
_LASTING_SECONDS: Final = 6 * 3600.0
"""Seconds until an index is written again."""
_ASKING_SECONDS: Final = 20.0
"""That one call of `write` asks places for their keys; the next call asks the others."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of an account and region; no fingerprinter if it has no key or cannot be reached, and why."""

    at: float
    where: str = ""
    fingerprinter: Fingerprinter | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """The index that was written last, or failed to be: its reading, the places that prove it, and its time."""

    of: OpenRepository
    where: frozenset[str]
    until: float


@dataclass(frozen=True, slots=True)
class Kept:
    """Result of a call of `IndexWriter.write`.

    Attributes:
        proven: number of accounts and regions whose key proves the index that was written; 0 if none was written.
        why: new reasons why runs read all stacks, each a sentence without its full stop.
    """

    proven: int = 0
    why: tuple[str, ...] = ()


class IndexWriter:
    """Writes the indexes of the repositories that a process watches.

    Args:
        clock: seconds; a test's moves faster.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._answers: dict[Target, _Answer] = {}
        self._written: dict[Place, _Written] = {}

    def write(self, indexes: Indexes, place: Place, desired: OpenRepository) -> Kept:
        """Write the index of a reading, if it is not written yet, or long ago, or if another place can prove it now.

        No index is written while files differ from their commit, so that no digest of edited values is stored.

        Args:
            indexes: where it lies.
            place: where the repository is.
            desired: all of it, as it was just read.

        Raises:
            SecretsPipelineError: if S3 refuses.
            OSError: if a disk refuses.
            sqlite3.Error: likewise.
        """
        if place.origin != MANIFESTS or desired.index is not None:
            return Kept()
        with self._lock:
            began, written = self._clock(), self._written.get(place)
            is_new = written is None or written.of is not desired
            is_due = written is None or is_new or began > written.until
            # A tick is short: an account that does not answer is tried again in a later tick.
            proving, why = self._proving(indexes.sessions.derived(config=HASTE), desired, again=is_due)
            if not proving or (written is not None and not is_due and written.where == proving.keys()):
                return Kept(why=why)
            # If the store refuses it, it is tried again after minutes, not in each tick.
            self._written[place] = _Written(desired, frozenset(proving), began + _AGAIN_SECONDS)
            if desired.revision.changes:
                return Kept(why=(*why, "files differ from their commit, so there is no index"))
            try:
                _write(indexes, place, desired, proving)
            except UnrepeatableError:
                return Kept(why=(*why, "values depend on the clock, chance or a command, so there is no index"))
            self._written[place] = _Written(desired, frozenset(proving), began + _LASTING_SECONDS)
            return Kept(len(proving), why)

    def _proving(
        self, sessions: Sessions, desired: OpenRepository, *, again: bool
    ) -> tuple[Mapping[str, Fingerprinter], tuple[str, ...]]:
        """The fingerprinters of the stacks' accounts and regions, and the reasons of those that have none."""
        began, found, why = self._clock(), dict[str, Fingerprinter](), list[str]()
        for target, stack in {spec.target: stack for stack, spec in desired.specs.items()}.items():
            answer = self._answers.get(target)
            is_old = answer is None or began - answer.at > _AGAIN_SECONDS
            is_asked = is_old and (again or answer is None or answer.fingerprinter is None)
            if is_asked and self._clock() - began <= _ASKING_SECONDS:
                alias = desired.settings.fingerprint_key
                answer = self._answers[target] = self._asked(sessions, target, stack, alias, known=answer)
                why += [answer.why] if answer.why else []
            if answer is not None and answer.fingerprinter is not None:
                found[answer.where] = answer.fingerprinter
        return found, tuple(why)

    def _asked(self, sessions: Sessions, target: Target, stack: str, alias: str, *, known: _Answer | None) -> _Answer:
        try:
            account = sessions.for_target(target)
            check_account(account, target, stack=stack)
            kms = account.client("kms")
            key = find_key(kms, alias)
            where = place_of(account.account_id, account.region)
            if key is None:
                return _Answer(self._clock(), why=f"{where} has no fingerprint key before its first apply")
            return _Answer(self._clock(), where, Fingerprinter.derive(kms, key))
        except SecretsPipelineError as error:
            # A key that it had it still has, as far as anybody knows.
            kept = known or _Answer(0.0)
            return replace(kept, at=self._clock(), why=f"{asked_as(target)} in {target.region}: {error.message}")


INDEX_WRITER: Final = IndexWriter()
"""The one of this process."""
WRITING_ERRORS: Final = (SecretsPipelineError, OSError, sqlite3.Error)


def _write(indexes: Indexes, place: Place, desired: OpenRepository, proving: Mapping[str, Fingerprinter]) -> None:
    observed = Observed.by(desired.seen)
    about: Mapping[str, Any] = {
        "complete": desired.has_all_stacks,
        "revision": dataclasses.asdict(desired.revision),
        "observed": observed.as_json,
        "places": {stack: [spec.target.account_id, spec.target.region] for stack, spec in desired.specs.items()},
    }
    made_of = basis(place, desired.settings, observed.answered(desired.seen))
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "database"
        RepositoryIndex.of(
            desired.specs,
            desired.terraform_keys,
            conclusions=desired.conclusions,
            unreadable=desired.errors,
            digests={stack: desired.digest(stack) for stack in desired.specs},
            file=database,
        ).close()
        digest = digest_of(about, database)
        macs = {where: macs_of(fingerprinter, digest, made_of) for where, fingerprinter in proving.items()}
        store_index(indexes.store(desired.settings), index_name(place, desired.settings), about, database, macs)
