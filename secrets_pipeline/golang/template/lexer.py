"""Cut a template's text into tokens (`lex.go` of text/template/parse)."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from secrets_pipeline.golang.printing import quoted


class TokenKind(Enum):
    """The kind of a token."""

    ERROR = auto()
    EOF = auto()
    TEXT = auto()
    LEFT_DELIMITER = auto()
    RIGHT_DELIMITER = auto()
    SPACE = auto()
    STRING = auto()
    CHARACTER = auto()
    NUMBER = auto()
    BOOL = auto()
    VARIABLE = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    DOT = auto()
    NIL = auto()
    KEYWORD = auto()
    DECLARE = auto()
    ASSIGN = auto()
    PIPE = auto()
    LEFT_PARENTHESIS = auto()
    RIGHT_PARENTHESIS = auto()
    OTHER = auto()


class Token(NamedTuple):
    """A piece of the text; of an `ERROR`, the message. The position counts characters from 0."""

    kind: TokenKind
    text: str
    position: int

    def __str__(self) -> str:
        if self.kind is TokenKind.EOF:
            return "EOF"
        if self.kind is TokenKind.ERROR:
            return self.text
        if self.kind in (TokenKind.KEYWORD, TokenKind.DOT, TokenKind.NIL):
            return f"<{self.text}>"
        return f"{quoted(self.text[:_SHOWN])}..." if len(self.text.encode()) > _SHOWN else quoted(self.text)


_SHOWN: Final = 10
_SPACES: Final = " \t\r\n"
_TERMINATORS: Final = frozenset(_SPACES + ".,|:()")
_TRIM_MARKERS: Final = frozenset(f"-{space}" for space in _SPACES)
_KEYWORDS: Final = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})
_WORDS: Final = {"nil": TokenKind.NIL, "true": TokenKind.BOOL, "false": TokenKind.BOOL}
_ACTION: Final = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)
    | (?P<character>'(?:[^'\\\n]|\\[^\n])*')
    | (?P<number>(?=[-+0-9]|\.[0-9])[-+]?(?:
        0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][-+]?[0-9_]*)?
        | 0[oO][0-7_]*(?:\.[0-7_]*)?
        | 0[bB][01_]*(?:\.[01_]*)?
        | [0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]*)?
      )i?)
    | (?P<variable>\$\w*)
    | (?P<field>\.\w+)
    | (?P<dot>\.)
    | (?P<word>\w+)
    | (?P<declare>:=)
    | (?P<assign>=)
    | (?P<pipe>\|)
    | (?P<left>\()
    | (?P<right>\))
    | (?P<colon>:)
    | (?P<unterminated>["'`])
    | (?P<other>[!-~])
    """,
    re.VERBOSE,
)
_KINDS: Final = {
    "space": TokenKind.SPACE,
    "string": TokenKind.STRING,
    "character": TokenKind.CHARACTER,
    "declare": TokenKind.DECLARE,
    "assign": TokenKind.ASSIGN,
    "pipe": TokenKind.PIPE,
    "left": TokenKind.LEFT_PARENTHESIS,
    "right": TokenKind.RIGHT_PARENTHESIS,
    "other": TokenKind.OTHER,
}
_NAMES: Final = {"variable": TokenKind.VARIABLE, "field": TokenKind.FIELD, "dot": TokenKind.DOT}
_UNTERMINATED: Final = {
    '"': "unterminated quoted string",
    "'": "unterminated character constant",
    "`": "unterminated raw quoted string",
}


class _Problem(Exception):
    """The text cannot be cut further."""


def tokens(text: str, left: str, right: str) -> list[Token]:
    """The tokens of a text, the last of them `EOF` or `ERROR`.

    Args:
        text: the template.
        left: delimiter that starts an action.
        right: delimiter that ends it.
    """
    lexer = _Lexer(text, left, right)
    try:
        lexer.run()
    except _Problem as problem:
        lexer.found.append(Token(TokenKind.ERROR, str(problem), lexer.at))
    return lexer.found


class _Lexer:
    def __init__(self, text: str, left: str, right: str) -> None:
        self.text = text
        self.left = left
        self.right = right
        self.closing = _closing(right)
        self.at = 0
        self.found: list[Token] = []

    def run(self) -> None:
        """Text, action, text, action … to the end."""
        while (start := self.text.find(self.left, self.at)) >= 0:
            inside = start + len(self.left)
            trims = self.text[inside : inside + 2] in _TRIM_MARKERS
            plain = self.text[self.at : start]
            self._add_text(plain.rstrip(_SPACES) if trims else plain)
            self.at = inside + 2 if trims else inside
            if self.text.startswith("/*", self.at):
                self._comment()
            else:
                self.found.append(Token(TokenKind.LEFT_DELIMITER, self.left, start))
                self._action()
        self._add_text(self.text[self.at :])
        self.found.append(Token(TokenKind.EOF, "", len(self.text)))

    def _add_text(self, plain: str) -> None:
        if plain:
            self.found.append(Token(TokenKind.TEXT, plain, self.at))

    def _comment(self) -> None:
        end = self.text.find("*/", self.at + 2)
        if end < 0:
            raise _Problem("unclosed comment")
        self.at = end + 2
        if not self._close():
            raise _Problem("comment ends before closing delimiter")

    def _close(self) -> bool:
        """Step over a right delimiter, with its trim marker and what that trims, if one is here."""
        match = self.closing.match(self.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        return True

    def _action(self) -> None:
        parentheses = 0
        while True:
            start = self.at
            if self._close():
                if parentheses:
                    raise _Problem("unclosed left paren")
                self.found.append(Token(TokenKind.RIGHT_DELIMITER, self.right, start))
                return
            token = self._token()
            parentheses += (token.kind is TokenKind.LEFT_PARENTHESIS) - (token.kind is TokenKind.RIGHT_PARENTHESIS)
            if parentheses < 0:
                raise _Problem("unexpected right paren")
            self.found.append(token)

    def _token(self) -> Token:
        match = _ACTION.match(self.text, self.at)
        if match is None:
            raise _Problem(self._unreadable())
        group, found, start = match.lastgroup or "", match[0], self.at
        if group == "number":
            return self._number(match)
        if group == "colon":
            raise _Problem("expected :=")
        if group == "unterminated":
            raise _Problem(_UNTERMINATED[found])
        if group in _KINDS:
            self.at = match.end()
            if group == "space" and self.text.startswith("-" + self.right, self.at) and len(found) > 1:
                self.at -= 1  # the last space belongs to the trim marker
            return Token(_KINDS[group], self.text[start : self.at], start)
        name = _name(found)
        if not name:
            raise _Problem(self._unreadable())
        self.at += len(name)
        self._require_terminator()
        if group == "word":
            kind = TokenKind.KEYWORD if name in _KEYWORDS else _WORDS.get(name, TokenKind.IDENTIFIER)
        else:
            kind = _NAMES[group] if name != "." else TokenKind.DOT
        return Token(kind, name, start)

    def _number(self, match: re.Match[str]) -> Token:
        end = match.end()
        if self.text[end : end + 1] in ("+", "-"):
            second = _ACTION.match(self.text, end)
            end = second.end() if second else end
            if not self.text.startswith("i", end - 1):
                raise _Problem(f"bad number syntax: {quoted(self.text[self.at : end])}")
        if _is_alphanumeric(self.text[end : end + 1]):
            raise _Problem(f"bad number syntax: {quoted(self.text[self.at : end + 1])}")
        start, self.at = self.at, end
        return Token(TokenKind.NUMBER, self.text[start:end], start)

    def _require_terminator(self) -> None:
        following = self.text[self.at : self.at + 1]
        if following and following not in _TERMINATORS and not self.text.startswith(self.right, self.at):
            raise _Problem(f"bad character {_unicode(following)}")

    def _unreadable(self) -> str:
        if self.at == len(self.text):
            return "unclosed action"
        return f"unrecognized character in action: {_unicode(self.text[self.at])}"


@lru_cache(maxsize=16)
def _closing(right: str) -> re.Pattern[str]:
    delimiter = re.escape(right)
    return re.compile(rf"[ \t\r\n]-{delimiter}[ \t\r\n]*|{delimiter}")


def _name(found: str) -> str:
    """The start of the text that Go takes for a name: Python's regular expressions allow more numerals."""
    if found.isascii():
        return found
    end = next((i for i, c in enumerate(found) if i and not _is_alphanumeric(c)), len(found))
    return found[:end] if _is_alphanumeric(found[0]) or found[0] in ".$" else ""


def _is_alphanumeric(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()


def _unicode(character: str) -> str:
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"
