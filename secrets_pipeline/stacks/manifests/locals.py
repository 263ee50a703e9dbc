"""Resolve file-scoped `locals` (Atmos `pkg/locals/resolver.go`, `internal/exec/stack_processor_locals.go`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall, LiteralText
from secrets_pipeline.stacks.functions.functions import FunctionError
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.templates.templates import NO_VALUE, Renderer

Evaluate = Callable[[FunctionCall, Mapping[str, Value]], Value]

_SECTIONS: Final = ("terraform", "helmfile", "packer")
_REFERENCE: Final = re.compile(r"\.locals\.([A-Za-z_][A-Za-z0-9_]*)")


def has_locals(manifest: Section) -> bool:
    """Whether the file defines locals, at its root or in a type section."""
    return any("locals" in section for section in _holders(manifest))


def resolve_locals(manifest: Section, file: str, evaluate: Evaluate, renderer: Renderer) -> Section:
    """All locals of a file in one map, those of type sections over those of the root.

    Args:
        manifest: the parsed file, templates still in it.
        file: shown in errors.
        evaluate: evaluates a YAML function; it runs before the templates of a local.
        renderer: renders templates.

    Raises:
        StackError: `circular dependency in locals`, or a local that refers to what the file does not have or calls a
            function wrongly.
    """
    resolved: Section = {}
    for section in _holders(manifest):
        if "locals" not in section:
            continue
        own = section["locals"]
        if not isinstance(own, dict):
            raise StackError("invalid locals section: it is not a mapping", where=Where(file=file, key="locals"))
        resolved = _resolve({**own}, resolved, manifest, file, _Resolver(evaluate, renderer))
    return resolved


def _holders(manifest: Section) -> Iterator[Section]:
    yield manifest
    for name in _SECTIONS:
        section = manifest.get(name)
        if isinstance(section, dict):
            yield section


def _resolve(own: Section, inherited: Section, manifest: Section, file: str, resolver: _Resolver) -> Section:
    context = {name: manifest[name] for name in ("settings", "vars", "env") if isinstance(manifest.get(name), dict)}
    resolved = {**inherited}
    for name in _order(own, file):
        try:
            resolved[name] = resolver.value(own[name], {**context, "locals": resolved})
        except (TemplateError, FunctionError) as error:
            raise StackError(
                f"failed to resolve the local {name!r}: {error}",
                where=Where(file=file, key=f"locals.{name}"),
                remedy="A local sees the locals, settings, vars and env of its own file only.",
            ) from None
    return resolved


def _order(own: Section, file: str) -> list[str]:
    graph = {name: [used for used in _references(value) if used in own] for name, value in own.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise StackError(
            f"circular dependency in locals: {' → '.join(error.args[1])}",
            where=Where(file=file, key="locals"),
            remedy="Remove one of these references.",
        ) from None


def _references(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Gives locals their values: the function first, then the templates."""

    evaluate: Evaluate
    renderer: Renderer

    def value(self, value: Value, context: Section) -> Value:
        if isinstance(value, FunctionCall):
            given = self.evaluate(value, context)
            return NO_VALUE if isinstance(given, FunctionCall) and given.tag == "!env" else given
        if isinstance(value, dict):
            return {key: self.value(inner, context) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, context) for inner in value]
        if isinstance(value, str) and not isinstance(value, LiteralText):
            return self.renderer.render(value, context)
        return value
