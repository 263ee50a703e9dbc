"""Match doublestar globs, as Atmos's stack discovery and imports do (https://github.com/bmatcuk/doublestar)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import re2

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.files.disk import entries, is_file, real_path
from secrets_pipeline.stacks.files.readable import OUTSIDE, within

_META: Final = frozenset("*?[{\\")
_PRUNED: Final = frozenset({"node_modules"})  # and what has a dot in front
_MOST_ENTRIES: Final = 500_000
_LINK: Final = 500  # entries that a linked folder counts as: a few that lead to each other are millions
_DEEPEST: Final = 100
_MOST_ALTERNATIVES: Final = 1_000
_MOST_BRACES: Final = 50
_LONGEST: Final = 4_096  # as a path of Linux
_LONGEST_ALTERNATIVES: Final = 50_000  # characters of all of them: 20 ms
_SHOWN: Final = 200  # characters of a pattern
_RANGE: Final = re.compile(r"(?P<low>\\.|[^\\])(?:-(?P<high>\\.|[^\\]))?", re.DOTALL)
_NOTHING: Final = r"[^\x00-\x{10ffff}]"
_ANY_FOLDERS: Final = "(?:[^/]+/)*"


def is_glob(pattern: str) -> bool:
    """Whether the pattern matches more than itself."""
    return not _META.isdisjoint(pattern)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Callable[[str], bool]:
    r"""Whether whole paths match the pattern, `/` between its elements, in time linear in the path.

    `*` and `?` stop at `/`; an element `**` is any number of folders, none included; `[a-z]`, `[!a]` and `[^a]` are
    classes; `{a,b/{c,d}}` are alternatives; `\` takes the next character as it is.

    Raises:
        StackError: for a bracket or brace that does not end, a `\` at the end, too many alternatives, or if it is too
            long.
    """
    if pattern.count("{") > _MOST_BRACES:
        raise _bad(pattern, "it has too many braces")
    if len(pattern) > _LONGEST:
        raise _bad(pattern, f"it is longer than {_LONGEST} characters")
    options: list[str] = []
    length = 0
    for option in _alternatives(pattern, pattern):
        length += len(option)
        if length > _LONGEST_ALTERNATIVES:
            raise _bad(pattern, "its alternatives are too long")
        options.append(_regex(option, pattern))
        if len(options) > _MOST_ALTERNATIVES:
            raise _bad(pattern, "it has too many alternatives")
    settings = re2.Options()
    settings.dot_nl = True
    settings.log_errors = False
    try:
        expression = re2.compile("|".join(options), settings)
    except re2.error:
        raise _bad(pattern, "it is too long") from None

    def matches(path: str) -> bool:
        try:
            return expression.fullmatch(path) is not None
        except UnicodeEncodeError:
            return False  # a name that is not UTF-8 is no manifest's

    return matches


def _alternatives(text: str, pattern: str) -> Iterator[str]:
    """`a/{b,{c,d}}` as `a/b`, `a/c` and `a/d`."""
    opened = next((at for at, char in _special(text) if char == "{"), None)
    if opened is None:
        yield text
        return
    depth = 0
    start, choices = opened + 1, []
    for at, char in _special(text, opened):
        depth += (char == "{") - (char == "}")
        if (char == "," and depth == 1) or depth == 0:
            choices.append(text[start:at])
            start = at + 1
        if depth == 0:
            break
    else:
        raise _bad(pattern, "a { does not end")
    for choice in choices:
        yield from _alternatives(text[:opened] + choice + text[start:], pattern)


def _special(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """Braces and commas that are neither escaped nor in a class, with their places."""
    at = start
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "[":
            at = _class_end(text, at)
        elif text[at] in "{},":
            yield at, text[at]
        at += 1


def _class_end(text: str, start: int) -> int:
    """The place of the `]` that ends a class, or of the end."""
    at = start + 1
    while at < len(text) and text[at] != "]":
        at += 1 + (text[at] == "\\")
    return at


def _regex(text: str, pattern: str) -> str:
    elements = text.split("/")
    if elements[-1] == "**" and len(elements) > 1:
        return _regex("/".join(elements[:-1]), pattern) + ("" if elements[-2] == "**" else "(?:/.*)?")
    parts = [_ANY_FOLDERS if element == "**" else _element(element, pattern) + "/" for element in elements[:-1]]
    return "".join(parts) + (".*" if elements[-1] == "**" else _element(elements[-1], pattern))


def _element(element: str, pattern: str) -> str:
    text = ""
    at = 0
    while at < len(element):
        char = element[at]
        if char == "*":
            text += "[^/]*"
        elif char == "?":
            text += "[^/]"
        elif char == "\\":
            at += 1
            if at == len(element):
                raise _bad(pattern, "it ends in a \\")
            text += re.escape(element[at])
        elif char == "[":
            end = _class_end(element, at)
            text += _class(element[at + 1 : end], pattern, ended=end < len(element))
            at = end
        else:
            text += re.escape(char)
        at += 1
    return text


def _class(inside: str, pattern: str, *, ended: bool) -> str:
    negated = inside[:1] in ("!", "^") and len(inside) > 0
    members = inside[negated:]
    if not ended or not members:
        raise _bad(pattern, "a [ does not end")
    if negated:
        return f"[^/{''.join(_range(low, high) for low, high in _ranges(members, pattern))}]"
    parts = [part for low, high in _ranges(members, pattern) for part in _without_slash(low, high)]
    return f"[{''.join(_range(low, high) for low, high in parts)}]" if parts else _NOTHING


def _ranges(members: str, pattern: str) -> Iterator[tuple[str, str]]:
    """First and last character of each range of a class; a character by itself is both."""
    for match in _RANGE.finditer(members):
        low = match["low"].removeprefix("\\")
        high = (match["high"] or match["low"]).removeprefix("\\")
        if low > high:
            raise _bad(pattern, "a [ ] has a range that ends before it starts")
        yield low, high


def _without_slash(low: str, high: str) -> Iterator[tuple[str, str]]:
    """The range in one or two parts, since a class never matches `/`."""
    before, after = chr(ord("/") - 1), chr(ord("/") + 1)
    if low <= min(high, before):
        yield low, min(high, before)
    if max(low, after) <= high:
        yield max(low, after), high


def _range(low: str, high: str) -> str:
    return f"\\x{{{ord(low):x}}}-\\x{{{ord(high):x}}}"


def _bad(pattern: str, problem: str) -> StackError:
    shown = pattern if len(pattern) <= _SHOWN else f"{pattern[:_SHOWN]}…"
    return StackError(f"invalid glob pattern {shown!r}: {problem}", remedy="Write \\ before a character meant as such.")


class OutsideError(StackError):
    """A pattern leads out of where files are looked for."""


class FileTree:
    """The files below folders, each folder walked once.

    Args:
        bases: absolute folders that no pattern and no link leads out of; others are not looked at.
    """

    def __init__(self, *bases: Path) -> None:
        self._bases = tuple(map(real_path, bases))
        self._files: dict[Path, list[str]] = {}
        self._entries = 0

    def matches(self, root: Path, pattern: str) -> list[Path]:
        """The files below `root` that match the pattern; a pattern without wildcards is a path.

        They come as doublestar gives them: a folder's files before its folders, each by name; sorted by path where the
        pattern has alternatives. A name with a dot in front is only found where the pattern has no wildcard.

        Raises:
            OutsideError: if it leads out.
            StackError: if the pattern is none, or has too much below it.
        """
        if "\0" in pattern:
            return []
        elements = [element for element in pattern.split("/") if element not in ("", ".")]
        fixed = next((at for at, element in enumerate(elements) if is_glob(element)), len(elements))
        folder = Path(os.path.normpath(root.joinpath(*elements[:fixed])))
        if pattern.startswith("/"):
            folder = Path(os.path.normpath("/" + "/".join(elements[:fixed])))
        if ".." in elements[fixed:] or not self._is_inside(real_path(folder)):
            raise OutsideError(f"the path {pattern!r} {OUTSIDE.problem}", remedy=OUTSIDE.remedy)
        if fixed == len(elements):
            return [folder] if is_file(folder) else []
        matches = compiled("/".join(elements[fixed:]))
        names = [name for name in self._below(folder) if matches(name)]
        return [folder / name for name in (sorted(names) if "{" in pattern else names)]

    def _is_inside(self, real: str) -> bool:
        return any(within(real, base) for base in self._bases)

    def _below(self, folder: Path) -> list[str]:
        if folder not in self._files:
            found: list[str] = []
            self._walk(str(folder), "", found, (real_path(folder),))
            self._files[folder] = found
        return self._files[folder]

    def _walk(self, folder: str, prefix: str, found: list[str], parents: tuple[str, ...]) -> None:
        """Collect the files below a folder, links to folders followed, but not to one that the link is in."""
        listed = sorted(entries(folder), key=lambda entry: (entry.is_folder, entry.name))
        self._entries += len(listed)
        if self._entries > _MOST_ENTRIES or len(parents) > _DEEPEST:
            raise StackError(
                f"more than {_MOST_ENTRIES} files, or {_DEEPEST} folders within each other, are to be looked through",
                remedy="Name narrower folders in stacks.base_path and stacks.included_paths.",
            )
        for entry in listed:
            if not entry.is_folder:
                found.append(prefix + entry.name)
            elif entry.name not in _PRUNED:
                real = f"{parents[-1]}/{entry.name}"
                if entry.is_link:
                    real = real_path(real)
                    self._entries += _LINK
                if real not in parents and self._is_inside(real):
                    self._walk(f"{folder}/{entry.name}", f"{prefix}{entry.name}/", found, (*parents, real))
