"""Literals inside references: numbers, quoted strings, true, false, null, lists and maps."""

from __future__ import annotations

import math
import re

from secrets_pipeline.references.model import Json

DEEPEST = 32
"""Levels of brackets that are read: more is a mistake, and would exhaust the stack."""

_DIGITS = 100
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![A-Za-z0-9_])")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "none": None}
_STRING = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_SURROGATES = range(0xD800, 0xE000)
_LAST_CHARACTER = 0x10FFFF


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


def read_literal(scan: Scanner, depth: int = 0) -> Json:
    """Read one literal.

    Args:
        scan: where it begins.
        depth: brackets around it.

    Raises:
        LiteralSyntaxError: if none is there.
    """
    if depth > DEEPEST:
        raise LiteralSyntaxError(f"at most {DEEPEST} brackets inside each other")
    if number := scan.match(_NUMBER):
        return _number(number)
    if string := scan.match(_STRING):
        return _unescaped(string.group(1) if string.group(1) is not None else string.group(2))
    if scan.peek() == "[":
        return _list(scan, depth)
    if scan.peek() == "{":
        return _map(scan, depth)
    before = scan.position
    word = scan.match(_WORD)
    if word is not None and word.group().lower() in _WORDS:
        return _WORDS[word.group().lower()]
    scan.position = before
    raise LiteralSyntaxError("a number, a quoted string, true, false, null, [list] or {map}")


def _number(found: re.Match[str]) -> int | float:
    text = found.group()
    if len(text) > _DIGITS:
        raise LiteralSyntaxError(f"a number of at most {_DIGITS} digits")
    number = float(text) if found.group(1) or found.group(2) else int(text)
    if math.isinf(number):
        raise LiteralSyntaxError("a smaller number")
    return number


def _list(scan: Scanner, depth: int) -> list[Json]:
    items: list[Json] = []
    scan.take("[")
    scan.skip_space()
    while not scan.take("]"):
        items.append(read_literal(scan, depth + 1))
        _separator(scan, "]")
    return items


def _map(scan: Scanner, depth: int) -> dict[str, Json]:
    entries: dict[str, Json] = {}
    scan.take("{")
    scan.skip_space()
    while not scan.take("}"):
        key = read_literal(scan, depth + 1)
        scan.skip_space()
        if not isinstance(key, str) or not scan.take(":"):
            raise LiteralSyntaxError("a quoted key with `:` in the map")
        scan.skip_space()
        entries[key] = read_literal(scan, depth + 1)
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
        if len(code) == 1:
            return _CONTROL.get(code, code)
        point = int(code[1:], 16)
        if point > _LAST_CHARACTER or point in _SURROGATES:
            raise LiteralSyntaxError("the number of a character after `\\`")
        return chr(point)

    return _ESCAPE.sub(plain, text)
