"""Defaults: they serve where there will never be a value, however late one asks."""

from __future__ import annotations

from collections.abc import Callable

from secrets_pipeline.references.model import Call, Expression, Literal, Output, Text, WithDefault
from secrets_pipeline.references.walk import outputs


def with_defaults(expression: Expression, absent: Callable[[Output], bool]) -> Expression:
    """The same expression, each default in the place of what it is the default of, if that has an absent output.

    Args:
        expression: without variables.
        absent: whether nobody will ever provide an output, as against not yet.
    """
    match expression:
        case WithDefault(expression=inner, default=default):
            settled = with_defaults(inner, absent)
            return Literal(default) if any(map(absent, outputs(settled))) else WithDefault(settled, default)
        case Call(function=function, argument=argument):
            return Call(function, with_defaults(argument, absent))
        case Text(parts=parts):
            return Text(tuple(with_defaults(part, absent) for part in parts))
        case _:
            return expression
