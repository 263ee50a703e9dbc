"""Parse the inside of an action: pipelines, commands and operands (`parse.go` of text/template/parse)."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.cursor import TokenCursor
from secrets_pipeline.golang.template.lexer import Token, TokenKind
from secrets_pipeline.golang.template.literals import number, unquote
from secrets_pipeline.golang.template.nodes import (
    BoolNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    NilNode,
    NumberNode,
    Operand,
    PipeNode,
    StringNode,
    VariableNode,
)

_LITERALS: Final = (BoolNode, DotNode, NilNode, NumberNode, StringNode)


class Expressions:
    """Parses what stands in actions, at a cursor.

    Attributes:
        variables: names, with the `$`, that are known here.
        functions: every name of a function found so far.
    """

    def __init__(self, cursor: TokenCursor) -> None:
        self.variables = ["$"]
        self.functions: list[IdentifierNode] = []
        self._cursor = cursor

    def pipeline(self, context: str, end: TokenKind = TokenKind.RIGHT_DELIMITER) -> PipeNode:
        """A pipeline and the token after it.

        Args:
            context: what it is a part of, for errors.
            end: the kind of the token after it.

        Raises:
            TemplateError: if there is none, or it does not end there.
        """
        cursor = self._cursor
        start = cursor.peek_word().position
        variables, assigns = self._declarations(context)
        commands: list[CommandNode] = []
        while cursor.peek_word().kind is not end:
            commands.append(self._command(context))
        last = cursor.take()
        if not commands:
            raise cursor.error(f"missing value for {context}", last)
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], _LITERALS):
                raise cursor.error(f"non executable command in pipeline stage {stage}", last)
        return PipeNode(start, variables, assigns, tuple(commands))

    def string(self, token: Token) -> StringNode:
        """The string that a token is.

        Raises:
            TemplateError: if it has an escape that Go does not know.
        """
        try:
            return StringNode(token.position, token.text, unquote(token.text))
        except ValueError as error:
            raise self._cursor.error(str(error), token) from None

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Variables before `:=` or `=`, and whether it is `=`; of `range` there may be two."""
        cursor = self._cursor
        variables: list[str] = []
        while cursor.peek_word().kind is TokenKind.VARIABLE:
            start = cursor.at
            name = cursor.take().text
            following = cursor.peek_word()
            declares = following.kind in (TokenKind.ASSIGN, TokenKind.DECLARE)
            if not declares and following.text != ",":
                cursor.at = start
                break
            cursor.take()
            self.variables.append(name)
            variables.append(name)
            if declares:
                return tuple(variables), following.kind is TokenKind.ASSIGN
            if context != "range" or len(variables) > 1:
                raise cursor.error(f"too many declarations in {context}", following)
            if cursor.peek_word().kind not in (
                TokenKind.VARIABLE,
                TokenKind.RIGHT_DELIMITER,
                TokenKind.RIGHT_PARENTHESIS,
            ):
                raise cursor.error("range can only initialize variables", following)
        return tuple(variables), False

    def _command(self, context: str) -> CommandNode:
        """Operands with space between them, and the `|` after them."""
        cursor = self._cursor
        first = cursor.peek_word()
        operands: list[Operand] = []
        while True:
            cursor.peek_word()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = cursor.peek()
            if not operands:
                raise cursor.unexpected(token, context)
            if token.kind not in (TokenKind.RIGHT_DELIMITER, TokenKind.RIGHT_PARENTHESIS):
                cursor.take()
                if token.kind is TokenKind.SPACE:
                    continue
                if token.kind is not TokenKind.PIPE:
                    raise cursor.unexpected(token, "operand")
            return CommandNode(first.position, tuple(operands))

    def _operand(self) -> Operand | None:
        """A term with the fields that follow it; None if the next token starts no term."""
        cursor = self._cursor
        term = self._term()
        names: list[str] = []
        while term is not None and (following := cursor.peek()).kind is TokenKind.FIELD:
            if isinstance(term, _LITERALS):
                raise cursor.error(f"unexpected . after term {quoted(str(term))}", following)
            names.append(cursor.take().text[1:])
        if term is None or not names:
            return term
        if isinstance(term, FieldNode):
            return FieldNode(term.position, (*term.fields, *names))
        if isinstance(term, VariableNode):
            return VariableNode(term.position, term.name, tuple(names))
        return ChainNode(term.position, term, tuple(names))

    def _term(self) -> Operand | None:
        token = self._cursor.peek()
        if token.kind is TokenKind.LEFT_PARENTHESIS:
            self._cursor.take()
            with self._cursor.nested():
                return self.pipeline("parenthesized pipeline", TokenKind.RIGHT_PARENTHESIS)
        term = self._literal(token) or self._name(token)
        if term is not None:
            self._cursor.take()
        return term

    def _literal(self, token: Token) -> Operand | None:
        match token.kind:
            case TokenKind.STRING:
                return self.string(token)
            case TokenKind.NUMBER | TokenKind.CHARACTER:
                return self._number(token)
            case TokenKind.BOOL:
                return BoolNode(token.position, token.text == "true")
            case TokenKind.NIL:
                return NilNode(token.position)
        return None

    def _name(self, token: Token) -> Operand | None:
        match token.kind:
            case TokenKind.DOT:
                return DotNode(token.position)
            case TokenKind.FIELD:
                return FieldNode(token.position, (token.text[1:],))
            case TokenKind.VARIABLE:
                if token.text not in self.variables:
                    raise self._cursor.error(f"undefined variable {quoted(token.text)}", token)
                return VariableNode(token.position, token.text)
            case TokenKind.IDENTIFIER:
                self.functions.append(IdentifierNode(token.position, token.text))
                return self.functions[-1]
        return None

    def _number(self, token: Token) -> NumberNode:
        try:
            return NumberNode(token.position, token.text, *number(token.text))
        except ValueError as error:
            raise self._cursor.error(str(error), token) from None
