"""Mask secret values that YAML holds in plain text, and turn its special values to plain ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from secrets_pipeline.desired.reading.variables import OTHER_SECTIONS, expression_of
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.model import Path, Variable
from secrets_pipeline.references.walk import nodes
from secrets_pipeline.stacks import Component

MASK = "********"
_KEYS: Final = ("secret_data", "secret_binary", "secret_string")
"""What values stand under; the last one is Terraform's name for it, which is refused here."""
_NAMES: Final = frozenset(
    {"account_id", "context_name", "environment", "name", "namespace", "region", "stage", "tenant"}
)
"""Variables that names of stacks and secrets are made of: whoever sees a name has seen them."""
_TEMPLATE_NAME: Final = re.compile(rf"\.(?P<path>(?:vars|{'|'.join(OTHER_SECTIONS)})\b(?:\.\w+)*)")
_QUOTED: Final = re.compile(r"[\"`]([\w-]+)[\"`]")

Masking: TypeAlias = Callable[[Value], Value]
"""What hides values in the sections of a component."""


def masked(sections: Value, variables: Collection[Path] = ()) -> Value:
    """Return the same tree with every leaf under a key of values replaced, and every variable that one takes in.

    Wherever they stand: inherited variables show up in components of other kinds, too.

    Args:
        sections: of a component.
        variables: see `taken_in`.
    """
    shown = _masked(sections)
    for path in variables:
        shown = _masked_at(shown, ("vars", *path))
        if path[0] in OTHER_SECTIONS:
            shown = _masked_at(shown, path)
    return shown


def taken_in(components: Iterable[Component]) -> frozenset[Path]:
    """Find the variables whose text becomes a part of a secret's value, by `{{ .vars.x }}` or `${vars.x}`.

    Those that names are made of are left out.

    Args:
        components: as merged, since a template that is rendered names nothing.
    """
    return frozenset(
        path
        for one in components
        for key in _KEYS
        for path in _variables(one, key, one.sections)
        if path[0] not in _NAMES
    )


def _masked(tree: Value) -> Value:
    if isinstance(tree, Mapping):
        return {key: _hidden(value) if key in _KEYS else _masked(value) for key, value in tree.items()}
    return [_masked(value) for value in tree] if isinstance(tree, list) else tree


def _masked_at(tree: Value, path: Path) -> Value:
    """The tree with every leaf at a place replaced; itself where there is no such place."""
    if not path:
        return _hidden(tree)
    step, *rest = path
    if isinstance(tree, Mapping) and step in tree:
        return {key: _masked_at(value, tuple(rest)) if key == step else value for key, value in tree.items()}
    if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
        return [_masked_at(value, tuple(rest)) if index == step else value for index, value in enumerate(tree)]
    return tree


def _variables(component: Component, key: str, tree: Value) -> Iterator[Path]:
    """The variables that are named below every such key, and in what they stand for."""
    waiting, seen = list(_below(key, tree)), set[Path]()
    while waiting:
        for path in _named(waiting.pop()):
            if path not in seen:
                seen.add(path)
                yield path
                waiting.append(_at(component, path))


def _below(key: str, tree: Value) -> Iterator[Value]:
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from (value,) if name == key else _below(key, value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _below(key, value)


def _named(tree: Value) -> Iterator[Path]:
    if isinstance(tree, Mapping | list):
        for value in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _named(value)
    elif isinstance(tree, str):
        yield from _in_template(tree)
        try:
            expression = expression_of(tree)
        except ExpressionError:
            return
        yield from (node.path for node in nodes(expression) if isinstance(node, Variable))


def _in_template(text: str) -> Iterator[Path]:
    """Variables that a template names: `.vars.x.y`, `index .vars "x"`, and the same of other sections."""
    for found in _TEMPLATE_NAME.finditer(text):
        section, *path = found["path"].split(".")
        if path:
            yield (*(() if section == "vars" else (section,)), *path)
    if _TEMPLATE_NAME.search(text):
        yield from ((word,) for word in _QUOTED.findall(text))


def _at(component: Component, path: Path) -> Value:
    """What a variable stands for: of `vars`, else of another section."""
    other = path[0] in OTHER_SECTIONS and path[0] not in component.vars
    value: Value = component.sections if other else component.vars
    for step in path:
        inside = isinstance(value, Mapping) and step in value
        if not inside and not (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return None
        value = value[step]
    return value


def plain(value: Value) -> Value:
    """Return the tree as `dict`, `list`, `str` and scalars alone; functions become their text, as Atmos prints them."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


def _hidden(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return value if value is None else MASK
