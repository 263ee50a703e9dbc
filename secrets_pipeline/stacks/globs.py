"""Doublestar globs, as Atmos's stack discovery and imports use them (github.com/bmatcuk/doublestar)."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

_META: Final = frozenset("*?[{\\")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_PRUNED: Final = frozenset({".git", ".terraform", "node_modules"})


def is_glob(pattern: str) -> bool:
    """Whether the pattern matches more than itself."""
    return not _META.isdisjoint(pattern)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, `/` between its elements, as a regular expression for whole paths."""
    return re.compile("|".join(_regex(option) for option in _expand(pattern)))


def _expand(pattern: str) -> list[str]:
    """`a/{b,c}` to `a/b` and `a/c`, the innermost braces first."""
    match = _BRACES.search(pattern)
    if match is None:
        return [pattern]
    head, tail = pattern[: match.start()], pattern[match.end() :]
    return [option for choice in match[1].split(",") for option in _expand(f"{head}{choice}{tail}")]


def _regex(pattern: str) -> str:
    elements = pattern.split("/")
    parts: list[str] = []
    for position, element in enumerate(elements):
        last = position == len(elements) - 1
        if element == "**":
            parts.append(".*" if last else "(?:[^/]+/)*")
        else:
            parts.append(_element(element) + ("" if last else "/"))
    text = "".join(parts)
    return text.removesuffix("/.*") + "(?:/.*)?" if text.endswith("/.*") and elements[-1] == "**" else text


def _element(element: str) -> str:
    text = ""
    position = 0
    while position < len(element):
        char = element[position]
        position += 1
        if char == "*":
            text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "\\" and position < len(element):
            text += re.escape(element[position])
            position += 1
        elif char == "[" and (end := element.find("]", position + 1)) > 0:
            inside = element[position:end].replace("\\", "\\\\")
            text += "[^" + inside[1:] + "]" if inside[0] in "!^" else f"[{inside}]"
            position = end + 1
        else:
            text += re.escape(char)
    return text


class FileTree:
    """The files below folders, each folder walked once."""

    def __init__(self) -> None:
        self._files: dict[Path, list[str]] = {}

    def matches(self, root: Path, pattern: str) -> list[Path]:
        """The files below `root` that match the pattern, sorted; a pattern without wildcards is a path."""
        full = os.path.normpath(root / pattern).split("/")
        fixed = next((n for n, element in enumerate(full) if is_glob(element)), len(full))
        if fixed == len(full):
            path = Path("/".join(full))
            return [path] if path.is_file() else []
        folder = Path("/".join(full[:fixed]) or "/")
        matches = compiled("/".join(full[fixed:])).fullmatch
        return [folder / name for name in self._below(folder) if matches(name)]

    def _below(self, folder: Path) -> list[str]:
        if folder not in self._files:
            found: list[str] = []
            _walk(str(folder), "", found, {os.path.realpath(folder)})
            self._files[folder] = sorted(found)
        return self._files[folder]


def _walk(folder: str, prefix: str, found: list[str], seen: set[str]) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if not entry.is_dir():
            found.append(prefix + entry.name)
        elif entry.name not in _PRUNED:
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                if real in seen:
                    continue
                seen.add(real)
            _walk(entry.path, f"{prefix}{entry.name}/", found, seen)
