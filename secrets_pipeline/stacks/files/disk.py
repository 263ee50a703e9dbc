"""Ask the file system: the only place where the reading of a repository does, so that a reading knows what it saw."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_SETTLED_NS: Final = 10 * 10**9
"""Age of a file below which its times prove nothing: a clock ticks every 4 ms, that of FAT every 2 s, servers' differ.

Source: https://git-scm.com/docs/racy-git
"""


class Entry(NamedTuple):
    """An entry of a folder; links are followed for `is_folder`."""

    name: str
    is_folder: bool
    is_link: bool


class _Stamp(NamedTuple):
    """What changes with the content of a file; nobody sets `changed_ns`, so it tells of an edit that keeps the date."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Content:
    """What was in a file.

    Attributes:
        digest: of its bytes, see `digest_of`; the number of the error where it could not be read.
        stamp: of the file when it was read; None where it proves nothing.
    """

    digest: str
    stamp: _Stamp | None


class Seen:
    """What a reading was answered by the file system; the same answers make the same reading.

    Attributes:
        contents: absolute path → what was in the file.
        answers: question and what it was asked of → answer.
        repeatable: whether the reading depends on nothing else: not on clock, chance or a command.
        torn: whether two answers contradict each other, so that they are of no one moment.
    """

    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}
        self.answers: dict[tuple[Callable[..., object], Hashable], object] = {}
        self.repeatable = True
        self.torn = False

    def note(self, question: Callable[[K], T], about: K, answer: T) -> None:
        """Note an answer."""
        self.torn |= self.answers.setdefault((question, about), answer) != answer

    def note_content(self, path: str, content: Content) -> None:
        """Note what was in a file."""
        self.torn |= self.contents.setdefault(path, content).digest != content.digest

    def holds(self) -> bool:
        """Whether every answer would be the same now; contents are compared where stamps prove nothing."""
        return (
            not self.torn
            and all(question(about) == answer for (question, about), answer in list(self.answers.items()))
            and all(self._is_unchanged(path, content) for path, content in list(self.contents.items()))
        )

    def _is_unchanged(self, path: str, content: Content) -> bool:
        if content.stamp is not None and _stamp_of(path) == content.stamp:
            return True
        now = _content(path)[1]
        if now.digest == content.digest:
            self.contents[path] = now
        return now.digest == content.digest


_seen: ContextVar[Seen | None] = ContextVar("seen", default=None)


@contextmanager
def noted_in(seen: Seen | None) -> Iterator[None]:
    """Note in `seen` what this thread asks while the block runs; None notes it nowhere."""
    token = _seen.set(seen)
    try:
        yield
    finally:
        _seen.reset(token)


def current() -> Seen | None:
    """Where this thread notes what it asks."""
    return _seen.get()


def note_unrepeatable() -> None:
    """Note that the reading depends on what nobody can ask again: clock, chance, a command, a pipe."""
    seen = _seen.get()
    if seen is not None:
        seen.repeatable = False


def asked(question: Callable[[K], T], about: K) -> T:
    """The answer to a question, noted.

    Args:
        question: of the file system, to be asked again at any time, answered by a value that can be compared.
        about: what it is asked of.
    """
    answer = question(about)
    seen = _seen.get()
    if seen is not None:
        seen.note(question, about, answer)
    return answer


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file, links followed; a name that no file can have is none."""
    return asked(os.path.isfile, os.fspath(path))


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether there is a folder, links followed; a name that no folder can have is none."""
    return asked(os.path.isdir, os.fspath(path))


def is_link(path: str | os.PathLike[str]) -> bool:
    """Whether there is a link."""
    return asked(os.path.islink, os.fspath(path))


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is anything, links followed."""
    return asked(os.path.exists, os.fspath(path))


def real_path(path: str | os.PathLike[str]) -> str:
    """The path without links; one that no file can have, as it is."""
    return asked(links_followed, os.fspath(path))


def entries(folder: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """The entries of a folder without a dot in front, by name; none where it cannot be read."""
    return asked(listing, os.fspath(folder))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: if it cannot be read, or is a folder, a pipe, a device or a socket.
        ValueError: if no file can have that name.
    """
    found, content = _content(os.fspath(path))
    seen = _seen.get()
    if seen is not None:
        seen.note_content(os.fspath(path), content)
    if isinstance(found, bytes):
        return found
    raise found


def first_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """At most so many bytes of a regular file; nobody notes them.

    Raises:
        OSError: see `read_bytes`.
    """
    with open(path, "rb", opener=_opened) as file:
        return file.read(most)


def note_file(path: str | os.PathLike[str]) -> None:
    """Note what is in a file that is read when its value is needed."""
    with suppress(OSError, ValueError):
        read_bytes(real_path(path))


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a regular file, its lines ended by a newline, without a byte order mark.

    Raises:
        OSError: see `read_bytes`.
        ValueError: see `read_bytes`.
        UnicodeDecodeError: if it is not UTF-8.
    """
    text = read_bytes(path).decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_now(path: str) -> str:
    """The digest of what is in a file, as a reading notes it; nobody notes this question."""
    return _content(path)[1].digest


def listing(folder: str) -> tuple[Entry, ...]:
    """The question of `entries`."""
    try:
        with os.scandir(folder) as found:
            return tuple(sorted(Entry(e.name, e.is_dir(), e.is_symlink()) for e in found if e.name[:1] != "."))
    except (OSError, ValueError):  # ValueError for a NUL in it
        return ()


def links_followed(path: str) -> str:
    """The question of `real_path`."""
    try:
        return os.path.realpath(path)
    except ValueError:  # for a NUL in it
        return os.path.normpath(path)


def _content(path: str) -> tuple[bytes | OSError | ValueError, Content]:
    now = time.time_ns()
    try:
        with open(path, "rb", opener=_opened) as file:
            stamp = _stamp(os.fstat(file.fileno()))
            content = file.read()
    except (OSError, ValueError) as error:
        return error, Content(str(getattr(error, "errno", None)), None)
    settled = now - max(stamp.modified_ns, stamp.changed_ns) > _SETTLED_NS
    return content, Content(digest_of(content), stamp if settled else None)


def _stamp_of(path: str) -> _Stamp | None:
    try:
        return _stamp(os.stat(path))  # noqa: PTH116 - a Path for each file takes longer
    except OSError:
        return None


def _stamp(found: os.stat_result) -> _Stamp:
    return _Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _opened(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # open() itself refuses a folder
        os.close(descriptor)
        raise OSError(0, "it is no regular file")
    return descriptor
