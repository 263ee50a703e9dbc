"""Check folders that we keep below the current one, which may be a repository of others: `.dagster` and `.local-aws`.

Whoever can merge into that repository can have git make a folder of that name, or files and links in one that is there.
Settings in it would be obeyed, and links followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from secrets_pipeline.stacks.files.git_index import GitIndexError, is_tracked
from secrets_pipeline.stacks.files.readable import git_root

_OF_OTHERS = 0o077


def keep_from_git(folder: Path) -> None:
    """Have git ignore a folder of ours that lies in whatever repository the command was called in.

    Source: https://git-scm.com/docs/gitignore (a pattern is relative to its file; `*` matches that, too)
    """
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("# Made by secrets-pipeline.\n*\n")


def why_not_own(folder: Path, *, scratch: Collection[str] = ()) -> tuple[str, str] | None:
    """Say why a folder is not taken for one that we made, and what to do; None if it is, or if there is none.

    Ours has mode 0700 and our user, without a link and without a file that git tracks.

    Args:
        folder: may be a link, which is not followed.
        scratch: folders in it that are not looked through: what is in them is made anew before it is used, or taken by
            a `.git` of its own alone, which git brings into no repository.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    away = "The repository may have brought it: look at it, and move it away"
    if not stat.S_ISDIR(found.st_mode):
        return ("it is a link" if stat.S_ISLNK(found.st_mode) else "it is no folder"), away
    if found.st_uid != os.geteuid():
        return "it belongs to another user", away
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OF_OTHERS:
        # So git makes folders, as far as the umask lets it.
        return (
            f"its mode is {mode:o}, and this program makes it 700",
            f"If an older version made it for you, chmod 700 {folder}; else the repository brought it: move it away",
        )
    try:
        problem = next(_problems(folder.resolve(), scratch), None)
    except GitIndexError as error:
        problem = str(error)
    return None if problem is None else (problem, away)


def _problems(folder: Path, scratch: Collection[str]) -> Iterator[str]:
    top = git_root(folder.parent)
    for path, folders, files in os.walk(folder):
        if ".git" in (*folders, *files):
            yield f"{Path(path, '.git').relative_to(folder)} in it is a git repository's"
        for one in (Path(path) / name for name in (*folders, *files)):
            if one.is_symlink():
                yield f"{one.relative_to(folder)} in it is a link"
            if top is not None and is_tracked(str(top), str(one.relative_to(top))):
                yield f"git tracks {one.relative_to(folder)} in it"
        folders[:] = [name for name in folders if path != str(folder) or name not in scratch]
