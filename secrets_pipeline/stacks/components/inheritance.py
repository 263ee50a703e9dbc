"""Order the base components of a component and merge their sections (Atmos `ProcessBaseComponentConfig`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.components.dynamic import Dynamics
from secrets_pipeline.stacks.components.sections import ABSTRACT, OVERWRITTEN, At, component_map, mapping, maps_of, text
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_maps

_LONGEST_CHAIN: Final = 100  # components that inherit from each other
_MOST_BASES: Final = 1_000  # of one component, each as often as it is merged


@dataclass(slots=True)
class Lineage:
    """The base components of one component.

    Attributes:
        order: in the order of their merge, lowest precedence first; one may come twice.
        final: the base that is the component's physical one.
        visited: each component that was looked at, by name; `None` where the manifest has none of that name.
    """

    order: list[str] = field(default_factory=list)
    final: str = ""
    visited: dict[str, Section | None] = field(default_factory=dict)

    @property
    def inheritance(self) -> list[str]:
        """As Atmos prints it: nearest first, each once."""
        return list(dict.fromkeys(reversed(self.order)))


@dataclass(slots=True)
class _Node:
    """One step of a fold: the sections of a sequence of components merged.

    `own` keeps the component's map alive, so that its id stays unique.
    """

    own: Section
    sections: Section
    dynamic: bool
    after: dict[int, _Node] = field(default_factory=dict)


class Bases:
    """Merges base components; a sequence that several components share is merged once, also across stacks.

    Args:
        config: the repository's configuration.
        dynamics: knows which components have anything to evaluate.
    """

    def __init__(self, config: AtmosConfig, dynamics: Dynamics) -> None:
        self._inherit_metadata = config.inherit_metadata
        self._dynamics = dynamics
        self._roots: dict[tuple[str, ListStrategy], _Node] = {}

    def merged(self, order: list[str], components: Section, at: At, lists: ListStrategy) -> tuple[Section, bool]:
        """The sections of base components merged in that order, and whether anything in them is dynamic.

        Raises:
            StackError: if a section of one has the wrong type.
        """
        node = self._roots.setdefault((at.kind, lists), _Node({}, {}, dynamic=False))
        for name in order:
            own = component_map(components, name, at)
            found = node.after.get(id(own))
            if found is None:
                base = At(at.file, at.kind, name)
                merged = self._merge(node.sections, own, base, lists)
                found = _Node(own, merged, node.dynamic or self._dynamics.of(own))
                node.after[id(own)] = found
            node = found
        return node.sections, node.dynamic

    def _merge(self, earlier: Section, own: Section, at: At, lists: ListStrategy) -> Section:
        merged = {**earlier}
        for section in maps_of(at.kind):
            if section not in own:
                continue
            if section not in earlier:
                merged[section] = mapping(own, section, at)
            else:
                merged[section] = merge_maps(earlier.get(section, {}), mapping(own, section, at), lists)
        for section in OVERWRITTEN:
            merged[section] = text(own, section, at)
        if self._inherit_metadata and "metadata" in own:
            metadata = mapping(own, "metadata", at)
            inherited = {key: value for key, value in metadata.items() if key not in ("inherits", "type")}
            merged["metadata"] = merge_maps(earlier.get("metadata", {}), inherited, lists)
        return merged


def lineage(components: Section, at: At, is_physical: Callable[[str], bool]) -> Lineage:
    """The base components of a component: `component:` first, then `metadata.inherits` in order, each after its own.

    Args:
        components: all components of that kind in the manifest.
        at: the component.
        is_physical: whether a base that is not defined exists as a folder of components.

    Raises:
        StackError: `component not defined in any config files`, `circular component inheritance detected`, or an
            `inherits` that is no list of text.
    """
    return _Walk(components, at, is_physical).run()


class _Walk:
    def __init__(self, components: Section, at: At, is_physical: Callable[[str], bool]) -> None:
        self._components = components
        self._at = at
        self._name = at.component or ""
        self._is_physical = is_physical
        self._path: list[tuple[str, str]] = []
        self._found = Lineage()

    def run(self) -> Lineage:
        own = component_map(self._components, self._name, self._at)
        self._found.visited[self._name] = own
        if "component" in own:
            self._visit(self._name, text(own, "component", self._at))
        for base in self._inherits(self._name, own):
            self._visit(self._name, base)
        return self._found

    def _visit(self, name: str, base: str) -> None:
        if name == base:
            return
        if (name, base) in self._path:
            chain = " → ".join([self._name, *(step for _, step in self._path), base])
            raise self._error(
                f"circular component inheritance detected: {chain}",
                "metadata.inherits",
                "Remove one of these `inherits` or `component`.",
            )
        self._found.visited[base] = self._components.get(base)
        if base not in self._components:
            if not self._is_physical(base):
                raise self._missing(name, base, "component")
            return
        if len(self._path) >= _LONGEST_CHAIN or len(self._found.order) >= _MOST_BASES:
            raise self._error(
                f"too many base components: more than {_LONGEST_CHAIN} in a row, or {_MOST_BASES} in all, each counted "
                "as often as it is inherited",
                "metadata.inherits",
                "Inherit from each component once.",
            )
        self._path.append((name, base))
        at = At(self._at.file, self._at.kind, base)
        own = component_map(self._components, base, at)
        metadata = own.get("metadata")
        abstract = isinstance(metadata, dict) and metadata.get("type") == ABSTRACT
        if "component" in own and not abstract:
            self._visit(base, text(own, "component", at))
        for inherited in self._inherits(base, own):
            self._visit(name, inherited)
        self._found.final = self._found.final or base
        self._found.order.append(base)
        self._path.pop()

    def _inherits(self, name: str, own: Section) -> list[str]:
        at = At(self._at.file, self._at.kind, name)
        metadata = mapping(own, "metadata", at)
        if "inherits" not in metadata:
            return []
        value = metadata["inherits"]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise At(at.file, at.kind, name, "metadata").error(
                "metadata.inherits section", "inherits", "a list of component names"
            )
        for base in value:
            if base not in self._components:
                raise self._missing(name, base, "metadata.inherits")
        return value

    def _missing(self, name: str, base: str, using: str) -> StackError:
        return self._error(
            f"component not defined in any config files: the component {name!r} in the stack manifest "
            f"{self._at.file!r} inherits from {base!r} (using '{using}'), which is not defined there",
            using,
            f"Import the manifest that defines {base!r}, or correct the name.",
        )

    def _error(self, message: str, key: str, remedy: str) -> StackError:
        return StackError(message, remedy=remedy, where=Where(file=self._at.file, component=self._name, key=key))
