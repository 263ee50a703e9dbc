"""Tell which sections a manifest may have and where, and word the errors for one of the wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import UNSET
from secrets_pipeline.stacks.merge import Section

TERRAFORM: Final = "terraform"
ABSTRACT: Final = "abstract"

KINDS: Final = (TERRAFORM, "helmfile", "packer", "ansible", "kubernetes", "helm", "container", "emulator")
"""Kinds of components that Atmos describes, in its order; others under `components` are ignored, as it does."""

ROOT_MAPS: Final = ("vars", "settings", "env", "auth", "secrets", "dependencies", "hooks", "generate")
"""Sections that stand at the root of a manifest and apply to every component."""

TERRAFORM_MAPS: Final = (
    "providers",
    "required_providers",
    "backend",
    "remote_state_backend",
    "source",
    "provision",
)
"""Sections of `terraform:` and of Terraform components only."""

COMPONENT_MAPS: Final = ("locals",)
"""Sections of a component only; file-scoped `locals` are another thing."""

OVERRIDABLE_MAPS: Final = frozenset({"vars", "settings", "env", "auth", "secrets", "providers", "hooks", "generate"})

DEFERRING_MAPS: Final = OVERRIDABLE_MAPS | {"required_providers"}
"""Sections whose functions wait until after the merge."""

OVERWRITTEN: Final = ("command", "backend_type", "remote_state_backend_type", "required_version")
"""Texts that the last base component decides, even by having none (facts of Atmos's inheritance code)."""

BACKENDS: Final = frozenset({"backend", "backend_type", "remote_state_backend", "remote_state_backend_type"})
"""What decides where Terraform keeps a component's state."""

ALWAYS_SHOWN: Final = frozenset({"vars", "settings", "env", "auth"})
SHOWN_IN_TERRAFORM: Final = frozenset({"providers", "hooks", "backend", "remote_state_backend"})

_ROOT_METADATA: Final = frozenset({"labels", "tags", "custom", "enabled", "locked", "terraform_workspace_pattern"})


@cache
def maps_of(kind: str) -> tuple[str, ...]:
    """The mapping sections that a component of that kind may have, `metadata` and `overrides` aside."""
    return ROOT_MAPS + COMPONENT_MAPS + (TERRAFORM_MAPS if kind == TERRAFORM else ())


class At(NamedTuple):
    """Where a section is looked up, for messages.

    Attributes:
        file: manifest, relative to the base path.
        kind: of the component that is looked into, or empty.
        component: that component.
        path: dotted keys from the component, or from the root of the manifest.
    """

    file: str
    kind: str = ""
    component: str | None = None
    path: str = ""

    def key(self, name: str) -> str:
        """The dotted path of a section, inside the component if there is one."""
        return f"{self.path}.{name}" if self.path else name

    def error(self, message: str, name: str, wanted: str) -> StackError:
        """The error for a section that is not what it must be."""
        key = self.key(name)
        shown = f"components.{self.kind}.{self.component}.{key}" if self.component else key
        return StackError(
            f"invalid {'component ' if self.component else ''}{message}: {shown!r} in the file {self.file!r}",
            where=Where(file=self.file, component=self.component, key=key),
            remedy=f"It must be {wanted}; remove it if it is empty.",
        )


def mapping(holder: Mapping[str, Value], name: str, at: At) -> Section:
    """The section of that name; empty if there is none.

    Raises:
        StackError: if it is `null` or not a mapping.
    """
    section = holder.get(name, {})
    if isinstance(section, dict):
        return section
    if section is UNSET:
        return {}
    raise at.error(f"{name} section", name, "a mapping")


def text(holder: Mapping[str, Value], name: str, at: At) -> str:
    """The text of that name; empty if there is none.

    Raises:
        StackError: if it is not text.
    """
    value = holder.get(name, "")
    if isinstance(value, str):
        return value
    if value is UNSET:
        return ""
    raise at.error(f"{name} attribute", name, "text")


def component_map(components: Mapping[str, Value], name: str, at: At) -> Section:
    """The section of a component.

    Raises:
        StackError: if it is not a mapping.
    """
    section = components[name]
    if not isinstance(section, dict):
        raise StackError(
            f"invalid component map type for component {name!r} in the file {at.file!r}",
            where=Where(file=at.file, component=name),
            remedy="It must be a mapping; write {} for a component without settings.",
        )
    return section


def root_metadata(config: Section, at: At) -> Section:
    """The stack-wide `metadata`.

    Raises:
        StackError: if it has a field that only components may have.
    """
    section = mapping(config, "metadata", at)
    refused = sorted(set(section) - _ROOT_METADATA)
    if refused:
        raise StackError(
            f"metadata field is not allowed at global (stack-wide) scope: {', '.join(refused)}",
            where=Where(file=at.file, key=f"metadata.{refused[0]}"),
            remedy=f"Move it into components; stack-wide are only: {', '.join(sorted(_ROOT_METADATA))}.",
        )
    return section
