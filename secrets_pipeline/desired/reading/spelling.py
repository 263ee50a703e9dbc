"""Write references as the YAML that is being read spells them: as Atmos's function, or as `${…}`; never a default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import PLAIN_STEP, Environment, Expression, Output, Path, WithDefault
from secrets_pipeline.references.yaml_functions import parse_function
from secrets_pipeline.stacks import Component
from secrets_pipeline.stacks.functions.arguments import ArgumentsError, store, words

_OF_OUTPUTS: Final = ("!terraform.output", "!terraform.state")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def function_at(component: Component, path: Path) -> FunctionCall | None:
    """Return the YAML function that stands at a place of a component; None if there is another thing, or nothing."""
    found: object = component.sections
    for step in path:
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found if isinstance(found, FunctionCall) else None


def shown_call(call: FunctionCall | None) -> str:
    """Return the text of a YAML function for messages and tables: the tag, and what it names, without a default.

    Anybody may read it, and a default or a literal of yq may be a secret. A call that cannot be taken apart is its tag.

    Args:
        call: as the YAML has it; None gives an empty text.
    """
    if call is None:
        return ""
    try:
        return " ".join((call.tag, *_named(call)))
    except (ExpressionError, ArgumentsError):
        return call.tag


def spelled(expression: Expression, written: FunctionCall | None) -> str:
    """Return the text of a reference, in the spelling of the place that it stands at.

    Args:
        expression: the reference, or another one to write there instead.
        written: the function that stands there; None where `${…}` is written.
    """
    if written is None or not isinstance(expression, Output) or written.tag not in _OF_OUTPUTS:
        return str(expression)
    return " ".join((written.tag, *_of_output(expression)))


def _named(call: FunctionCall) -> tuple[str, ...]:
    """Return the component, stack and path that a call names, or the variable, or the store and key, or the secret."""
    match call.tag:
        case "!terraform.output" | "!terraform.state" | "!env":
            return _in_expression(parse_function(call.tag, call.args))
        case "!store" | "!store.get":
            asked = store(call.tag, call.args)
            return tuple(filter(None, (asked.store, asked.stack, asked.component, asked.key)))
        case "!secret":
            return tuple(words(call.tag, call.args.split("|")[0], 1, 1))
        case _:
            return ()


def _in_expression(expression: Expression) -> tuple[str, ...]:
    match expression:
        case WithDefault(expression=inner):
            return _in_expression(inner)
        case Output():
            return _of_output(expression)
        case Environment(name=name) if _VARIABLE.fullmatch(name):
            return (name,)
        case _:
            return ()


def _of_output(output: Output) -> tuple[str, ...]:
    stack = (output.stack,) if output.stack else ()
    path = _yq(output.path)
    if any(one in path for one in " '"):
        doubled = path.replace("'", "''")
        path = f"'{doubled}'"
    return (output.component, *stack, path)


def _yq(path: Path) -> str:
    """Write a path as yq and `parse_function` read it: `m["a.b"][0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif PLAIN_STEP.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text
