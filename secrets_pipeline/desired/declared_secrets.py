"""Put the components of declared secrets into stacks, and find where the YAML says what stands in them."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.atmos_secrets.components import DeclaredSecrets, with_declared_secrets
from secrets_pipeline.desired.reading.scope import Locate
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import Where
from secrets_pipeline.references.model import Path
from secrets_pipeline.stacks import AtmosStack, Component


def with_declared(stacks: Mapping[str, AtmosStack], settings: OperatorSettings) -> dict[str, AtmosStack]:
    """Add to each stack the components that stand for its declared secrets."""
    rules = {name: settings.target(name) for name in stacks}
    return {
        name: with_declared_secrets(stack, (rule.region if (rule := rules[name]) else None) or "", settings.components)
        for name, stack in stacks.items()
    }


def locating(locate: Locate) -> Locate:
    """Place keys as before, but what stands for declared secrets is looked for where they are declared."""

    def located(component: Component, path: Path) -> Where:
        return locate(*component.place(path)) if isinstance(component, DeclaredSecrets) else locate(component, path)

    return located
