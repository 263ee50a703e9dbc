"""Read what git tracks in a work tree from its index: no git is needed, and nothing of its configuration runs.

Source: https://git-scm.com/docs/index-format, https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

_LOCK_SECONDS: Final = 60.0
_ENTRY: Final = struct.Struct(">24xI12x")  # up to the object id; the mode alone counts
_FLAGS: Final = struct.Struct(">H")
_EXTENDED: Final = 0x4000
_SUBMODULE: Final = 0o160000
_PREFIX_COMPRESSED: Final = 4  # version of the index
_VERSIONS: Final = (2, 3, _PREFIX_COMPRESSED)
_SPLIT: Final = b"link"


class GitIndexError(Exception):
    """An index cannot be read, so what is tracked is not known. The text says what to do."""


@dataclass(frozen=True, slots=True)
class _Index:
    files: frozenset[bytes]
    submodules: frozenset[bytes]


def is_tracked(top: str, path: str) -> bool:
    """Whether the index of the work tree at `top` has a file; one of a submodule, if that one's own index has it.

    Args:
        top: absolute folder with a `.git`.
        path: of the file, relative to it, without links.

    Raises:
        GitIndexError: if an index cannot be read.
    """
    name = os.fsencode(path)
    index = _index(top)
    if name in index.files:
        return True
    folders = name.split(b"/")[:-1]
    above = (b"/".join(folders[:count]) for count in range(1, len(folders) + 1))
    submodule = next((folder for folder in above if folder in index.submodules), None)
    if submodule is None:
        return False
    inner = os.path.join(top, os.fsdecode(submodule))  # noqa: PTH118 - names may be no UTF-8
    refuse_clone(top, inner)
    return is_tracked(inner, os.fsdecode(name[len(submodule) + 1 :]))


def is_being_written(top: Path) -> bool:
    """Whether git is changing the index of a work tree, and files with it; a lock that somebody left long ago is none.

    Source: https://git-scm.com/docs/api-lockfile/2.0.5
    """
    try:
        return time.time() - (git_folder(top) / "index.lock").stat().st_mtime < _LOCK_SECONDS
    except (OSError, GitIndexError):
        return False


def refuse_clone(top: str, inner: str) -> None:
    """Raise unless git itself made the submodule: a commit may name any folder one, also a clone that nobody committed.

    Args:
        top: folder of the clone.
        inner: of the submodule.

    Raises:
        GitIndexError: if it is a repository of its own.

    Source: https://git-scm.com/docs/gitsubmodules#_forms
    """
    made = (git_folder(Path(top)) / "modules").resolve()
    git = git_folder(Path(inner))
    if git.is_dir() and made not in git.resolve().parents:
        raise GitIndexError(
            f"{inner} is no submodule that git made, but a repository of its own: run `git submodule absorbgitdirs`, "
            "or take it out"
        )


def _index(top: str) -> _Index:
    try:
        path = git_folder(Path(top)) / "index"
        found = path.stat()
    except FileNotFoundError:
        return _Index(frozenset(), frozenset())  # nothing has been added
    except OSError as error:
        raise GitIndexError(f"the git index cannot be read: {error.strerror}") from None
    return _read(str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def git_folder(top: Path) -> Path:
    """`.git`, or the folder that a `.git` file of a submodule or a further work tree names."""
    git = top / ".git"
    if not git.is_file():
        return git
    line = git.read_bytes().partition(b"\n")[0]
    if not line.startswith(b"gitdir: "):
        raise GitIndexError(f"{git} names no folder of a git repository")
    return top / os.fsdecode(line.removeprefix(b"gitdir: "))


@lru_cache(maxsize=16)
def _read(path: str, _inode: int, _size: int, _modified: int, _changed: int) -> _Index:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise GitIndexError(f"the git index cannot be read: {error.strerror}") from None
    try:
        return _parsed(content)
    except (struct.error, IndexError, ValueError):
        raise GitIndexError("the git index is damaged: see what `git status` says") from None


def _parsed(content: bytes) -> _Index:
    signature, version, count = struct.unpack_from(">4sII", content)
    if signature != b"DIRC" or version not in _VERSIONS:
        raise GitIndexError("the git index is of an unknown version: run `git update-index --index-version 2`")
    digest = 32 if hashlib.sha256(content[:-32]).digest() == content[-32:] else 20  # of SHA-256 and SHA-1 repositories
    files: set[bytes] = set()
    submodules: set[bytes] = set()
    at = 12
    name = b""
    for _ in range(count):
        (mode,) = _ENTRY.unpack_from(content, at)
        start = at + _ENTRY.size + digest
        (flags,) = _FLAGS.unpack_from(content, start)
        start += 4 if flags & _EXTENDED else 2
        if version == _PREFIX_COMPRESSED:
            cut, start = _offset(content, start)
            end = content.index(b"\0", start)
            name = name[: len(name) - cut] + content[start:end]
            at = end + 1
        else:
            end = content.index(b"\0", start)
            name = content[start:end]
            at += (end - at + 8) // 8 * 8
        (submodules if mode == _SUBMODULE else files).add(name)
    if _SPLIT in _extensions(content, at, len(content) - digest):
        raise GitIndexError("the git index is split: run `git update-index --no-split-index`")
    return _Index(frozenset(files), frozenset(submodules))


def _offset(content: bytes, at: int) -> tuple[int, int]:
    """A number in git's offset encoding, and where it ends."""
    byte = content[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = content[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1


def _extensions(content: bytes, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        signature, size = struct.unpack_from(">4sI", content, at)
        yield signature
        at += 8 + size
    if at != end:
        message = "what follows the entries is damaged"
        raise ValueError(message)
