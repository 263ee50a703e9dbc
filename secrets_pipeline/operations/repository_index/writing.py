"""Write the index of a repository once per reading, with a MAC per account and region that has a fingerprint key."""

from __future__ import annotations

import dataclasses
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.service_keys import find_key
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.open_repository import MANIFESTS, OpenRepository
from secrets_pipeline.operations.repository_index.observed import Observed, UnrepeatableError, basis
from secrets_pipeline.operations.repository_index.proof import digest_of, mac_of, place_of, store_index
from secrets_pipeline.operations.repository_index.reading import Indexes, index_name
from secrets_pipeline.values.fingerprint import Fingerprinter

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.desired.base import Target
    from secrets_pipeline.operations.repository_cache import Place

_AGAIN_SECONDS: Final = 600.0
"""Seconds until a place without a fingerprint key is looked at again; the first apply there makes the key."""
_ASKING_SECONDS: Final = 20.0
"""That one call of `write` asks places for their keys; the next call asks the others."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of an account and region; no fingerprinter if it has no key or cannot be reached."""

    at: float
    where: str = ""
    fingerprinter: Fingerprinter | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """The index that was written last: its reading, and the places that can prove it."""

    of: OpenRepository
    where: frozenset[str]


class IndexWriter:
    """Writes the indexes of the repositories that a process watches.

    Args:
        clock: seconds; a test's moves faster.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._answers: dict[Target, _Answer] = {}
        self._written: dict[str, _Written] = {}

    def write(self, indexes: Indexes, place: Place, desired: OpenRepository) -> int:
        """Write the index of a reading, if it is not written yet, or if another place can prove it now.

        Args:
            indexes: where it lies.
            place: where the repository is.
            desired: all of it, as it was just read.

        Returns:
            In how many accounts and regions what was just written is proven; 0 if nothing was written.

        Raises:
            SecretsPipelineError: if S3 refuses.
            OSError: if a disk refuses.
            sqlite3.Error: likewise.
        """
        if place.origin != MANIFESTS or desired.index is not None:
            return 0
        with self._lock:
            name, written = index_name(place), self._written.get(index_name(place))
            is_new = written is None or written.of is not desired
            # A tick is short: an account that does not answer is tried again in a later tick.
            proving = self._proving(indexes.sessions.derived(config=HASTE), desired, again=is_new)
            if not proving or (written is not None and not is_new and written.where == proving.keys()):
                return 0
            try:
                _write(indexes, place, name, desired, proving)
            except UnrepeatableError:
                return 0
            self._written[name] = _Written(desired, frozenset(proving))
            return len(proving)

    def _proving(self, sessions: Sessions, desired: OpenRepository, *, again: bool) -> Mapping[str, Fingerprinter]:
        """The fingerprinters of the places in which stacks live, by place, as far as they answered."""
        began, found = self._clock(), dict[str, Fingerprinter]()
        for target, stack in {spec.target: stack for stack, spec in desired.specs.items()}.items():
            answer = self._answers.get(target)
            is_old = answer is None or began - answer.at > _AGAIN_SECONDS
            if is_old and (again or answer is None or answer.fingerprinter is None):
                if self._clock() - began > _ASKING_SECONDS:
                    continue
                answer = self._answers[target] = self._asked(sessions, target, stack, desired.settings.fingerprint_key)
            if answer is not None and answer.fingerprinter is not None:
                found[answer.where] = answer.fingerprinter
        return found

    def _asked(self, sessions: Sessions, target: Target, stack: str, alias: str) -> _Answer:
        try:
            account = sessions.for_target(target)
            check_account(account, target, stack=stack)
            kms = account.client("kms")
            key = find_key(kms, alias)
            where = place_of(account.account_id, account.region)
            return _Answer(self._clock(), where, Fingerprinter.derive(kms, key) if key else None)
        except SecretsPipelineError:
            # Its runs say why; they read all stacks.
            return _Answer(self._clock())


INDEX_WRITER: Final = IndexWriter()
"""The one of this process."""
WRITING_ERRORS: Final = (SecretsPipelineError, OSError, sqlite3.Error)


def _write(
    indexes: Indexes, place: Place, name: str, desired: OpenRepository, proving: Mapping[str, Fingerprinter]
) -> None:
    observed = Observed.by(desired.seen)
    about: Mapping[str, Any] = {
        "complete": not desired.errors,
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
        macs = {where: mac_of(fingerprinter, digest, made_of).decode() for where, fingerprinter in proving.items()}
        store_index(indexes.store(desired.settings), name, about, database, macs)
