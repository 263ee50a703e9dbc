"""Name what stacks were read at: a commit, and what differs from it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.revision.commits import COMMIT_ID, Commit, UnreadableCommitError, head
from secrets_pipeline.operations.revision.differences import differences
from secrets_pipeline.stacks.files.disk import Seen, asked, noted_in, real_path
from secrets_pipeline.stacks.files.readable import git_root

COMMIT_VARIABLE: Final = "SECRETS_PIPELINE_COMMIT"
_DIGITS: Final = 12
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Revision:
    """What stacks were read at. Two readings with the same text read the same.

    Attributes:
        commit: id of the commit of the Atmos repository; empty where nobody can tell.
        changes: digest of the files that were read otherwise than the commit has them; empty for none.
        unknown: why there is no commit.
        files: the first of those files.
    """

    commit: str = ""
    changes: str = ""
    unknown: str = field(
        default=f"the Atmos repository is no clone of git, and {COMMIT_VARIABLE} names no commit", compare=False
    )
    files: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.commit}+{self.changes}" if self.changes else self.commit

    @property
    def is_committed(self) -> bool:
        """Whether a commit has all that was read, as it was read."""
        return bool(self.commit) and not self.changes


def commit_id(text: str, named_by: str) -> str:
    """Check that a text is the whole id of a commit; an empty one is none.

    Raises:
        SpecError: if it is anything else.
    """
    if text and not COMMIT_ID.fullmatch(text):
        raise SpecError(f"{named_by} is no commit: {text!r}", remedy="Give the whole id: git rev-parse HEAD.")
    return text


def clone_of(base_path: Path) -> Path | None:
    """Find the folder, without links, of the clone that a base path is in; None where it is in none."""
    return git_root(Path(real_path(base_path.absolute())))


def revision_of(seen: Seen, base_path: Path, named: str) -> Revision:
    """Find what a reading was of: a clone says it itself; where there is none, as in an image, the operator does.

    Args:
        seen: by the reading; which commit is checked out becomes part of it.
        base_path: of the Atmos repository.
        named: the commit that he names, by the environment or the component; empty for none.

    Raises:
        SpecError: if that is no commit.
    """
    with noted_in(seen):
        top = clone_of(base_path)
        commit, unknown = asked(head, str(top)) if top is not None else ("", "")
    if top is None:
        return Revision(commit_id(named, COMMIT_VARIABLE))
    if not commit:
        return Revision(unknown=f"the clone at {top}: {unknown}")
    try:
        with Commit(str(top), commit) as one:
            found = differences(seen, one, str(top))
    except UnreadableCommitError as error:
        return Revision(unknown=f"commit {commit} of {top}: {error}")
    if not found:
        return Revision(commit)
    text = json.dumps(sorted((os.fsencode(path).hex(), said) for path, said in found.items()))
    names = sorted(path.encode(errors="replace").decode() for path in found)
    shown = (*names[:_SHOWN], *([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []))
    return Revision(commit, hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], files=shown)
