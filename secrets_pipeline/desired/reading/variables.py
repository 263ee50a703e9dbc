"""Parse YAML values as expressions, and read the variables of a component."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from secrets_pipeline.desired.atmos_secrets.functions import FUNCTIONS, from_store
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.golang.yaml.tags import LiteralText as KeptText
from secrets_pipeline.references.inline import NoValueError, inline
from secrets_pipeline.references.model import Expression, Literal, Path, dotted
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.yaml_functions import parse_function
from secrets_pipeline.stacks import Component

OTHER_SECTIONS = ("settings", "metadata", "env")
"""Sections that a reference may name, where `vars` has nothing of that name."""


def expression_of(
    value: Value,
    components: Collection[str] = (),
    *,
    references: bool = True,
) -> Expression:
    """One YAML value as an expression; its variables stay references.

    Args:
        value: a scalar, an unresolved function, or a map or list without references in it.
        components: names that exist in the stack, to tell where a name with a dot ends.
        references: whether `${…}` is a reference; else it is text, as for Atmos.

    Raises:
        ExpressionError: if it cannot be parsed.
    """
    if isinstance(value, FunctionCall):
        return parse_function(value.tag, value.args)
    if references and isinstance(value, str) and not isinstance(value, KeptText):
        return parse(value, components)
    return Literal(str(value) if isinstance(value, str) else value)


def expression_in(
    component: Component, components: Collection[str], value: Value, *, references: bool = True
) -> Expression:
    """The same for a value of a component, which knows what its secrets and stores are.

    Args:
        component: as resolved.
        components: see `expression_of`.
        value: as the YAML gives it.
        references: whether `${…}` is a reference.

    Raises:
        ExpressionError: if it cannot be parsed.
    """
    if isinstance(value, FunctionCall) and value.tag in FUNCTIONS:
        return from_store(value, component)
    return expression_of(value, components, references=references)


class ComponentVariables:
    """What `${name}` stands for in one component: its `vars`, then `settings.x`, `metadata.x` and `env.x`.

    Args:
        component: as resolved, so inherited and global variables are in it.
        components: names that exist in the stack.
        references: whether `${…}` in variables is a reference.
    """

    def __init__(self, component: Component, components: Collection[str], *, references: bool = True) -> None:
        self._component = component
        self._components = components
        self._references = references

    def find(self, path: Path) -> Expression | None:
        """What a variable stands for, or None if there is none."""
        value: Any = self._component.vars
        if path[0] not in self._component.vars and path[0] in OTHER_SECTIONS:
            value = self._component.sections
        for step in path:
            in_map = isinstance(value, Mapping) and step in value
            in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if not (in_map or in_list):
                return None
            value = value[step]
        if isinstance(value, Mapping | list) and _holds_references(value):
            raise ExpressionError(
                f"variable {dotted(path)} is a map or list that holds references itself",
                remedy="Refer to one of its entries, or write it in place.",
            )
        return expression_in(self._component, self._components, value, references=self._references)

    def unknown(self, path: Path) -> NoValueError:
        """The error for a variable that has no value."""
        name = dotted(path)
        if path[0] in self._components:
            remedy = f"If the output of component {path[0]} is meant, write ${{output.{name}}}."
        else:
            close = difflib.get_close_matches(str(path[0]), list(self._component.vars), n=1)
            remedy = f"Set vars.{name}, or give a default: ${{{name} | default('…')}}."
            remedy += f" Did you mean {close[0]}?" if close else ""
        return NoValueError(f"variable {name} has no value", remedy=remedy, path=path)


def read_expression(
    component: Component,
    names: Collection[str],
    value: Value,
    *,
    references: bool,
) -> Expression:
    """The expression of a YAML value, the component's variables put in.

    Args:
        component: the component that it stands in.
        names: components of the stack.
        value: as the YAML gives it.
        references: whether `${…}` is a reference, see `Dialect`; YAML functions always are.

    Raises:
        NoValueError: if a variable has no value.
        ExpressionError: if it cannot be parsed.
    """
    return inline(
        expression_in(component, names, value, references=references),
        ComponentVariables(component, names, references=references),
    )


def _holds_references(value: Value) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_references(below) for below in value.values())
    if isinstance(value, list):
        return any(_holds_references(below) for below in value)
    return isinstance(value, FunctionCall) or (isinstance(value, str) and "${" in value)
