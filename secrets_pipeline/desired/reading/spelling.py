"""Write references as the YAML that is being read spells them: as Atmos's function, or as `${…}`."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Environment, Expression, Output, Path, WithDefault, dotted
from secrets_pipeline.references.yaml_functions import parse_function
from secrets_pipeline.stacks import Component

_OF_OUTPUTS = ("!terraform.output", "!terraform.state")
_OF_STORES = ("!secret", "!store", "!store.get")


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


def shown_call(call: FunctionCall) -> str:
    """Return the text of a function without its default, program or expression, which may hold a secret value."""
    if call.tag in _OF_STORES:
        return f"{call.tag} {call.args.partition('|')[0]}".strip()
    try:
        expression = parse_function(call.tag, call.args)
    except ExpressionError:
        return call.tag
    match expression.expression if isinstance(expression, WithDefault) else expression:
        case Environment(name=name):
            return f"{call.tag} {name}"
        case Output() as output:
            return spelled(output, call)
        case _:
            return call.tag


def spelled(expression: Expression, written: FunctionCall | None) -> str:
    """Return the text of a reference, in the spelling of the place that it stands at.

    Args:
        expression: the reference, or another one to write there instead.
        written: the function that stands there; None where `${…}` is written.
    """
    if written is None or not isinstance(expression, Output) or written.tag not in _OF_OUTPUTS:
        return str(expression)
    stack = [expression.stack] if expression.stack else []
    # Atmos's path, which may hold keys that no plain text names.
    path = dotted(expression.path).replace("['", '["').replace("']", '"]')
    return " ".join([written.tag, expression.component, *stack, path])
