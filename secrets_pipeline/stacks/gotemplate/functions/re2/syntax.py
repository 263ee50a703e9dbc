"""The syntax of RE2 as Go's regexp/syntax reads it: no look-around, no back-references."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from secrets_pipeline.stacks.gotemplate.functions.re2.classes import (
    ANY,
    NOT_NEWLINE,
    bracketed,
    escaped_character,
    named_class,
    one,
)
from secrets_pipeline.stacks.gotemplate.functions.re2.nodes import (
    Assert,
    Assertion,
    Choice,
    Group,
    Node,
    One,
    Repeat,
    Sequence,
    SyntaxFailure,
)

_MAX_REPEAT: Final = 1000
_MAX_DEPTH: Final = 100
_COUNTS: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_GROUP: Final = re.compile(r"\(\?(?:P?<(?P<name>\w+)>|(?P<flags>[imsU]*)(?P<off>-[imsU]+)?(?P<end>[:)]))", re.ASCII)
_NAMED: Final = re.compile(r"\(\?P?<(?:[^>]*>|.*)", re.DOTALL)
_REPEATS: Final = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}
_ASSERTIONS: Final = {
    "A": Assertion.TEXT_START,
    "z": Assertion.TEXT_END,
    "b": Assertion.WORD_BOUNDARY,
    "B": Assertion.NO_WORD_BOUNDARY,
}
_ANCHORS: Final = {
    "^": (Assertion.TEXT_START, Assertion.LINE_START),
    "$": (Assertion.TEXT_END, Assertion.LINE_END),
}


@dataclass(frozen=True, slots=True)
class _Flags:
    i: bool = False
    m: bool = False
    s: bool = False
    U: bool = False


@dataclass(slots=True)
class Parser:
    """Reads one expression.

    Attributes:
        text: the expression.
        names: numbers of the groups of each name, filled while reading.
        groups: how many groups have been read.
    """

    text: str
    names: dict[str, list[int]] = field(default_factory=dict)
    groups: int = 0
    position: int = 0
    depth: int = 0
    flags: _Flags = field(default_factory=_Flags)

    def parse(self) -> Node:
        """The whole expression.

        Raises:
            SyntaxFailure: if Go would not compile it.
        """
        node = self._choice()
        if self.position < len(self.text):
            raise SyntaxFailure(f"unexpected ): `{self.text}`")
        return node

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._next() == "|":
            self.position += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            if self.text.startswith(r"\Q", self.position):
                literal, _, _ = self.text[self.position + 2 :].partition(r"\E")
                self.position = min(self.position + len(literal) + 4, len(self.text))
                parts.extend(self._literal(ord(character)) for character in literal)
                if not literal:
                    continue
                parts.append(self._repeated(parts.pop()))
            else:
                node = self._atom()
                if node is not None:
                    parts.append(self._repeated(node))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _next(self) -> str:
        return self.text[self.position : self.position + 1]

    def _literal(self, code: int) -> Node:
        return One(replace(one(code), fold=self.flags.i))

    def _repeated(self, node: Node) -> Node:
        start = self.position
        counts = self._counts()
        if counts is None:
            return node
        least, most, self.position = counts
        lazy = self._next() == "?"
        self.position += lazy
        node = Repeat(node, least, most, lazy != self.flags.U)
        if _copies(node) > _MAX_REPEAT:
            raise SyntaxFailure(f"invalid repeat count: `{self.text[start : self.position]}`")
        again = self._counts()
        if again is not None:
            raise SyntaxFailure(f"invalid nested repetition operator: `{self.text[start : again[2]]}`")
        return node

    def _counts(self) -> tuple[int, int, int] | None:
        """Least, most and the position behind a repetition that is written here."""
        if self._next() in _REPEATS:
            return (*_REPEATS[self._next()], self.position + 1)
        match = _COUNTS.match(self.text, self.position)
        if match is None:
            return None
        least = int(match[1])
        most = least if match[2] is None else int(match[3] or -1)
        if least > _MAX_REPEAT or most > _MAX_REPEAT or -1 < most < least:
            raise SyntaxFailure(f"invalid repeat count: `{match[0]}`")
        return least, most, match.end()

    def _atom(self) -> Node | None:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            characters, self.position = bracketed(self.text, self.position, fold=self.flags.i)
            return One(characters)
        if character == "\\":
            return self._escape()
        if self._counts() is not None:
            raise SyntaxFailure(f"missing argument to repetition operator: `{character}`")
        self.position += 1
        if character == ".":
            return One(ANY if self.flags.s else NOT_NEWLINE)
        if character in _ANCHORS:
            return Assert(_ANCHORS[character][self.flags.m])
        return self._literal(ord(character))

    def _escape(self) -> Node:
        letter = self.text[self.position + 1 : self.position + 2]
        if letter in _ASSERTIONS:
            self.position += 2
            return Assert(_ASSERTIONS[letter])
        found = named_class(self.text, self.position)
        if found is not None:
            characters, self.position = found
            return One(replace(characters, fold=self.flags.i))
        code, self.position = escaped_character(self.text, self.position)
        return self._literal(code)

    def _group(self) -> Node | None:
        outer = self.flags
        index = 0
        if self.text.startswith("(?", self.position):
            match = self._opening()
            if match["name"] is None:
                self.flags = _changed(outer, match)
                if match["end"] == ")":
                    return None
            else:
                index = self._capture(match["name"])
        else:
            self.position += 1
            index = self._capture("")
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise SyntaxFailure("expression nests too deeply")
        node = self._choice()
        self.depth -= 1
        if self._next() != ")":
            raise SyntaxFailure(f"missing closing ): `{self.text}`")
        self.position += 1
        self.flags = outer
        return Group(index, node) if index else Sequence((node,))

    def _opening(self) -> re.Match[str]:
        match = _GROUP.match(self.text, self.position)
        if match is None:
            named = _NAMED.match(self.text, self.position)
            if named is not None:
                raise SyntaxFailure(f"invalid named capture: `{named[0]}`")
            raise SyntaxFailure(f"invalid or unsupported Perl syntax: `{self.text[self.position : self.position + 3]}`")
        self.position = match.end()
        return match

    def _capture(self, name: str) -> int:
        self.groups += 1
        if name:
            self.names.setdefault(name, []).append(self.groups)
        return self.groups


def _changed(flags: _Flags, match: re.Match[str]) -> _Flags:
    changes = dict.fromkeys(match["flags"], True) | dict.fromkeys((match["off"] or "").removeprefix("-"), False)
    return replace(flags, **changes)


def _copies(node: Node) -> int:
    """How often the innermost part is repeated, as Go counts it for its limit."""
    if isinstance(node, Repeat):
        return max(node.least, node.most, 1) * _copies(node.node)
    if isinstance(node, Group):
        return _copies(node.node)
    parts = node.parts if isinstance(node, Sequence) else node.options if isinstance(node, Choice) else ()
    return max(map(_copies, parts), default=1)
