"""Policy documents in YAML: JSON text or a map; late parts stay expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.references import Expression, Literal, Path
from secrets_pipeline.spec.inputs import Inputs, found_kind
from secrets_pipeline.spec.limits import POLICY_BYTES
from secrets_pipeline.spec.scope import ComponentScope
from secrets_pipeline.spec.sinks import check, settled
from secrets_pipeline.stacks import Value

_POLICY_VARIABLE = re.compile(r"(?<!\$)\$\{(?=[a-z0-9-]+:[A-Za-z]|[*?$]\})(?!env:|ssm:|file:)")
"""`${aws:username}` and the like belong to IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""

_EXAMPLE = "Write {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: …, Action: …, Resource: '*'}]}."


def statements(inputs: Inputs, key: str = "policy") -> tuple[Any, ...]:
    """The statements of the policy under `key`; empty if there is none."""
    if not inputs.has(key):
        return ()
    document = inputs.values[key]
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            inputs.error(key, f"{key} is text, but not JSON ({place})", f"{_EXAMPLE} A map in YAML serves as well.")
            return ()
    found = document.get("Statement") if isinstance(document, Mapping) else document
    if isinstance(found, Mapping):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        inputs.error(key, f"{key} has no list of statements, it is {found_kind(document)}", _EXAMPLE)
        return ()
    filled = tuple(_filled(inputs.scope, one, inputs.at(key)) for one in found)
    size = len(json.dumps(filled, default=str).encode())
    if size > POLICY_BYTES:
        inputs.error(key, f"{key} has {size} bytes, AWS takes {POLICY_BYTES}", "Write fewer or wider statements.")
    return filled


def _filled(scope: ComponentScope, tree: Value, path: Path) -> Value:
    if isinstance(tree, Mapping):
        return {str(key): _filled(scope, value, path) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(scope, value, path) for value in tree]
    if not isinstance(tree, str):
        return tree
    escaped = _POLICY_VARIABLE.sub("$${", tree) if type(tree) is str and scope.reads_references else tree
    written = scope.expression(escaped, path)
    if written is None:
        return ""
    expression: Expression = settled(scope, written)
    if not check(scope, expression, path):
        return ""
    return expression.value if isinstance(expression, Literal) else expression
