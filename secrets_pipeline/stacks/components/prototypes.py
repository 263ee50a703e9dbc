"""Merge a component as far as it does not depend on the rest of its stack: its own sections over those of its bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from secrets_pipeline.errors import Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.amounts import Sizes
from secrets_pipeline.stacks.components.dynamic import Dynamics
from secrets_pipeline.stacks.components.inheritance import Bases, Lineage, lineage
from secrets_pipeline.stacks.components.naming import StackNames
from secrets_pipeline.stacks.components.secret_scopes import INSTANCE, SECRETS, with_scope
from secrets_pipeline.stacks.components.sections import (
    ABSTRACT,
    BACKENDS,
    OVERRIDABLE_MAPS,
    OVERWRITTEN,
    TERRAFORM,
    At,
    component_map,
    mapping,
    maps_of,
    text,
)
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.files.disk import is_folder
from secrets_pipeline.stacks.merge import ListStrategy, Section, associates, merge_all, merge_maps

_METADATA = "metadata"


class Prototype(NamedTuple):
    """What a component brings to any stack that defines it and its bases in the same way.

    Attributes:
        own: the component's section; kept alive, so that its id stays unique.
        visited: each component that its lineage met, `None` where the manifest has none of that name.
        layers: by section, what is merged over the stack's own section, lowest precedence first.
        size: how many values are in them.
        lists: how its lists merge.
        texts: `command`, `backend_type` and the like, of itself or a base; empty ones are left out.
        overrides: its `overrides`.
        lineage: its bases.
        inheritance: as Atmos prints it.
        component: the physical component.
        folder: names its state: `metadata.name`, or the physical component.
        abstract: whether it is only there to be inherited from.
        info: its `component_info`.
        has_backend: whether it says anything of backends.
        names_stack: whether it has a say in the name of its stack.
        dynamic: whether anything of it is to be evaluated or rendered.
    """

    own: Section
    visited: Mapping[str, Section | None]
    layers: Mapping[str, tuple[Section, ...]]
    size: int
    lists: ListStrategy
    texts: Mapping[str, str]
    overrides: Section
    inheritance: list[str]
    component: str
    folder: str
    abstract: bool
    info: Section
    has_backend: bool
    names_stack: bool
    dynamic: bool

    def fits(self, components: Section) -> bool:
        """Whether the components of a manifest give the same prototype."""
        return all(components.get(name) is section for name, section in self.visited.items())


class Prototypes:
    """Makes prototypes; one that several stacks share is made once.

    Args:
        config: the repository's configuration.
        names: gives stacks their names.
    """

    def __init__(self, config: AtmosConfig, names: StackNames) -> None:
        self._config = config
        self._names = names
        self._dynamics = Dynamics(config.templates.marker)
        self._bases = Bases(config, self._dynamics)
        self._known: dict[tuple[str, str, int, ListStrategy], list[Prototype]] = {}
        self._physical: dict[tuple[str, str], bool] = {}

    def get(self, components: Section, at: At, lists: ListStrategy) -> Prototype:
        """The prototype of a component.

        Args:
            components: all components of its kind in the manifest.
            at: the component.
            lists: how its lists merge unless it, or a base, says otherwise.

        Raises:
            StackError: if a section of it has the wrong type, or its lineage is broken.
        """
        name = at.component or ""
        own = component_map(components, name, at)
        known = self._known.setdefault((at.kind, name, id(own), lists), [])
        for prototype in known:
            if prototype.fits(components):
                return prototype
        known.append(self._made(own, components, at, lists))
        return known[-1]

    def _made(self, own: Section, components: Section, at: At, lists: ListStrategy) -> Prototype:
        bases = lineage(components, at, partial(self._is_physical, at.kind))
        overrides = mapping(own, "overrides", at)
        settings = [own.get("settings"), overrides.get("settings")]
        asked = asked_strategy(settings, at)
        base, dynamic = self._bases.merged(bases.order, components, at, asked or lists)
        lists = asked or asked_strategy([base.get("settings")], at) or lists
        dynamic = dynamic or self._dynamics.of(own)
        if at.kind == TERRAFORM:
            mapping(mapping(own, "settings", at), "spacelift", At(at.file, at.kind, at.component, "settings"))
        over = At(at.file, at.kind, at.component, "overrides")
        layers: dict[str, tuple[Section, ...]] = {}
        given = own.keys() | base.keys() | overrides.keys()
        for part in (*maps_of(at.kind), _METADATA):
            if part not in given:
                continue
            of_part = [base[part]] if part in base else []
            if part in own:
                of_part.append(mapping(own, part, at))
            if part in overrides and part in OVERRIDABLE_MAPS:
                of_part.append(mapping(overrides, part, over))
            if part == SECRETS:
                of_part = [with_scope(one, INSTANCE, at) for one in of_part]
            if of_part:
                layers[part] = tuple(of_part) if dynamic else _joined(of_part, lists)
        metadata = merge_all(layers.get(_METADATA, ()), lists)
        component = _physical_component(own, bases, metadata, at)
        folder = metadata.get("name")
        texts = {part: found for part in OVERWRITTEN if (found := text(own, part, at) or base.get(part, ""))}
        if "command" in overrides:
            texts["command"] = text(overrides, "command", over) or texts.get("command", "")
        return Prototype(
            own=own,
            visited=bases.visited,
            layers=layers,
            size=sum(map(Sizes().of, chain.from_iterable(layers.values()))),
            lists=lists,
            texts=texts,
            overrides=overrides,
            inheritance=bases.inheritance,
            component=component,
            folder=folder if isinstance(folder, str) and folder else component,
            abstract=metadata.get("type") == ABSTRACT,
            info=self._info(at.kind, component),
            has_backend=not BACKENDS.isdisjoint(layers) or not BACKENDS.isdisjoint(texts),
            names_stack=self._names.depend_on(layers),
            dynamic=dynamic,
        )

    def _info(self, kind: str, component: str) -> Section:
        folder = str(self._config.kind(kind).get("base_path") or "")
        return {"component_path": f"{folder}/{component}".lstrip("/"), "component_type": kind}

    def _is_physical(self, kind: str, name: str) -> bool:
        """Whether a component of that kind exists as a folder."""
        known = self._physical.get((kind, name))
        if known is None:
            folder = self._config.base / str(self._config.kind(kind).get("base_path") or "")
            known = self._physical[kind, name] = is_folder(folder / name)
        return known


def asked_strategy(settings: Sequence[Value], at: At) -> ListStrategy | None:
    """The `settings.list_merge_strategy` that the last of several `settings` with one asks for.

    Raises:
        StackError: if there is no such strategy.
    """
    for section in reversed(settings):
        asked = section.get("list_merge_strategy") if isinstance(section, dict) else None
        if isinstance(asked, str) and asked:
            key = "settings.list_merge_strategy"
            return ListStrategy.parse(asked, Where(file=at.file, component=at.component, key=key))
    return None


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
    declared = text(mapping(own, _METADATA, at), "component", inside)
    if not declared and "component" in own and bases.final:
        return bases.final
    return declared or text(merged, "component", inside) or at.component or ""
