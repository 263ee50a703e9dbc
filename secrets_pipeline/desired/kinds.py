"""Recognise which components of a stack are of this project's kinds."""

from __future__ import annotations

import re
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


_DATABASE: Final = re.compile(r"(aurora|rds)-[a-z0-9-]+")
_BESIDE_DATABASE: Final = re.compile(
    r".*-(resources?|proxy|proxies|users?|alarms?|monitoring|exporter|exports?|backups?|snapshots?|events?|groups?|sg"
    r"|kms|role|subscriptions?|schedulers?|lambdas?|auth|secrets?|dashboards?)"
)
"""`aurora-postgres` is a cluster; `aurora-postgres-resources` makes users and schemas in one.

Source: https://github.com/cloudposse-terraform-components (aws-aurora-postgres, aws-aurora-postgres-resources)
"""
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

    Names are looked up whole, the component's own first, then up to the first `/`. A Terraform component with a name
    such as `aurora-postgres` or `rds-orders` is a database, unless the name says that it makes something beside one.

    Args:
        component: as resolved.
        by_operator: `components` of the operator's settings, which count before those of the YAML.
    """
    physical = physical_name(component)
    candidates = (physical, physical.split("/", 1)[0])
    in_yaml = setting(component, COMPONENTS)
    for said in (by_operator or {}, in_yaml if isinstance(in_yaml, Mapping) else {}):
        for name in (component.name, *candidates):
            if said.get(name) in (*KINDS, IGNORE):
                return Recognised(None if said[name] == IGNORE else str(said[name]), named=True)
    kind = next((name for name in candidates if name in KINDS), None)
    return Recognised("rds" if kind is None and _names_database(physical) else kind)


def physical_name(component: Component) -> str:
    """Return the name of the Terraform component: `metadata.component`, or that of the base."""
    return str((component.resolved.get("metadata") or {}).get("component") or component.base)


def _names_database(physical: str) -> bool:
    parts = (physical.split("/", 1)[0], physical.rpartition("/")[2])
    return any(_DATABASE.fullmatch(one) and not _BESIDE_DATABASE.fullmatch(one) for one in parts)
