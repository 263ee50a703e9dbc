"""One stack, and one component of it, while its desired state is built: reading, placing and collecting errors."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Protocol

from secrets_pipeline.errors import ExpressionError, SecretsPipelineError, SpecError, Where
from secrets_pipeline.references import Expression, Path, inline
from secrets_pipeline.spec.operator import OperatorSettings
from secrets_pipeline.spec.outputs import KINDS
from secrets_pipeline.spec.variables import ComponentVariables, expression_of
from secrets_pipeline.stacks import Component, Stack

TERRAFORM = "terraform"


class Locate(Protocol):
    """Says which manifest and line set a key, as `stacks.Repository.locate` does."""

    def __call__(self, component: Component, path: Path, /) -> Where:
        """The place of `path` inside the component's sections."""


def near_miss(name: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(sorted(names)) or "none"


def kind_of(component: Component) -> str | None:
    """The recognised kind of a component, by `metadata.component` or its base, else its name up to the first `/`."""
    own = component.settings.get("secrets_pipeline")
    aliases = own.get("components") if isinstance(own, Mapping) else None
    physical = component.metadata.get("component") or component.base
    for name in (str(physical), component.name):
        for candidate in (name, name.split("/", 1)[0]):
            kind = aliases.get(candidate, candidate) if isinstance(aliases, Mapping) else candidate
            if kind in KINDS:
                return str(kind)
        if physical != component.name:
            break
    return None


def is_active(component: Component) -> bool:
    """Whether a component asks for anything: not abstract, not disabled."""
    switched_off = component.vars.get("enabled") is False or component.vars.get("secrets_enabled") is False
    return component.enabled and not component.abstract and not switched_off


def managed_components(stack: Stack) -> dict[str, str]:
    """Name → kind of every active component that is recognised, in the order of the stack."""
    components = stack.components.get(TERRAFORM, {})
    kinds = {name: kind_of(component) for name, component in components.items() if is_active(component)}
    return {name: kind for name, kind in kinds.items() if kind}


@dataclass
class StackScope:
    """One stack while its desired state is built.

    Attributes:
        locate: places a key for messages.
        settings: the operator's.
        base_path: of the repository; None if files need not exist.
        environment: what `${env:X}` reads where the text must be known now.
        stacks: every stack that a reference may name.
        errors: everything found so far.
    """

    stack: Stack
    locate: Locate
    settings: OperatorSettings
    base_path: FilePath | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    errors: list[SecretsPipelineError] = field(default_factory=list)

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """Name → kind of the active components that are recognised."""
        return managed_components(self.stack)

    @cached_property
    def components(self) -> Mapping[str, ComponentScope]:
        """Every Terraform component of the stack by name, whatever it is."""
        return {name: ComponentScope(self, one) for name, one in self.stack.components.get(TERRAFORM, {}).items()}

    def of_kind(self, *kinds: str) -> list[ComponentScope]:
        """The active components of these kinds, in the order of the stack."""
        return [self.components[name] for name, kind in self.kinds.items() if kind in kinds]

    def other(self, stack: Stack) -> StackScope:
        """Another stack, seen from this one; what is wrong there is not this one's error."""
        return replace(self, stack=stack, errors=[])


class ComponentScope:
    """One component while its desired state is built.

    Args:
        stack: the stack that it is in.
        component: as resolved.
    """

    def __init__(self, stack: StackScope, component: Component) -> None:
        self.stack = stack
        self.component = component
        self.name = component.name

    def where(self, path: Path) -> Where:
        """The place of a key; its stack and component are always known."""
        place = self.stack.locate(self.component, path)
        key = ".".join(map(str, path)) or None
        return replace(
            place,
            stack=place.stack or self.stack.stack.name,
            component=place.component or self.name,
            key=place.key or key,
        )

    def error(self, path: Path, message: str, remedy: str) -> None:
        """Collect an error about a key."""
        self.stack.errors.append(SpecError(message, remedy=remedy, where=self.where(path)))

    def expression_error(self, path: Path, error: ExpressionError) -> None:
        """Collect an error of the expression language about a key."""
        self.stack.errors.append(ExpressionError(error.message, remedy=error.remedy, where=self.where(path)))

    def expression(self, value: Any, path: Path) -> Expression | None:  # noqa: ANN401 - whatever the YAML holds
        """The expression of a YAML value without variables; None, with an error collected, if it is wrong."""
        try:
            return read_expression(self.component, self.stack.components, value)
        except ExpressionError as error:
            self.expression_error(path, error)
            return None

    def setting(self, name: str) -> Any:  # noqa: ANN401 - whatever the YAML holds
        """`settings.secrets_pipeline.<name>`, or None."""
        own = self.component.settings.get("secrets_pipeline")
        return own.get(name) if isinstance(own, Mapping) else None

    def flag(self, name: str) -> bool:
        """A true or false under `settings.secrets_pipeline`; false if it is not there."""
        value = self.setting(name)
        if value not in (None, True, False):
            path = ("settings", "secrets_pipeline", name)
            self.error(path, f"{name} is neither true nor false", f"Write {name}: true, without quotes.")
        return value is True


def read_expression(
    component: Component,
    names: Collection[str],
    value: Any,  # noqa: ANN401 - whatever the YAML holds
) -> Expression:
    """The expression of a YAML value, the component's variables put in.

    Raises:
        ExpressionError: if it cannot be parsed, or a variable has no value.
    """
    return inline(expression_of(value, names), ComponentVariables(component, names))
