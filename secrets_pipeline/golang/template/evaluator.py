"""Evaluate a pipeline (the `eval…` half of `exec.go` of text/template)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from secrets_pipeline.golang.failure import FunctionFailure, TemplateError, error_at
from secrets_pipeline.golang.limits import FREE_COST, Budget
from secrets_pipeline.golang.template.builtins import BUILTINS, SHORT_CIRCUITS
from secrets_pipeline.golang.template.nodes import (
    BoolNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    NilNode,
    Node,
    NumberNode,
    Operand,
    PipeNode,
    StringNode,
    VariableNode,
)
from secrets_pipeline.golang.template.signature import ParameterKind, empty_of, signature_of
from secrets_pipeline.golang.values import INVALID, Function, MissingKey, Namespace, Value, go_type, is_map, is_true


class _Mark(Enum):
    NOTHING = auto()
    NO_KEY = auto()


_NOTHING: Final = _Mark.NOTHING
"""The value that no earlier command of the pipeline has given."""


class _Given(NamedTuple):
    """What a function or a method is called with.

    Attributes:
        node: the call, for errors.
        dot: the value in which the operands are evaluated.
        operands: the arguments that are written.
        final: the last argument, from the pipeline; `_NOTHING` if it gives none.
    """

    node: Node
    dot: Value
    operands: Sequence[Operand] = ()
    final: Value = _NOTHING

    @property
    def is_empty(self) -> bool:
        return not self.operands and self.final is _NOTHING


_EXPECTED: Final = {
    ParameterKind.STRING: "string",
    ParameterKind.INT: "integer",
    ParameterKind.FLOAT: "float",
    ParameterKind.BOOL: "bool",
}


class PipelineEvaluator:
    """Evaluates the pipelines of one execution of a template.

    Attributes:
        variables: name and value of each variable, the innermost last.
        node: what is being evaluated, for errors.
        budget: what the execution may cost.
    """

    def __init__(
        self, text: str, functions: Mapping[str, Function], missing: MissingKey, budget: Budget | None = None
    ) -> None:
        self.variables: list[tuple[str, Value]] = []
        self.node: Node | None = None
        self._text = text
        self._functions = functions
        self._missing = missing
        self.budget = budget or Budget(len(text) + FREE_COST)

    def error(self, message: str) -> TemplateError:
        """The error at the current node."""
        if self.node is None:
            return TemplateError(message)
        return error_at(f"at <{self.node}>: {message}", self._text, self.node.position)

    def pipeline(self, dot: Value, pipeline: PipeNode) -> Value:
        """The value of a pipeline; its variables get it. It is never None: nil becomes `INVALID`, as in Go.

        Raises:
            TemplateError: if it cannot be evaluated.
        """
        self.node = pipeline
        value: Value = _NOTHING
        for command in pipeline.commands:
            value = self._command(dot, command, value)
            if value is None:
                value = INVALID
        for name in pipeline.variables:
            if pipeline.assigns:
                self.assign(name, value)
            else:
                self.variables.append((name, value))
        return value

    def assign(self, name: str, value: Value) -> None:
        """Give a variable another value."""
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        raise self.error(f"undefined variable: {name}")

    def _variable(self, name: str) -> Value:
        for known, value in reversed(self.variables):
            if known == name:
                return value
        raise self.error(f"undefined variable: {name}")

    def _command(self, dot: Value, command: CommandNode, final: Value) -> Value:
        first = command.operands[0]
        given = _Given(first, dot, command.operands[1:], final)
        if isinstance(first, FieldNode | VariableNode | ChainNode):
            return self._fields(first, given)
        if isinstance(first, IdentifierNode):
            return self._function(first, given._replace(node=command))
        if not isinstance(first, PipeNode):
            self.node = first
        self._require_none(first, given)
        if isinstance(first, NilNode):
            raise self.error("nil is not a command")
        return self._operand(dot, first)

    def _require_none(self, operand: Operand, given: _Given) -> None:
        if not given.is_empty:
            raise self.error(f"can't give argument to non-function {operand}")

    def _operand(self, dot: Value, operand: Operand) -> Value:
        """The value of an operand without arguments of its own."""
        self.node = operand
        if isinstance(operand, FieldNode | VariableNode | ChainNode):
            return self._fields(operand, _Given(operand, dot))
        if isinstance(operand, IdentifierNode):
            return self._function(operand, _Given(operand, dot))
        if isinstance(operand, PipeNode):
            return self.pipeline(dot, operand)
        if isinstance(operand, DotNode):
            return dot
        return INVALID if isinstance(operand, NilNode) else self._ideal(operand)

    def _ideal(self, literal: BoolNode | NumberNode | StringNode) -> Value:
        """The value of a literal where any type will do."""
        if literal.value is None:
            raise self.error(f"{literal} overflows int")
        return literal.value

    # Fields and methods

    def _fields(self, node: FieldNode | VariableNode | ChainNode, given: _Given) -> Value:
        self.node = node
        if isinstance(node, FieldNode):
            names, receiver = node.fields, given.dot
        elif isinstance(node, VariableNode):
            names, receiver = node.fields, self._variable(node.name)
            if not names:
                self._require_none(node, given)
                return receiver
        else:
            names, receiver = node.fields, self._operand(given.dot, node.operand)
        inner = False
        for name in names[:-1]:
            receiver = self._field(receiver, name, _Given(node, given.dot), inner=inner)
            inner = True
        return self._field(receiver, names[-1], given, inner=inner)

    def _field(self, receiver: Value, name: str, given: _Given, *, inner: bool) -> Value:
        """A field of a value; of an inner one, Go knows no more than that it is an `interface {}`."""
        if is_map(receiver):
            return self._entry(receiver, name, given)
        if receiver is INVALID:
            if self._missing is MissingKey.ERROR:
                raise self.error(f'nil data; no entry for key "{name}"')
            return INVALID
        if receiver is None:
            raise self.error(f"nil pointer evaluating interface {{}}.{name}")
        if isinstance(receiver, Namespace) and name in receiver.methods:
            return self._call(receiver.methods[name], name, given)
        found = "interface {}" if inner else go_type(receiver)
        raise self.error(f"can't evaluate field {name} in type {found}")

    def _entry(self, receiver: Mapping[str, Value], name: str, given: _Given) -> Value:
        if not given.is_empty:
            raise self.error(f"{name} is not a method but has arguments")
        value = receiver.get(name, _Mark.NO_KEY)
        if value is not _Mark.NO_KEY:
            return value
        if self._missing is MissingKey.ERROR:
            raise self.error(f'map has no entry for key "{name}"')
        return INVALID

    # Functions

    def _function(self, identifier: IdentifierNode, given: _Given) -> Value:
        self.node = identifier
        name = identifier.name
        function = self._functions.get(name)
        if function is None and name in SHORT_CIRCUITS:
            return self._short_circuit(name, given)
        function = function or BUILTINS.get(name)
        if function is None:
            raise self.error(f'"{name}" is not a defined function')
        return self._call(function, name, given)

    def _short_circuit(self, name: str, given: _Given) -> Value:
        if given.is_empty:
            raise self.error(f"wrong number of args for {name}: want at least 1 got 0")
        value = given.final
        for operand in given.operands:
            value = self._operand(given.dot, operand)
            if is_true(value) is SHORT_CIRCUITS[name]:
                return value
        return value if given.final is _NOTHING else given.final

    def _call(self, function: Function, name: str, given: _Given) -> Value:
        signature = signature_of(function)
        mistake = signature.mistake(len(given.operands), given.final is not _NOTHING)
        if mistake:
            raise self.error(f"wrong number of args for {name}: {mistake}")
        values = [self._argument(given.dot, one, signature.kind(at)) for at, one in enumerate(given.operands)]
        if given.final is not _NOTHING:
            values.append(self._checked(given.final, signature.kind(len(values))))
        try:
            self.budget.take(values)
            result = function(*values)
            self.budget.charge(result)
        except (FunctionFailure, TemplateError) as error:
            self.node = given.node
            raise self.error(f"error calling {name}: {error}") from error
        except UnicodeEncodeError:
            # Only JSON can bring one in, where Go reads U+FFFD instead.
            self.node = given.node
            raise self.error(f"error calling {name}: a text holds half of a character (a lone surrogate)") from None
        return result

    def _argument(self, dot: Value, operand: Operand, kind: ParameterKind) -> Value:
        if isinstance(operand, BoolNode | NumberNode | StringNode):
            self.node = operand
            return self._literal(operand, kind)
        if isinstance(operand, NilNode):
            self.node = operand
            if kind not in (ParameterKind.ANY, ParameterKind.MAP):
                raise self.error(f"cannot assign nil to {kind.value}")
            return empty_of(kind)
        return self._checked(self._operand(dot, operand), kind)

    def _literal(self, literal: BoolNode | NumberNode | StringNode, kind: ParameterKind) -> Value:
        """A literal as an argument: a number takes the type of the parameter if it can."""
        if kind is ParameterKind.ANY:
            return self._ideal(literal)
        if isinstance(literal, NumberNode) and kind is ParameterKind.INT and literal.integer is not None:
            return literal.integer
        if isinstance(literal, NumberNode) and kind is ParameterKind.FLOAT and literal.value is not None:
            return float(literal.value)
        if not isinstance(literal, NumberNode) and kind.accepts(literal.value):
            return literal.value
        if kind is ParameterKind.MAP:
            raise self.error(f"can't handle {literal} for arg of type {kind.value}")
        raise self.error(f"expected {_EXPECTED[kind]}; found {literal}")

    def _checked(self, value: Value, kind: ParameterKind) -> Value:
        """A value as an argument, if its type is the parameter's."""
        if value is INVALID:
            if kind not in (ParameterKind.ANY, ParameterKind.MAP):
                raise self.error(f"invalid value; expected {kind.value}")
            return empty_of(kind)
        if not kind.accepts(value):
            found = "interface {}" if value is None else go_type(value)
            raise self.error(f"wrong type for value; expected {kind.value}; got {found}")
        return value
