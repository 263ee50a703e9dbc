"""Read files of the Atmos repository, never outside of its base path."""

from __future__ import annotations

import os
from pathlib import Path

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.files.disk import is_link, read_text, real_path
from secrets_pipeline.stacks.files.readable import ReadableFiles, Use


class Files:
    """The files of one repository, each read once.

    Args:
        base: absolute base path of the repository; nothing outside of it is read, symbolic links followed.
        top: folder whose `.git` says what is tracked; the nearest one if not given.
        stacks: folder of the stack manifests, where git need not know them yet; there is none if not given.
    """

    def __init__(self, base: Path, top: Path | None = None, stacks: Path | None = None) -> None:
        self.base = base
        self.readable = ReadableFiles(base, top, stacks)
        self._texts: dict[Path, str] = {}
        self._names: dict[Path, str] = {}
        self._folders: dict[Path, str] = {}

    def name(self, path: Path) -> str:
        """The path relative to the base path, with `/`, for messages."""
        name = self._names.get(path)
        if name is None:
            below = str(path).removeprefix(f"{self.base}/")
            name = self._names[path] = (
                os.path.relpath(path, self.base) if below.startswith("/") or ".." in below else below
            )
        return name

    def text(self, path: Path, use: Use = Use.MANIFEST) -> str:
        """The file as UTF-8 text.

        Args:
            path: absolute, without `..`.
            use: what it is read as.

        Raises:
            StackError: if it may not be read, is missing or is not UTF-8.
        """
        if path not in self._texts or use is not Use.MANIFEST:
            self._check(path, use)
        text = self._texts.get(path)
        if text is None:
            text = self._texts[path] = self._read(path)
        return text

    def _check(self, path: Path, use: Use) -> None:
        unreadable = self.readable.problem_of(self._real(path), os.path.normpath(path), use)
        if unreadable is not None:
            raise StackError(
                f"the file {unreadable.problem}", where=Where(file=self.name(path)), remedy=unreadable.remedy
            )

    def _read(self, path: Path) -> str:
        where = Where(file=self.name(path))
        try:
            return read_text(self._real(path))
        except UnicodeDecodeError as error:
            raise StackError(
                f"invalid stack manifest: not UTF-8 at byte {error.start}", where=where, remedy="Save it as UTF-8."
            ) from None
        except OSError as error:
            raise StackError(
                f"the file cannot be read: {error.strerror}", where=where, remedy="Check its path and permissions."
            ) from None

    def _real(self, path: Path) -> str:
        """The path without symbolic links; those of a folder are followed once."""
        folder = self._folders.get(path.parent)
        if folder is None:
            folder = self._folders[path.parent] = real_path(path.parent)
        real = os.path.join(folder, path.name)  # noqa: PTH118 - the same
        return real_path(real) if path.name == ".." or is_link(real) else real
