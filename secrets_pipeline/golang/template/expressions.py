"""The inside of an action made into nodes: pipelines, commands and operands (`parse.go` of text/template/parse)."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.cursor import Cursor
from secrets_pipeline.golang.template.lexer import Kind, Token
from secrets_pipeline.golang.template.literals import number, unquote
from secrets_pipeline.golang.template.nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Number,
    Operand,
    Pipeline,
    String,
    Variable,
)

_LITERALS: Final = (Bool, Dot, Nil, Number, String)


class Expressions:
    """Parses what stands in actions, at a cursor.

    Attributes:
        variables: names, with the `$`, that are known here.
        functions: every name of a function found so far.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.variables = ["$"]
        self.functions: list[Identifier] = []
        self._cursor = cursor

    def pipeline(self, context: str, end: Kind = Kind.RIGHT_DELIMITER) -> Pipeline:
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
        commands: list[Command] = []
        while cursor.peek_word().kind is not end:
            commands.append(self._command(context))
        last = cursor.take()
        if not commands:
            raise cursor.error(f"missing value for {context}", last)
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], _LITERALS):
                raise cursor.error(f"non executable command in pipeline stage {stage}", last)
        return Pipeline(start, variables, assigns, tuple(commands))

    def string(self, token: Token) -> String:
        """The string that a token is.

        Raises:
            TemplateError: if it has an escape that Go does not know.
        """
        try:
            return String(token.position, token.text, unquote(token.text))
        except ValueError as error:
            raise self._cursor.error(str(error), token) from None

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """Variables before `:=` or `=`, and whether it is `=`; of `range` there may be two."""
        cursor = self._cursor
        variables: list[str] = []
        while cursor.peek_word().kind is Kind.VARIABLE:
            start = cursor.at
            name = cursor.take().text
            following = cursor.peek_word()
            declares = following.kind in (Kind.ASSIGN, Kind.DECLARE)
            if not declares and following.text != ",":
                cursor.at = start
                break
            cursor.take()
            self.variables.append(name)
            variables.append(name)
            if declares:
                return tuple(variables), following.kind is Kind.ASSIGN
            if context != "range" or len(variables) > 1:
                raise cursor.error(f"too many declarations in {context}", following)
            if cursor.peek_word().kind not in (Kind.VARIABLE, Kind.RIGHT_DELIMITER, Kind.RIGHT_PARENTHESIS):
                raise cursor.error("range can only initialize variables", following)
        return tuple(variables), False

    def _command(self, context: str) -> Command:
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
            if token.kind not in (Kind.RIGHT_DELIMITER, Kind.RIGHT_PARENTHESIS):
                cursor.take()
                if token.kind is Kind.SPACE:
                    continue
                if token.kind is not Kind.PIPE:
                    raise cursor.unexpected(token, "operand")
            return Command(first.position, tuple(operands))

    def _operand(self) -> Operand | None:
        """A term with the fields that follow it; None if the next token starts no term."""
        cursor = self._cursor
        term = self._term()
        names: list[str] = []
        while term is not None and (following := cursor.peek()).kind is Kind.FIELD:
            if isinstance(term, _LITERALS):
                raise cursor.error(f"unexpected . after term {quoted(str(term))}", following)
            names.append(cursor.take().text[1:])
        if term is None or not names:
            return term
        if isinstance(term, Field):
            return Field(term.position, (*term.fields, *names))
        if isinstance(term, Variable):
            return Variable(term.position, term.name, tuple(names))
        return Chain(term.position, term, tuple(names))

    def _term(self) -> Operand | None:
        token = self._cursor.peek()
        if token.kind is Kind.LEFT_PARENTHESIS:
            self._cursor.take()
            with self._cursor.nested():
                return self.pipeline("parenthesized pipeline", Kind.RIGHT_PARENTHESIS)
        term = self._literal(token) or self._name(token)
        if term is not None:
            self._cursor.take()
        return term

    def _literal(self, token: Token) -> Operand | None:
        match token.kind:
            case Kind.STRING:
                return self.string(token)
            case Kind.NUMBER | Kind.CHARACTER:
                return self._number(token)
            case Kind.BOOL:
                return Bool(token.position, token.text == "true")
            case Kind.NIL:
                return Nil(token.position)
        return None

    def _name(self, token: Token) -> Operand | None:
        match token.kind:
            case Kind.DOT:
                return Dot(token.position)
            case Kind.FIELD:
                return Field(token.position, (token.text[1:],))
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    raise self._cursor.error(f"undefined variable {quoted(token.text)}", token)
                return Variable(token.position, token.text)
            case Kind.IDENTIFIER:
                self.functions.append(Identifier(token.position, token.text))
                return self.functions[-1]
        return None

    def _number(self, token: Token) -> Number:
        try:
            return Number(token.position, token.text, *number(token.text))
        except ValueError as error:
            raise self._cursor.error(str(error), token) from None
