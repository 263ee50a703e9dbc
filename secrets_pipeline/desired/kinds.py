"""Recognise which components of a stack are of this project's kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.desired.outputs import KINDS
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks import Component

TERRAFORM: Final = "terraform"


def setting(component: Component, name: str) -> Value:
    """`settings.secrets_pipeline.<name>` of a component, or None."""
    own = component.settings.get("secrets_pipeline")
    return own.get(name) if isinstance(own, Mapping) else None


def kind_of(component: Component) -> str | None:
    """The recognised kind of a component, by `metadata.component` or its base, else its name up to the first `/`."""
    aliases = setting(component, "components")
    physical = component.metadata.get("component") or component.base
    for name in (str(physical), component.name):
        for candidate in (name, name.split("/", 1)[0]):
            kind = aliases.get(candidate, candidate) if isinstance(aliases, Mapping) else candidate
            if kind in KINDS:
                return str(kind)
        if physical != component.name:
            break
    return None
