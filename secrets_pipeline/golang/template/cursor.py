"""Keep a parser's place in the tokens of a template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from secrets_pipeline.golang.failure import TemplateError, error_at
from secrets_pipeline.golang.limits import MAX_NESTING
from secrets_pipeline.golang.template.lexer import Token, TokenKind, tokens


class TokenCursor:
    """A place in the tokens of a template, which moves forward.

    Attributes:
        at: index of the next token; it may be set back to one that it had.
    """

    def __init__(self, text: str, left: str, right: str) -> None:
        self.at = 0
        self._text = text
        self._tokens = tokens(text, left, right)
        self._depth = 0

    def peek(self) -> Token:
        """The next token."""
        return self._tokens[self.at]

    def peek_word(self) -> Token:
        """The next token that is not space; space before it is passed."""
        while self._tokens[self.at].kind is TokenKind.SPACE:
            self.at += 1
        return self._tokens[self.at]

    def take(self) -> Token:
        """The next token, passed unless it is the last."""
        token = self._tokens[self.at]
        self.at += self.at < len(self._tokens) - 1
        return token

    def take_word(self) -> Token:
        """The next token that is not space, passed."""
        self.peek_word()
        return self.take()

    def expect(self, kind: TokenKind, context: str) -> None:
        """Pass a token of this kind.

        Raises:
            TemplateError: if the next token that is not space is of another kind.
        """
        token = self.take_word()
        if token.kind is not kind:
            raise self.unexpected(token, context)

    def unexpected(self, token: Token, context: str) -> TemplateError:
        """The error that this token cannot stand here, or the lexer's own."""
        if token.kind is TokenKind.ERROR:
            return self.error(token.text, token)
        return self.error(f"unexpected {token} in {context}", token)

    def error(self, message: str, token: Token) -> TemplateError:
        """An error at a token."""
        return error_at(message, self._text, token.position)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """What is parsed within is a block or stands in parentheses.

        Raises:
            TemplateError: if there are too many around it.
        """
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self.error("blocks and parentheses are nested too deeply", self.peek())
        yield
        self._depth -= 1
