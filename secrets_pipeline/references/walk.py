"""What an expression refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from secrets_pipeline.references.model import (
    Call,
    Expression,
    Output,
    SsmParameter,
    Stored,
    Text,
    WithDefault,
)


def nodes(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside it, in order of appearance."""
    yield expression
    match expression:
        case Text(parts=parts):
            for part in parts:
                yield from nodes(part)
        case Call(argument=argument):
            yield from nodes(argument)
        case WithDefault(expression=inner) | Stored(parameter=inner):
            yield from nodes(inner)
        case _:
            return


def expressions(tree: object) -> Iterator[Expression]:
    """Every expression of a JSON-shaped tree, in order of appearance."""
    if isinstance(tree, Expression):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from expressions(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from expressions(value)


def outputs(expression: Expression) -> tuple[Output, ...]:
    """Every output that it names, once each, in order of appearance."""
    return tuple(dict.fromkeys(node for node in nodes(expression) if isinstance(node, Output)))


def ssm_parameters(expression: Expression) -> tuple[str, ...]:
    """Every SSM parameter that it names, once each, in order of appearance."""
    return tuple(dict.fromkeys(node.name for node in nodes(expression) if isinstance(node, SsmParameter)))
