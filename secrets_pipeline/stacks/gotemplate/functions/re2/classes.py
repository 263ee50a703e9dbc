"""Named classes of characters, and those in brackets."""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.stacks.gotemplate.functions.re2.nodes import Characters, SyntaxFailure

_MAX_RUNE: Final = 0x10FFFF
_DIGITS: Final = (ord("0"), ord("9"))
_UPPER: Final = (ord("A"), ord("Z"))
_LOWER: Final = (ord("a"), ord("z"))
_PERL: Final = {
    "d": Characters((_DIGITS,)),
    "s": Characters(((9, 10), (12, 13), (32, 32))),
    "w": Characters((_DIGITS, _UPPER, (ord("_"), ord("_")), _LOWER)),
}
_POSIX: Final = {
    "alnum": (_DIGITS, _UPPER, _LOWER),
    "alpha": (_UPPER, _LOWER),
    "ascii": ((0, 0x7F),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 0x1F), (0x7F, 0x7F)),
    "digit": (_DIGITS,),
    "graph": ((0x21, 0x7E),),
    "lower": (_LOWER,),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((9, 13), (32, 32)),
    "upper": (_UPPER,),
    "word": (_DIGITS, _UPPER, (ord("_"), ord("_")), _LOWER),
    "xdigit": (_DIGITS, (ord("A"), ord("F")), (ord("a"), ord("f"))),
}
_POSIX_NAME: Final = re.compile(r"\[:(\^?)(\w*):\]")
_UNICODE: Final = re.compile(r"\\([pP])(?:\{(\^?)([^}]*)\}|([^{]))")
_CATEGORIES: Final = frozenset(
    "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs".split()  # noqa: SIM905 - one line instead of 35
)
_ESCAPES: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_CODE: Final = re.compile(r"\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2}))")

ANY: Final = Characters(((0, _MAX_RUNE),))
NOT_NEWLINE: Final = Characters(((0, 9), (11, _MAX_RUNE)))


def one(code: int) -> Characters:
    """The class of one character."""
    return Characters(((code, code),))


def named_class(text: str, position: int) -> tuple[Characters, int] | None:
    r"""The class that `\d`, `\pL` and the like stand for there, and where the text goes on.

    Raises:
        SyntaxFailure: if Unicode has no such category, or it is a script.
    """
    letter = text[position + 1 : position + 2]
    if letter.lower() in _PERL and letter:
        perl = _PERL[letter.lower()]
        return perl if letter.islower() else Characters(excluded=(perl,)), position + 2
    match = _UNICODE.match(text, position)
    if match is None:
        return None
    name = match[3] if match[3] is not None else match[4]
    negated = (match[1] == "P") != (match[2] == "^")
    if name == "Any":
        return Characters(excluded=(ANY,)) if negated else ANY, match.end()
    if name not in _CATEGORIES:
        # The scripts (Greek, Han …) are valid in Go; Python's Unicode tables do not have them.
        raise SyntaxFailure(f"invalid character class range: `{match[0]}`")
    return Characters(categories=((name, negated),)), match.end()


def escaped_character(text: str, position: int) -> tuple[int, int]:
    """The code point that an escape stands for there, and where the text goes on.

    Raises:
        SyntaxFailure: if there is no such escape.
    """
    match = _CODE.match(text, position)
    if match is not None:
        code = int(match[1] or match[2], 16) if match[3] is None else int(match[3], 8)
        if code <= _MAX_RUNE:
            return code, match.end()
    letter = text[position + 1 : position + 2]
    if not letter:
        raise SyntaxFailure("trailing backslash at end of expression: ``")
    if letter in _ESCAPES:
        return _ESCAPES[letter], position + 2
    if letter.isascii() and not letter.isalnum():
        return ord(letter), position + 2
    length = 3 if letter == "x" else 2
    raise SyntaxFailure(f"invalid escape sequence: `{text[position : position + length]}`")


def bracketed(text: str, position: int, *, fold: bool) -> tuple[Characters, int]:
    """The class in brackets that begins there, and where the text goes on.

    Raises:
        SyntaxFailure: if it is malformed.
    """
    start = position
    position += 1
    negated = text.startswith("^", position)
    position += negated
    ranges: list[tuple[int, int]] = []
    categories: list[tuple[str, bool]] = []
    excluded: list[Characters] = []
    first = True
    while first or not text.startswith("]", position):
        first = False
        if position >= len(text):
            raise SyntaxFailure(f"missing closing ]: `{text[start:]}`")
        found = _posix(text, position) or (named_class(text, position) if text[position] == "\\" else None)
        if found is None:
            pair, position = _range(text, position, start)
            ranges.append(pair)
        else:
            characters, position = found
            ranges.extend(characters.ranges)
            categories.extend(characters.categories)
            excluded.extend(characters.excluded)
    inside = Characters(tuple(ranges), tuple(categories), tuple(excluded), fold)
    return Characters(excluded=(inside,)) if negated else inside, position + 1


def _posix(text: str, position: int) -> tuple[Characters, int] | None:
    match = _POSIX_NAME.match(text, position)
    if match is None:
        return None
    if match[2] not in _POSIX:
        raise SyntaxFailure(f"invalid character class range: `{match[0]}`")
    characters = Characters(_POSIX[match[2]])
    return Characters(excluded=(characters,)) if match[1] else characters, match.end()


def _range(text: str, position: int, start: int) -> tuple[tuple[int, int], int]:
    low, after = _single(text, position, start)
    if not text.startswith("-", after) or text.startswith("]", after + 1) or after + 1 >= len(text):
        return (low, low), after
    high, end = _single(text, after + 1, start)
    if high < low:
        raise SyntaxFailure(f"invalid character class range: `{text[position:end]}`")
    return (low, high), end


def _single(text: str, position: int, start: int) -> tuple[int, int]:
    if position >= len(text):
        raise SyntaxFailure(f"missing closing ]: `{text[start:]}`")
    return escaped_character(text, position) if text[position] == "\\" else (ord(text[position]), position + 1)
