"""Go's regular expressions by RE2, the engine whose syntax Go's `regexp` has: matched in time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

import re2

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import spend
from secrets_pipeline.golang.template.functions.characters import joined

MAX_WORK: Final = 2 * 10**9
"""Bytes that the searches of one call may pass, times what each may cost: half a minute at the very worst."""

MAX_MEMORY: Final = 2 * 2**20
"""Bytes of a pattern; the library keeps the 128 that were used last."""

MAX_BOUNDS: Final = 4 * 10**6
"""Instructions of a pattern times its groups: all bounds that a search may have to remember at once."""

WORK_PER_STEP: Final = 500
"""Such bytes that cost what a step of a template costs: the worst patterns pass 50 a microsecond, others thousands."""

_INSTRUCTIONS_PER_STEP: Final = 4
"""Instructions of a pattern that are compiled in a step."""

_GROUPS_PER_STEP: Final = 16
"""How many groups make a step of a search as dear again."""

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = MAX_MEMORY

_GO_WORDS: Final = {
    "bad repetition operator": "invalid nested repetition operator",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
}
"""RE2's words for mistakes that Go words otherwise."""

_INSIDE: Final = range(0x80, 0xC0)
"""The bytes of UTF-8 that do not begin a character."""

_TOO_LARGE: Final = "the regular expression is too large"
_TOKEN: Final = re.compile(
    r"""
    \\Q .*? (?: \\E | \Z )
    | (?P<byte> \\C )
    | \\ .
    | \[ \^? ]? (?: \[: \^? \w+ :] | \\ . | [^]\\] )* ]
    | (?P<group> \( (?: (?!\?) | \?P?< (?P<name> [^>]+ ) > ) )
    """,
    re.DOTALL | re.VERBOSE,
)
_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_REFERENCE: Final = re2.compile(r"\$(?:\$|\{([\pL\p{Nd}_]+)\}|([\pL\p{Nd}_]+))")
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,8}")


class _Match(Protocol):
    """What is used of `re2`'s match."""

    def group(self, number: int, /) -> bytes | None:
        """What a group matched."""

    def span(self) -> tuple[int, int]:
        """Start and end of the whole."""


class _Program(Protocol):
    """What is used of `re2`'s pattern."""

    programsize: int
    groups: int

    def finditer(self, text: bytes) -> Iterator[_Match]:
        """The matches, as Python's `re` finds them."""


class PatternFailure(FunctionFailure):
    """A pattern that Go would not compile, in Go's words: `error parsing regexp: …`."""


def quote_meta(text: str) -> str:
    """The text with everything escaped that means something in a pattern."""
    return _META.sub(r"\\\g<0>", text)


def compiled(source: str) -> Regexp:
    """The pattern, ready for use.

    Raises:
        PatternFailure: if Go would not compile it.
        FunctionFailure: if it is too large for us.
    """
    try:
        program = re2.compile(source, _OPTIONS)
    except re2.error as error:
        spend(len(source))
        raise _failure(source, error.args[0].decode()) from None
    spend(program.programsize // _INSTRUCTIONS_PER_STEP)
    if program.programsize * program.groups > MAX_BOUNDS:
        raise FunctionFailure(_TOO_LARGE)
    names: list[str] = []
    for token in _TOKEN.finditer(source):
        if token["byte"]:
            raise PatternFailure(r"error parsing regexp: invalid escape sequence: `\C`")
        name = token["name"] or ""
        if not name.isascii():
            raise PatternFailure(f"error parsing regexp: invalid named capture: `{token[0]}`")
        if token["group"]:
            names.append(name)
    return Regexp(source, program, ("", *names))


@dataclass(frozen=True, slots=True)
class Regexp:
    """A compiled pattern.

    Attributes:
        source: as written.
        program: RE2's.
        names: of the groups by number, empty for those without; two may have the same.
    """

    source: str
    program: _Program
    names: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere."""
        return next(self._matches(text.encode()), None) is not None

    def find_all(self, text: str, limit: int) -> list[str]:
        """The matches from left to right (`FindAllString`), all of them if the limit is negative."""
        data = text.encode()
        return [data[start:end].decode() for start, end in self._spans(data, limit)]

    def replace(self, text: str, replacement: str) -> str:
        """The text with every match replaced, with `$1`, `${name}` and `$$` in the replacement (`ReplaceAllString`)."""
        parts = self._parts(replacement)

        def expanded(match: _Match) -> Iterator[str]:
            for part in parts:
                yield part if isinstance(part, str) else _first(map(match.group, part))

        return joined(self._replaced(text.encode(), expanded))

    def replace_literal(self, text: str, replacement: str) -> str:
        """The text with every match replaced by the same text (`ReplaceAllLiteralString`)."""
        return joined(self._replaced(text.encode(), lambda _: iter((replacement,))))

    def split(self, text: str, limit: int) -> list[str]:
        """The parts between the matches (`Split`), all of them if the limit is negative."""
        if limit == 0:
            return []
        if self.source and not text:
            return [""]
        data = text.encode()
        parts: list[str] = []
        begin = end = 0
        for start, after in self._spans(data, limit):
            if 0 < limit == len(parts) + 1:
                break
            end = start
            if after != 0:
                parts.append(data[begin:end].decode())
            begin = after
        return [*parts, data[begin:].decode()] if end != len(data) else parts

    def _matches(self, data: bytes) -> Iterator[_Match]:
        r"""The matches in UTF-8: RE2's own handling of `str` errs where `\B` matches within a character."""
        found = self.program.finditer(data)
        cost = self.program.programsize * (_GROUPS_PER_STEP + self.program.groups) // _GROUPS_PER_STEP
        position = work = 0
        while True:
            more = (len(data) - position + 1) * cost
            work += more
            spend(more // WORK_PER_STEP)
            if work > MAX_WORK:
                raise FunctionFailure(f"the regular expression takes too long on a text of {len(data)} bytes")
            match = next(found, None)
            if match is None:
                return
            start, position = match.span()
            if start == len(data) or data[start] not in _INSIDE:
                yield match

    def _spans(self, data: bytes, limit: int) -> Iterator[tuple[int, int]]:
        """Start and end of the matches, as `FindAllIndex` chooses them."""

        def accepted() -> Iterator[tuple[int, int]]:
            previous = -1
            for match in self._matches(data):
                start, end = match.span()
                # An empty match right behind a match does not count.
                if not start == end == previous:
                    yield start, end
                previous = end

        return islice(accepted(), limit if limit >= 0 else None)

    def _replaced(self, data: bytes, replacement: Callable[[_Match], Iterator[str]]) -> Iterator[str]:
        end = 0
        for match in self._matches(data):
            start, after = match.span()
            yield data[end:start].decode()
            if after > end or start == 0:
                yield from replacement(match)
            end = after
        yield data[end:].decode()

    def _parts(self, replacement: str) -> list[str | list[int]]:
        """The texts of a replacement, and the groups it refers to, several if they have one name (Go's `Expand`)."""
        parts: list[str | list[int]] = []
        end = 0
        for reference in _REFERENCE.finditer(replacement):
            name = reference[1] or reference[2]
            parts += [replacement[end : reference.start()], self._groups(name) if name else "$"]
            end = reference.end()
        return [*parts, replacement[end:]]

    def _groups(self, name: str) -> list[int]:
        if _NUMBER.fullmatch(name):
            return [int(name)] if int(name) < len(self.names) else []
        return [number for number, other in enumerate(self.names) if other == name]


def _first(groups: Iterable[bytes | None]) -> str:
    """What the first group matched that took part."""
    return next((group for group in groups if group is not None), b"").decode()


def _failure(source: str, problem: str) -> FunctionFailure:
    words, _, place = problem.partition(": ")
    if words.startswith("pattern too large"):
        return FunctionFailure(_TOO_LARGE)
    if words == "invalid perl operator" and place.startswith("(?<"):
        # Go takes a look-behind for a group with a bad name, RE2 does not.
        words, place = "invalid named capture group", source[source.index(place) :]
    return PatternFailure(f"error parsing regexp: {_GO_WORDS.get(words, words)}: `{place}`")
