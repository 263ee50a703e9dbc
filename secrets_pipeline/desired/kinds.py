"""Recognise which components of a stack are of this project's kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple, TypeAlias

from pydantic import Field

from secrets_pipeline.desired.outputs import KINDS
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks import Component

TERRAFORM: Final = "terraform"
SECRETS: Final = "secretsmanager"
"""The kind that declares secrets."""
IGNORE: Final = "ignore"
"""What the settings say of a component that is to be left alone."""
ComponentKind: TypeAlias = Annotated[str, Field(pattern=rf"^({'|'.join((*KINDS, IGNORE))})$")]
COMPONENTS: Final = "components"
"""The setting that says the kinds of components, by name."""


class Recognised(NamedTuple):
    """What a component is.

    Attributes:
        kind: `secretsmanager`, `kms` and the like; None for all that is none of them, or to be left alone.
        named: whether the settings say it; otherwise its name does.
    """

    kind: str | None
    named: bool = False


LEFT_ALONE: Final = Recognised(None, named=True)


def own_settings(component: Component) -> Mapping[str, Value]:
    """`settings.secrets_pipeline` of a component, empty if there is none; only to be read."""
    settings = component.resolved.get("settings")
    own = settings.get("secrets_pipeline") if isinstance(settings, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def setting(component: Component, name: str) -> Value:
    """`settings.secrets_pipeline.<name>` of a component, or None; only to be read."""
    return own_settings(component).get(name)


def recognised(component: Component, by_operator: Mapping[str, str] | None = None) -> Recognised:
    """What a component is: as the settings say, else by `metadata.component` or its base, else by its name.

    Names are looked up whole, the component's own first, then up to the first `/`.

    Args:
        component: as resolved.
        by_operator: `components` of the operator's settings, which count before those of the YAML.
    """
    metadata = component.resolved.get("metadata") or {}
    physical = str(metadata.get("component") or component.base)
    candidates = (physical, physical.split("/", 1)[0])
    in_yaml = setting(component, COMPONENTS)
    for said in (by_operator or {}, in_yaml if isinstance(in_yaml, Mapping) else {}):
        for name in (component.name, *candidates):
            if said.get(name) in (*KINDS, IGNORE):
                return Recognised(None if said[name] == IGNORE else str(said[name]), named=True)
    return Recognised(next((name for name in candidates if name in KINDS), None))
