"""A component as far as it does not depend on the rest of its stack: its own sections over those of its bases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from secrets_pipeline.errors import Where
from secrets_pipeline.stacks.config import AtmosConfig
from secrets_pipeline.stacks.dynamic import is_dynamic
from secrets_pipeline.stacks.inheritance import Bases, Lineage, lineage
from secrets_pipeline.stacks.merge import ListStrategy, Section, associates, merge_all, merge_maps
from secrets_pipeline.stacks.sections import OVERRIDABLE_MAPS, OVERWRITTEN, At, component_map, mapping, maps_of, text

_METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Prototype:
    """What a component brings to any stack that defines it and its bases in the same way.

    Attributes:
        own: the component's section; kept alive, so that its id stays unique.
        visited: each component that its lineage met, `None` where the manifest has none of that name.
        layers: by section, what is merged over the stack's own section, lowest precedence first.
        lists: how its lists merge.
        texts: `command`, `backend_type` and the like, of itself or a base; empty ones are left out.
        overrides: its `overrides`.
        lineage: its bases.
        inheritance: as Atmos prints it.
        component: the physical component.
        folder: names its state: `metadata.name`, or the physical component.
        abstract: whether it is only there to be inherited from.
        dynamic: whether anything of it is to be evaluated or rendered.
    """

    own: Section
    visited: Mapping[str, Section | None]
    layers: Mapping[str, tuple[Section, ...]]
    lists: ListStrategy
    texts: Mapping[str, str]
    overrides: Section
    inheritance: list[str]
    component: str
    folder: str
    abstract: bool
    dynamic: bool

    def fits(self, components: Section) -> bool:
        """Whether the components of a manifest give the same prototype."""
        return all(components.get(name) is section for name, section in self.visited.items())


class Prototypes:
    """Makes prototypes; one that several stacks share is made once.

    Args:
        config: the repository's configuration.
    """

    def __init__(self, config: AtmosConfig) -> None:
        self._config = config
        self._bases = Bases(config)
        self._known: dict[tuple[str, str, int], list[Prototype]] = {}
        self._physical: dict[tuple[str, str], bool] = {}

    def get(self, components: Section, at: At) -> Prototype:
        """The prototype of a component.

        Args:
            components: all components of its kind in the manifest.
            at: the component.

        Raises:
            StackError: if a section of it has the wrong type, or its lineage is broken.
        """
        name = at.component or ""
        own = component_map(components, name, at)
        known = self._known.setdefault((at.kind, name, id(own)), [])
        for prototype in known:
            if prototype.fits(components):
                return prototype
        known.append(self._made(own, components, at))
        return known[-1]

    def _made(self, own: Section, components: Section, at: At) -> Prototype:
        bases = lineage(components, at, self._is_physical(at.kind))
        base, dynamic = self._bases.merged(bases.order, components, at)
        overrides = mapping(own, "overrides", at)
        lists = self._lists(own, base, overrides, at)
        over = At(at.file, at.kind, at.component, "overrides")
        layers: dict[str, tuple[Section, ...]] = {}
        for part in (*maps_of(at.kind), _METADATA):
            of_part = [base[part]] if part in base else []
            if part in own:
                of_part.append(mapping(own, part, at))
            if part in overrides and part in OVERRIDABLE_MAPS:
                of_part.append(mapping(overrides, part, over))
            if of_part:
                layers[part] = _joined(of_part, lists)
        metadata = merge_all(layers.get(_METADATA, ()), lists)
        component = _physical_component(own, bases, metadata, at)
        folder = metadata.get("name")
        texts = {part: text(own, part, at) or base.get(part, "") for part in OVERWRITTEN}
        texts["command"] = (
            text(overrides, "command", At(at.file, at.kind, at.component, "overrides")) or texts["command"]
        )
        return Prototype(
            own=own,
            visited=bases.visited,
            layers=layers,
            lists=lists,
            texts={part: found for part, found in texts.items() if found},
            overrides=overrides,
            inheritance=bases.inheritance,
            component=component,
            folder=folder if isinstance(folder, str) and folder else component,
            abstract=metadata.get("type") == "abstract",
            dynamic=dynamic or is_dynamic(own, self._config.templates.marker),
        )

    def _is_physical(self, kind: str) -> Callable[[str], bool]:
        """Whether a component of that kind exists as a folder."""
        folder = self._config.base / str(self._config.kind(kind).get("base_path") or "")

        def exists(name: str) -> bool:
            key = (kind, name)
            if key not in self._physical:
                self._physical[key] = (folder / name).is_dir()
            return self._physical[key]

        return exists

    def _lists(self, own: Section, base: Section, overrides: Section, at: At) -> ListStrategy:
        """The strategy that overrides, the component or a base asks for, else that of atmos.yaml."""
        for holder in (overrides, own, base):
            settings = holder.get("settings")
            asked = settings.get("list_merge_strategy") if isinstance(settings, dict) else None
            if asked:
                key = "settings.list_merge_strategy"
                return ListStrategy.parse(asked, Where(file=at.file, component=at.component, key=key))
        return self._config.lists


def _joined(layers: list[Section], lists: ListStrategy) -> tuple[Section, ...]:
    """The layers with each merged into the one before it where that makes no difference to what is below them."""
    joined: list[Section] = []
    for layer in layers:
        if not layer:
            continue
        if joined and associates(joined[-1], layer, lists):
            joined[-1] = merge_maps(joined[-1], layer, lists)
        else:
            joined.append(layer)
    return tuple(joined)


def _physical_component(own: Section, bases: Lineage, merged: Section, at: At) -> str:
    """Its own `metadata.component`, else the base of `component:`, else an inherited one, else its name."""
    inside = At(at.file, at.kind, at.component, _METADATA)
    declared = text(own.get(_METADATA, {}), "component", inside)
    if not declared and "component" in own and bases.final:
        return bases.final
    return declared or text(merged, "component", inside) or at.component or ""
