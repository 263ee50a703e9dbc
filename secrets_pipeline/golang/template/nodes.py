"""Define the syntax tree of a template. `str` of a node gives its source as Go writes it in errors.

Every `position` counts characters from the start of the template's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from secrets_pipeline.golang.printing import quoted


@dataclass(frozen=True, slots=True)
class DotNode:
    """`.`: the current value."""

    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class NilNode:
    """`nil`."""

    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class BoolNode:
    """`true` or `false`."""

    position: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class NumberNode:
    """A number or a character.

    Attributes:
        source: how it is written.
        value: what it is where any type will do; None if Go's `int` cannot hold it.
        integer: what it is where an integer is expected; None if it is none.
    """

    position: int
    source: str
    value: int | float | None
    integer: int | None

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True)
class StringNode:
    """A string literal: as it is written and what it means."""

    position: int
    source: str
    value: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True)
class FieldNode:
    """`.a.b`: fields of the current value."""

    position: int
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return "." + ".".join(self.fields)


@dataclass(frozen=True, slots=True)
class VariableNode:
    """`$x.a.b`: a variable, its name with the `$`, and fields of it."""

    position: int
    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True)
class IdentifierNode:
    """The name of a function."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ChainNode:
    """`(pipeline).a.b` or `function.a.b`: fields of another operand."""

    position: int
    operand: Operand
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((_in_parentheses(self.operand), *self.fields))


@dataclass(frozen=True, slots=True)
class CommandNode:
    """An operand and the arguments it is given."""

    position: int
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(map(_in_parentheses, self.operands))


@dataclass(frozen=True, slots=True)
class PipeNode:
    """Commands, each of which gets the value of the one before it as its last argument.

    Attributes:
        variables: names that get the value, with the `$`.
        assigns: whether they exist already (`=`, not `:=`).
    """

    position: int
    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[CommandNode, ...]

    def __str__(self) -> str:
        declared = ", ".join(self.variables) + (" = " if self.assigns else " := ") if self.variables else ""
        return declared + " | ".join(map(str, self.commands))


@dataclass(frozen=True, slots=True)
class TextNode:
    """Text outside of actions."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class ActionNode:
    """A pipeline whose value is printed unless it is declared."""

    position: int
    pipeline: PipeNode

    def __str__(self) -> str:
        return f"{{{{{self.pipeline}}}}}"


@dataclass(frozen=True, slots=True)
class IfNode:
    """`if`: a body, or another one."""

    position: int
    pipeline: PipeNode
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class WithNode:
    """`with`: a body with the value as dot, or another one."""

    position: int
    pipeline: PipeNode
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class RangeNode:
    """`range`: a body for each element, or another one if there is none."""

    position: int
    pipeline: PipeNode
    body: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class BreakNode:
    """`break`."""

    position: int


@dataclass(frozen=True, slots=True)
class ContinueNode:
    """`continue`."""

    position: int


@dataclass(frozen=True, slots=True)
class TemplateNode:
    """`template`: a named template with the value of the pipeline, if any, as dot."""

    position: int
    name: str
    pipeline: PipeNode | None

    def __str__(self) -> str:
        return f"{{{{template {quoted(self.name)}{f' {self.pipeline}' if self.pipeline else ''}}}}}"


Operand: TypeAlias = (
    DotNode
    | NilNode
    | BoolNode
    | NumberNode
    | StringNode
    | FieldNode
    | VariableNode
    | IdentifierNode
    | ChainNode
    | PipeNode
)
Statement: TypeAlias = TextNode | ActionNode | IfNode | WithNode | RangeNode | BreakNode | ContinueNode | TemplateNode
Body: TypeAlias = tuple[Statement, ...]
Node: TypeAlias = Operand | CommandNode | ActionNode | TemplateNode


def _in_parentheses(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, PipeNode) else str(operand)
