"""Read the commits of a clone with dulwich: no git is run, and nothing of the clone's configuration, hooks or filters.

Source: https://www.dulwich.io/docs/tutorial/object-store.html
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, Self, cast

from secrets_pipeline.stacks.files.disk import digest_of
from secrets_pipeline.stacks.files.git_index import GitIndexError, refuse_clone

if TYPE_CHECKING:
    from dulwich.object_store import DiskObjectStore
    from dulwich.objects import ObjectID, Tree
    from dulwich.repo import Repo

_SUBMODULE: Final = 0o160000
_DEEPEST, _MOST_ENTRIES = 100, 1_000_000
"""Folders within each other, and files and folders in all: few objects of git can name each other more often."""
_NO_NAMES: Final = frozenset({b"", b".", b"..", b".git"})
_INCOMPLETE: Final = (
    "the clone cannot be read: it lacks objects. Fetch the commit; if it is a partial clone, clone without --filter"
)
_SHALLOW: Final = (
    ", and it is a shallow clone: fetch the whole history (fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 in GitLab, "
    "git fetch --unshallow)"
)

_ANCESTOR: Final = re.compile(r"[~^][0-9]*$")
"""At the end of the name of a commit's ancestor, as `HEAD~2` and `main^` are: https://git-scm.com/docs/gitrevisions"""
COMMIT_ID: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
"""The whole id of a commit."""


class UnreadableCommitError(Exception):
    """A commit cannot be read from a clone. The text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or folder of a commit.

    Attributes:
        id: as git has it.
        mode: likewise.
        content: of a file, or where a link leads to; nothing of a folder.
    """

    id: str
    mode: int
    content: bytes = b""

    @property
    def is_folder(self) -> bool:
        """Whether it is one."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def digest(self) -> str:
        """Of a file, as `disk.Content` has it."""
        return digest_of(self.content) if stat.S_ISREG(self.mode) else ""


def head(top: str) -> tuple[str, str]:
    """The commit that is checked out in a work tree, and, where there is none yet or it cannot be told, why instead."""
    from dulwich.repo import Repo  # noqa: PLC0415 - 50 ms, where there is a clone

    try:
        with _translated(), Repo(top) as repo:
            try:
                return repo.head().decode("ascii"), ""
            except KeyError:
                return "", "no commit is checked out"
    except UnreadableCommitError as error:
        return "", str(error)


def merge_base(top: str, name: str) -> str:
    """Find the best common ancestor of what is checked out and another commit, as `git merge-base` does.

    Args:
        top: absolute folder with a `.git`.
        name: the other commit: its id, whole or the first digits, a tag, a branch, or one of `origin`; or an ancestor
            of such a one, as `HEAD~2`.

    Raises:
        UnreadableCommitError: if there is no such commit in the clone, or no such ancestor.

    Source: https://git-scm.com/docs/git-merge-base
    """
    from dulwich.graph import find_merge_base  # noqa: PLC0415 - 50 ms, where there is a clone
    from dulwich.repo import Repo  # noqa: PLC0415 - the same

    with _translated(), Repo(top) as repo:
        advice = _SHALLOW if repo.get_shallow() else ""
        other = _named(repo, name)
        if other is None:
            raise UnreadableCommitError(f"the clone has no commit, branch or tag of that name{advice}")
        found = find_merge_base(repo, [repo.head(), other])
        if not found:
            raise UnreadableCommitError(f"it and what is checked out have no common ancestor in the clone{advice}")
        return found[0].decode("ascii")


def _named(repo: Repo, name: str) -> ObjectID | None:
    from dulwich.objects import Commit as GitCommit  # noqa: PLC0415 - 50 ms, where there is a clone
    from dulwich.objects import Tag  # noqa: PLC0415 - the same
    from dulwich.objectspec import parse_commit, parse_object  # noqa: PLC0415 - the same

    # A clone of CI has the branches of `origin` only.
    for one in (name, f"refs/remotes/origin/{name}"):
        with suppress(KeyError, ValueError):
            # The one knows ids by their first digits, the other knows ancestors.
            found = parse_object(repo, one) if _ANCESTOR.search(one) else parse_commit(repo, one)
            if isinstance(found, GitCommit | Tag):
                return parse_commit(repo, found).id
    return None


class Commit:
    """The files of one commit of a clone, those of its submodules included.

    Args:
        top: absolute folder with a `.git`.
        id: of the commit.

    Raises:
        UnreadableCommitError: if it is not there, here and in each method.
    """

    def __init__(self, top: str, id: str) -> None:  # noqa: A002 - git's word
        self.id = id
        self.stores: dict[str, DiskObjectStore] = {}
        """Of the objects that were opened: the clone's own, under an empty path, and those of submodules."""
        self._top = top
        self._opened = ExitStack()
        self._trees: dict[ObjectID, tuple[DiskObjectStore, Mapping[bytes, tuple[int, ObjectID]]]] = {}
        with _translated():
            store = self._open("")
            self._root = store, _tree_of(store, id.encode("ascii"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # A read that a signal interrupted holds a part of a pack, and what ended it is to go on.
        with suppress(BufferError):
            self._opened.close()

    def find(self, name: str) -> Entry | None:
        """Find what the commit has at a path below the clone's top; None where it has nothing."""
        with _translated():
            place = self._place(os.fsencode(name))
            if place is None:
                return None
            mode, store, sha = place
            return _entry(mode, store, sha)

    def kinds(self, folder: str) -> Mapping[str, int]:
        """List the modes of what the commit has in a folder, by name; nothing where there is no such folder."""
        with _translated():
            place = self._place(os.fsencode(folder)) if folder else (stat.S_IFDIR, *self._root)
            if place is None or not stat.S_ISDIR(place[0]):
                return {}
            return {os.fsdecode(name): mode for name, (mode, _) in self._entries(*place[1:]).items()}

    def files(self) -> Iterator[tuple[str, Entry]]:
        """Walk every file and link, each with its path below the top; a submodule that nobody fetched is left out."""
        yield from self._below(b"", *self._root, _DEEPEST, count(1))

    def _below(
        self, prefix: bytes, store: DiskObjectStore, tree: ObjectID, left: int, walked: Iterator[int]
    ) -> Iterator[tuple[str, Entry]]:
        if not left:
            raise UnreadableCommitError(f"it has more than {_DEEPEST} folders within each other")
        with _translated():
            entries = self._entries(store, tree)
        for name, (mode, sha) in entries.items():
            path = prefix + name
            if next(walked) > _MOST_ENTRIES:
                raise UnreadableCommitError(f"it has more than {_MOST_ENTRIES:,} files and folders")
            if mode == _SUBMODULE:
                with _translated():
                    inner = self._submodule(path, sha)
                if inner is not None:
                    yield from self._below(path + b"/", *inner, left - 1, walked)
            elif stat.S_ISDIR(mode):
                yield from self._below(path + b"/", store, sha, left - 1, walked)
            else:
                with _translated():
                    entry = _entry(mode, store, sha)
                yield os.fsdecode(path), entry

    def _place(self, path: bytes) -> tuple[int, DiskObjectStore, ObjectID] | None:
        (store, sha), mode, parts = self._root, stat.S_IFDIR, path.split(b"/")
        for at, part in enumerate(parts, 1):
            if not stat.S_ISDIR(mode):
                return None
            found = self._entries(store, sha).get(part)
            if found is None:
                return None
            mode, sha = found
            if mode == _SUBMODULE:
                inner = self._submodule(b"/".join(parts[:at]), sha)
                if inner is None:
                    return None
                (store, sha), mode = inner, stat.S_IFDIR
        return mode, store, sha

    def _entries(self, store: DiskObjectStore, tree: ObjectID) -> Mapping[bytes, tuple[int, ObjectID]]:
        if tree not in self._trees:
            found = cast("Tree", store[tree])  # its entries are asked for, or it fails
            entries = {entry.path: (entry.mode, entry.sha) for entry in found.iteritems()}
            # As git refuses them; one with `/` would be written where another entry leads.
            for name in entries:
                if name.lower() in _NO_NAMES or b"/" in name:
                    raise UnreadableCommitError(f"it has a file of the name {os.fsdecode(name)!r}")
            self._trees[tree] = store, entries
        return self._trees[tree][1]

    def _submodule(self, path: bytes, commit: ObjectID) -> tuple[DiskObjectStore, ObjectID] | None:
        """Where the files of a submodule are; None where its commit was not fetched.

        Only there is it looked for: the clone may also have a commit of that id that nobody merged.
        """
        name = os.fsdecode(path)
        if name not in self.stores:
            inner = os.path.join(self._top, name)  # noqa: PTH118 - names may be no UTF-8
            if not os.path.exists(os.path.join(inner, ".git")):  # noqa: PTH110, PTH118 - the same
                return None
            refuse_clone(self._top, inner)
            self._open(name)
        store = self.stores[name]
        return (store, _tree_of(store, commit)) if commit in store else None

    def _open(self, path: str) -> DiskObjectStore:
        from dulwich.repo import Repo  # noqa: PLC0415 - 50 ms, where there is a clone

        repo = self._opened.enter_context(Repo(os.path.join(self._top, path)))  # noqa: PTH118 - names may be no UTF-8
        self.stores[path] = repo.object_store
        return repo.object_store


def _entry(mode: int, store: DiskObjectStore, sha: ObjectID) -> Entry:
    return Entry(sha.decode("ascii"), mode, b"" if stat.S_ISDIR(mode) else store[sha].as_raw_string())


def _tree_of(store: DiskObjectStore, commit: bytes) -> ObjectID:
    from dulwich.objects import Commit as GitCommit  # noqa: PLC0415 - the same
    from dulwich.objects import ObjectID  # noqa: PLC0415 - the same

    found = store[ObjectID(commit)]
    if not isinstance(found, GitCommit):
        raise UnreadableCommitError("it is no commit")
    return ObjectID(found.tree)


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever a damaged clone makes of dulwich as one error."""
    from dulwich.repo import UnsupportedExtension  # noqa: PLC0415 - 50 ms, where there is a clone

    try:
        yield
    except UnreadableCommitError:
        raise
    except GitIndexError as error:
        raise UnreadableCommitError(str(error)) from None
    except KeyError:
        raise UnreadableCommitError(_INCOMPLETE) from None
    except UnsupportedExtension as error:
        is_partial = error.extension.lower() == "partialclone"
        raise UnreadableCommitError(
            _INCOMPLETE if is_partial else f"the clone cannot be read: git's extension {error.extension} is not known"
        ) from None
    except Exception as error:  # noqa: BLE001 - a damaged object may fail anywhere
        raise UnreadableCommitError(f"the clone cannot be read ({type(error).__name__})") from None
