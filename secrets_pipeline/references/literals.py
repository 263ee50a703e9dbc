"""Literals inside references: numbers, quoted strings, true, false, null, lists and maps."""

from __future__ import annotations

import re

from secrets_pipeline.references.model import Json

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z0-9_])")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "none": None}
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


class LiteralSyntaxError(Exception):
    """The text says what was expected."""


class Scanner:
    """A position in a text."""

    def __init__(self, text: str, position: int = 0) -> None:
        self.text = text
        self.position = position

    def peek(self) -> str:
        """The next character, or nothing at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, character: str) -> bool:
        """Step over `character` if it is next."""
        taken = self.text.startswith(character, self.position)
        if taken:
            self.position += len(character)
        return taken

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what `pattern` matches here."""
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def skip_space(self) -> None:
        """Step over white space."""
        while self.peek().isspace():
            self.position += 1


def read_literal(scan: Scanner) -> Json:
    """Read one literal.

    Raises:
        LiteralSyntaxError: if none is there.
    """
    if number := scan.match(_NUMBER):
        return float(number.group()) if number.group(1) or number.group(2) else int(number.group())
    if string := scan.match(_STRING):
        return _unescaped(string.group(1) if string.group(1) is not None else string.group(2))
    if scan.peek() == "[":
        return _list(scan)
    if scan.peek() == "{":
        return _map(scan)
    before = scan.position
    word = scan.match(_WORD)
    if word is not None and word.group().lower() in _WORDS:
        return _WORDS[word.group().lower()]
    scan.position = before
    raise LiteralSyntaxError("a number, a quoted string, true, false, null, [list] or {map}")


def _list(scan: Scanner) -> list[Json]:
    items: list[Json] = []
    scan.take("[")
    scan.skip_space()
    while not scan.take("]"):
        items.append(read_literal(scan))
        _separator(scan, "]")
    return items


def _map(scan: Scanner) -> dict[str, Json]:
    entries: dict[str, Json] = {}
    scan.take("{")
    scan.skip_space()
    while not scan.take("}"):
        key = read_literal(scan)
        scan.skip_space()
        if not isinstance(key, str) or not scan.take(":"):
            raise LiteralSyntaxError("a quoted key with `:` in the map")
        scan.skip_space()
        entries[key] = read_literal(scan)
        _separator(scan, "}")
    return entries


def _separator(scan: Scanner, end: str) -> None:
    scan.skip_space()
    if not scan.take(",") and scan.peek() != end:
        raise LiteralSyntaxError(f"`,` or `{end}`")
    scan.skip_space()


def _unescaped(text: str) -> str:
    def plain(escape: re.Match[str]) -> str:
        code = escape.group(1)
        return chr(int(code[1:], 16)) if len(code) > 1 else _CONTROL.get(code, code)

    return _ESCAPE.sub(plain, text)
