"""Parse tokens into a syntax tree: text, actions and blocks (`parse.go` of text/template/parse)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.cursor import TokenCursor
from secrets_pipeline.golang.template.expressions import Expressions
from secrets_pipeline.golang.template.lexer import Token, TokenKind
from secrets_pipeline.golang.template.nodes import (
    ActionNode,
    Body,
    BreakNode,
    ContinueNode,
    IdentifierNode,
    IfNode,
    RangeNode,
    Statement,
    TemplateNode,
    TextNode,
    WithNode,
)

_BLOCKS: Final[dict[str, type[IfNode | WithNode | RangeNode]]] = {"if": IfNode, "with": WithNode, "range": RangeNode}


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed template.

    Attributes:
        body: what it does.
        definitions: bodies of the templates that it defines, by name.
        functions: the names of functions in it, in order.
    """

    body: Body
    definitions: Mapping[str, Body]
    functions: tuple[IdentifierNode, ...]


def parse_tree(text: str, left: str, right: str) -> Tree:
    """The syntax tree of a template with these delimiters.

    Raises:
        TemplateError: if it is not a template. Whether its functions exist is not checked.
    """
    parser = _Parser(TokenCursor(text, left, right))
    body = parser.whole()
    return Tree(body, parser.definitions, tuple(parser.expressions.functions))


class _Parser:
    def __init__(self, cursor: TokenCursor) -> None:
        self.cursor = cursor
        self.expressions = Expressions(cursor)
        self.definitions: dict[str, Body] = {}
        self.loops = 0

    def whole(self) -> Body:
        """Everything; `define` is allowed here only."""
        cursor = self.cursor
        body: list[Statement] = []
        while cursor.peek().kind is not TokenKind.EOF:
            start = cursor.at
            if cursor.take().kind is TokenKind.LEFT_DELIMITER and _is_keyword(cursor.take_word(), "define"):
                self.definition()
                continue
            cursor.at = start
            statement = self.statement()
            if isinstance(statement, Token):
                raise cursor.error(f"unexpected {_action(statement)}", statement)
            body.append(statement)
        return tuple(body)

    def definition(self) -> None:
        """The name and the body of `define`."""
        name = self.template_name(self.cursor.take_word(), "define clause")
        self.cursor.expect(TokenKind.RIGHT_DELIMITER, "define clause")
        self.define(name, "define clause")

    def define(self, name: str, context: str) -> None:
        """The body of `define` or `block`, in which no variable of the outside is known."""
        expressions = self.expressions
        outside = expressions.variables, self.loops
        expressions.variables, self.loops = ["$"], 0
        with self.cursor.nested():
            body, end = self.body()
        expressions.variables, self.loops = outside
        if end.text != "end":
            raise self.cursor.error(f"unexpected {_action(end)} in {context}", end)
        if name not in self.definitions or _is_empty(self.definitions[name]):
            self.definitions[name] = body
        elif not _is_empty(body):
            raise self.cursor.error(f"template: multiple definition of template {quoted(name)}", end)

    def body(self) -> tuple[Body, Token]:
        """Statements up to `end` or `else`, and that token."""
        found: list[Statement] = []
        while (following := self.cursor.peek_word()).kind is not TokenKind.EOF:
            statement = self.statement()
            if isinstance(statement, Token):
                return tuple(found), statement
            found.append(statement)
        raise self.cursor.error("unexpected EOF", following)

    def statement(self) -> Statement | Token:
        """A text or an action; of `end` and `else`, the token."""
        token = self.cursor.take_word()
        if token.kind is TokenKind.TEXT:
            return TextNode(token.position, token.text)
        if token.kind is not TokenKind.LEFT_DELIMITER:
            raise self.cursor.unexpected(token, "input")
        token = self.cursor.peek_word()
        if token.kind is not TokenKind.KEYWORD or token.text == "define":
            return ActionNode(token.position, self.expressions.pipeline("command"))
        return self.keyword(self.cursor.take())

    def keyword(self, token: Token) -> Statement | Token:
        """An action that starts with this keyword."""
        if token.text in _BLOCKS:
            return self.block(token)
        if token.text in ("break", "continue"):
            return self.jump(token)
        if token.text in ("template", "block"):
            return self.template_call(token)
        if token.text == "end" or not _is_keyword(self.cursor.peek_word(), "if", "with"):
            self.cursor.expect(TokenKind.RIGHT_DELIMITER, token.text)
        return token

    def block(self, token: Token) -> Statement:
        """`if`, `with` or `range` up to its `end`."""
        known = len(self.expressions.variables)
        is_loop = token.text == "range"
        with self.cursor.nested():
            pipeline = self.expressions.pipeline(token.text)
            self.loops += is_loop
            body, end = self.body()
            self.loops -= is_loop
            otherwise = self.otherwise(token.text) if end.text == "else" else ()
        del self.expressions.variables[known:]
        return _BLOCKS[token.text](token.position, pipeline, body, otherwise)

    def otherwise(self, word: str) -> Body:
        """What follows `else`: the `if` of an `else if` ends with the same `end`."""
        if word != "range" and _is_keyword(self.cursor.peek(), word):
            return (self.block(self.cursor.take()),)
        body, end = self.body()
        if end.text != "end":
            raise self.cursor.error(f"expected end; found {_action(end)}", end)
        return body

    def jump(self, token: Token) -> BreakNode | ContinueNode:
        """`break` or `continue`."""
        self.cursor.expect(TokenKind.RIGHT_DELIMITER, _action(token))
        if not self.loops:
            raise self.cursor.error(f"{_action(token)} outside {{{{range}}}}", token)
        return BreakNode(token.position) if token.text == "break" else ContinueNode(token.position)

    def template_call(self, token: Token) -> TemplateNode:
        """`template`, or `block`, which defines what it calls."""
        context = f"{token.text} clause"
        place = self.cursor.take_word()
        name = self.template_name(place, context)
        pipeline = None
        if token.text == "block" or self.cursor.peek_word().kind is not TokenKind.RIGHT_DELIMITER:
            pipeline = self.expressions.pipeline(context)
        else:
            self.cursor.take()
        if token.text == "block":
            self.define(name, context)
        return TemplateNode(place.position, name, pipeline)

    def template_name(self, token: Token, context: str) -> str:
        """The name that a string literal gives."""
        if token.kind is not TokenKind.STRING:
            raise self.cursor.unexpected(token, context)
        return self.expressions.string(token).value


def _action(token: Token) -> str:
    return f"{{{{{token.text}}}}}"


def _is_keyword(token: Token, *words: str) -> bool:
    return token.kind is TokenKind.KEYWORD and token.text in words


def _is_empty(body: Body) -> bool:
    return all(isinstance(statement, TextNode) and not statement.text.strip() for statement in body)
