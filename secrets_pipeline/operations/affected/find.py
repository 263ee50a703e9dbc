"""Read a repository at another commit of its clone, to compare it with what is there now."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from secrets_pipeline.desired.settings.operator import OperatorSettings, load_settings
from secrets_pipeline.errors import SecretsPipelineError, StackError
from secrets_pipeline.operations.affected.compare import compare
from secrets_pipeline.operations.affected.model import Affected
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, OpenRepository, open_repository
from secrets_pipeline.operations.revision.checkouts import CheckoutError, Checkouts
from secrets_pipeline.operations.revision.commits import UnreadableCommitError, merge_base
from secrets_pipeline.operations.revision.model import clone_of
from secrets_pipeline.stacks.files.disk import real_path
from secrets_pipeline.stacks.files.readable import relative, tracks, within


def find_affected(now: OpenRepository, named: str, *, allow_exec: bool = False) -> Affected:
    """Find the stacks that differ from those at the merge base of what is checked out and a commit.

    What nobody committed yet counts as it is on disk. No git is run, and nothing is fetched; the commit is written to a
    temporary folder, which is removed.

    Args:
        now: the repository, read.
        named: the commit, branch or tag.
        allow_exec: whether `!exec` runs commands, those of that commit included.

    Raises:
        StackError: if the repository is no clone, or its clone has no such commit.
    """
    top = clone_of(now.base_path)
    if top is None:
        raise StackError(
            f"{now.base_path} is in no clone of git, so nobody knows what it was",
            remedy="Run it in a clone, or leave --affected away.",
        )
    try:
        base = merge_base(str(top), named)
        with tempfile.TemporaryDirectory(prefix="secrets-pipeline-") as folder:
            kept = Checkouts(Path(folder)).keep(top, base)
            found = _compared(now, top, kept, allow_exec=allow_exec)
    except (UnreadableCommitError, CheckoutError) as error:
        raise StackError(
            f"the base {named} cannot be compared with: {error}",
            remedy="Name a commit, branch or tag that was fetched with --base, or leave --affected away.",
        ) from None
    return replace(found, base=base, named=named)


def _compared(now: OpenRepository, top: Path, kept: Path, *, allow_exec: bool) -> Affected:
    base_path = kept / relative(real_path(now.base_path), str(top))
    try:
        settings = _settings(now.settings, top, kept)
        before = open_repository(base_path, allow_exec=allow_exec, settings=settings, called=now.base_path)
        return compare(now, before)
    except SecretsPipelineError as error:
        return replace(compare(now, None), unreadable=(error.diagnostics(),))


def _settings(now: OperatorSettings, top: Path, kept: Path) -> OperatorSettings:
    """The operator's settings at the commit, where they are a file of the clone; else they are not its to say."""
    named = os.environ.get(CONFIG_VARIABLE)
    file = real_path(Path(named).absolute()) if named else ""
    if not within(file, str(top)):
        return now
    name = relative(file, str(top))
    if (kept / name).exists():
        return load_settings(kept / name)
    # One that git does not track is not the commit's to say either.
    return load_settings(None) if tracks((str(top), name)) is True else now
