"""Define what resolving a repository gives: stacks of components, and the errors of what could not be resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.template.template import DELIMITERS
from secrets_pipeline.stacks.components.sections import ABSTRACT
from secrets_pipeline.stacks.config.stores import Stores
from secrets_pipeline.stacks.functions.copies import copied


class UnsettledBy(StrEnum):
    """Why a component is unsettled."""

    DUPLICATE = "several manifests of the stack define it, and differ"
    UNMADE = "Atmos itself could not make it"
    REMOTE_IMPORT = "its manifest imports what is not read"


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A reason why a component may differ from what is resolved here."""

    by: UnsettledBy
    error: StackError


@dataclass(frozen=True)
class Component:
    """One component of a stack, after imports, inheritance, merge, templates and functions.

    Attributes:
        name: for example `secretsmanager/database`.
        kind: `terraform`, `helmfile`, `packer` and the like.
        stack: logical name of its stack.
        resolved: what `atmos describe component` prints, shared with other components, so only to be read. Functions
            that need the outside are `FunctionCall`s in it.
        manifest: top-level manifest that it comes from, relative to the base path; see `AtmosRepository.locate`.
        stores: of `atmos.yaml`, by name: what its `!secret` and `!store` read; all components share them.
        merged: the same before templates and functions, only to be read; empty if stacks come from a description.
        failures: why its templates or functions gave nothing; `resolved` is without them then, as merged.
        unsettled: why it may be otherwise than `resolved`; see `AtmosRepository.resolve`.
        others: the versions that other manifests declare, as merged; empty unless it is a duplicate.
        opening: what a template begins with.
    """

    name: str
    kind: str
    stack: str
    resolved: Mapping[str, Any] = field(repr=False)
    manifest: str
    stores: Stores = field(default_factory=dict, repr=False, kw_only=True)
    failures: tuple[StackError, ...] = ()
    merged: Mapping[str, Any] = field(default_factory=dict, repr=False, kw_only=True)
    unsettled: tuple[Unsettled, ...] = field(default=(), repr=False, kw_only=True)
    others: tuple[Component, ...] = field(default=(), repr=False, kw_only=True)
    opening: str = field(default=DELIMITERS[0], repr=False, kw_only=True)

    @cached_property
    def sections(self) -> Mapping[str, Any]:
        """`resolved`, copied: what is done to it reaches no other component."""
        copy: Mapping[str, Any] = copied(self.resolved)
        return copy

    @property
    def vars(self) -> Mapping[str, Any]:
        """The `vars` section."""
        return self._mapping("vars")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The `settings` section."""
        return self._mapping("settings")

    @property
    def env(self) -> Mapping[str, Any]:
        """The `env` section."""
        return self._mapping("env")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The `metadata` section."""
        return self._mapping("metadata")

    @property
    def base(self) -> str:
        """The physical component: `metadata.component`, else that of a base, else the name."""
        return str(self.resolved["component"])

    @property
    def abstract(self) -> bool:
        """Whether it is only there to be inherited from."""
        return (self.resolved.get("metadata") or {}).get("type") == ABSTRACT

    @property
    def enabled(self) -> bool:
        """Whether `metadata.enabled` leaves it on."""
        return (self.resolved.get("metadata") or {}).get("enabled") is not False

    def _mapping(self, name: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = self.sections.get(name) or {}
        return section


@dataclass(frozen=True, slots=True, order=True)
class Included:
    """A file that a manifest takes in as a value, with `!include` or `!include.raw`.

    Attributes:
        file: relative to the base path.
        by: the manifest, or included file, that names it.
    """

    file: str
    by: str


@dataclass(frozen=True, slots=True)
class AtmosStack:
    """One logical stack.

    Attributes:
        name: logical name, the partition key.
        files: its top-level manifests, relative to the base path, sorted.
        components: kind → name → component, kinds in the order in which Atmos looks for a component.
        included: files that its manifests, and what these import, take in as values, sorted; their components may use
            some of them only.
    """

    name: str
    files: tuple[str, ...]
    components: Mapping[str, Mapping[str, Component]]
    included: tuple[Included, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Stacks that are whole, by name, and the errors that kept others away."""

    stacks: Mapping[str, AtmosStack]
    errors: tuple[StackError, ...]

    def described(self) -> dict[str, Any]:
        """As `atmos describe stacks` prints it: stack → `components` → kind → name → sections, only to be read."""
        return {
            name: {
                "components": {
                    kind: {component: found.resolved for component, found in components.items()}
                    for kind, components in stack.components.items()
                }
            }
            for name, stack in self.stacks.items()
        }
