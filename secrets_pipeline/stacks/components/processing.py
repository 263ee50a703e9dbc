"""Process one merged manifest into components (Atmos `stack_processor_process_stacks.go`, `…_merge.go`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.stacks.amounts import COPIED, Amounts, Sizes, TooMuch, make
from secrets_pipeline.stacks.components.backend import BackendInputs, backends
from secrets_pipeline.stacks.components.deferred import Deferred, NotAMapping, merge_layers
from secrets_pipeline.stacks.components.deferred import Path as KeyPath
from secrets_pipeline.stacks.components.draft import Draft, Unmade
from secrets_pipeline.stacks.components.dynamic import is_dynamic
from secrets_pipeline.stacks.components.naming import Origin, StackNames, workspace
from secrets_pipeline.stacks.components.prototypes import Prototype, Prototypes, asked_strategy
from secrets_pipeline.stacks.components.secret_scopes import SECRETS, STACK, with_scope
from secrets_pipeline.stacks.components.sections import (
    ALWAYS_SHOWN,
    COMPONENT_MAPS,
    DEFERRING_MAPS,
    KINDS,
    OVERWRITTEN,
    ROOT_MAPS,
    SHOWN_IN_TERRAFORM,
    TERRAFORM,
    At,
    mapping,
    maps_of,
    root_metadata,
    text,
)
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.manifests.discovery import stack_file_name, without_extension
from secrets_pipeline.stacks.manifests.imports import Merged
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all, merge_maps
from secrets_pipeline.stacks.templates.templates import Renderer


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a manifest says for all components of one kind.

    Attributes:
        name: `terraform` and the like.
        components: by name.
        maps: sections that have anything in them.
        texts: `command`, `backend_type` and the like.
        lists: how lists of components merge, unless they say otherwise.
        shown: sections that every component shows, without content.
        dynamic: whether any of it is to be rendered or evaluated.
        size: how many values every component has of it.
    """

    name: str
    components: Section
    maps: Section
    texts: dict[str, str]
    lists: ListStrategy
    shown: Section
    dynamic: bool
    size: int


class Processor:
    """Makes the components of merged manifests.

    Args:
        config: the repository's configuration.
        files: names files in messages.
        renderer: renders templates in names.
        amounts: of the repository.
    """

    def __init__(self, config: AtmosConfig, files: Files, renderer: Renderer, amounts: Amounts) -> None:
        self.config: Final = config
        self.names: Final = StackNames(config, renderer)
        self.prototypes: Final = Prototypes(config, self.names)
        self.renderer: Final = renderer
        self.amounts: Final = amounts
        self._files = files
        self._import_names: dict[Path, str] = {}

    def drafts(self, path: Path, merged: Merged) -> tuple[list[Draft], list[Unmade]]:
        """The components of a top-level manifest, and those that cannot be made.

        Raises:
            StackError: if the manifest itself is wrong, so that it has no components.
            TooMuch: if these are too many, or too large.
        """
        with self.amounts.of((path, "components")):
            return self._drafts(path, merged)

    def _drafts(self, path: Path, merged: Merged) -> tuple[list[Draft], list[Unmade]]:
        manifest = _Manifest(self, path, merged)
        drafts: list[Draft] = []
        unmade: list[Unmade] = []
        for kind in manifest.kinds():
            for name in kind.components:
                try:
                    drafts.append(manifest.draft(kind, name))
                except TooMuch:
                    raise
                except StackError as error:
                    own = kind.components[name]
                    unmade.append(Unmade(kind.name, name, own if isinstance(own, dict) else {}, error))
        return drafts, unmade

    def stack_names(self, path: Path, merged: Merged) -> set[str] | None:
        """The stacks of a top-level manifest; `None` if that cannot be told without its drafts, which cost more."""
        try:
            return _Manifest(self, path, merged).stack_names()
        except StackError:
            return None

    def name(self, path: Path) -> str:
        """The file for messages."""
        return self._files.name(path)

    def import_name(self, path: Path) -> str:
        """An imported file as Atmos lists it: below the stacks folder, without extension."""
        name = self._import_names.get(path)
        if name is None:
            folder = f"{self.name(self.config.stacks)}/".removeprefix("./")
            name = self._import_names[path] = without_extension(self.name(path).removeprefix(folder))
        return name


class _Manifest:
    """One top-level manifest on its way to drafts."""

    def __init__(self, processor: Processor, path: Path, merged: Merged) -> None:
        self._processor = processor
        self._atmos = processor.config
        self._config = merged.config
        self._file = processor.name(path)
        self._root = At(self._file)
        self._stack_names: dict[str, str] = {}
        self._backends_of: dict[str, Section] = {}
        self._metadata = root_metadata(merged.config, self._root)
        name = merged.config.get("name")
        self._origin = Origin(stack_file_name(path, self._atmos), name if isinstance(name, str) else "")
        self._imports = sorted({processor.import_name(source) for source in merged.sources[:-1]})

    def kinds(self) -> list[_Kind]:
        components = mapping(self._config, "components", self._root)
        at = At(self._file, path="components")
        kinds = (name for name in (*components, *self._config) if name in KINDS)
        return [self._kind(name, mapping(components, name, at)) for name in dict.fromkeys(kinds)]

    def _kind(self, name: str, components: Section) -> _Kind:
        section = mapping(self._config, name, self._root)
        at = At(self._file, path=name)
        maps: Section = {}
        for part in maps_of(name):
            root = mapping(self._config, part, self._root) if part in ROOT_MAPS else {}
            if part == "env":
                root = merge_maps(dict(self._atmos.env), root, self._atmos.lists)
            own = {} if part in COMPONENT_MAPS else mapping(section, part, at)
            maps[part] = merge_maps(root, own, self._atmos.lists)
        maps[SECRETS] = with_scope(maps[SECRETS], STACK, self._root)
        texts = {part: text(section, part, at) for part in OVERWRITTEN}
        texts["command"] = texts["command"] or str(self._atmos.kind(name).get("command") or name)
        shown = ALWAYS_SHOWN | SHOWN_IN_TERRAFORM if name == TERRAFORM else ALWAYS_SHOWN
        filled = {part: found for part, found in maps.items() if found}
        return _Kind(
            name=name,
            components=components,
            maps=filled,
            texts=texts,
            lists=asked_strategy([maps["settings"]], self._root) or self._atmos.lists,
            shown={part: {} for part in maps_of(name) if part in shown},
            dynamic=is_dynamic([filled, texts, self._metadata], self._atmos.templates.marker),
            size=Sizes().of([filled, self._metadata]) + len(self._imports) // COPIED,
        )

    def stack_names(self) -> set[str] | None:
        """The stacks of all components, if none of these has a say in it; else `None`."""
        names: set[str] = set()
        for kind in self.kinds():
            if not self._origin.name and any(map(self._processor.names.depend_on_component, kind.components.values())):
                return None
            try:
                names.add(self._processor.names.of(self._origin, {**kind.shown, **kind.maps}))
            except TemplateError:
                return None
        return names

    def draft(self, kind: _Kind, name: str) -> Draft:
        """One component, merged and named.

        Raises:
            StackError: if anything of it is wrong.
        """
        at = At(self._file, kind.name, name)
        prototype = self._processor.prototypes.get(kind.components, at, kind.lists)
        make(kind.size + prototype.size)
        try:
            deferred: dict[KeyPath, Deferred] = {}
            sections = self._sections(kind, prototype, at, deferred)
            stack = self._stack_name(kind, prototype, sections)
            sections["atmos_component"] = name
            sections["atmos_stack"] = sections["stack"] = stack
            sections["atmos_stack_file"] = sections["atmos_manifest"] = self._origin.file_name
            sections["component_info"] = prototype.info
            sections["imports"] = self._imports
            if kind.name == TERRAFORM:
                sections["workspace"] = workspace(name, stack, sections, self._atmos, self._processor.renderer)
        except TemplateError as error:
            raise self._template_error(error, name) from None
        return Draft(name, kind.name, stack, self._file, sections, kind.dynamic or prototype.dynamic, deferred)

    def _stack_name(self, kind: _Kind, prototype: Prototype, sections: Section) -> str:
        """The stack's name; components that say nothing of what it is made of share one."""
        if prototype.names_stack:
            return self._processor.names.of(self._origin, sections)
        if kind.name not in self._stack_names:
            self._stack_names[kind.name] = self._processor.names.of(self._origin, sections)
        return self._stack_names[kind.name]

    def _sections(self, kind: _Kind, prototype: Prototype, at: At, deferred: dict[KeyPath, Deferred]) -> Section:
        sections: Section = {**kind.shown, **kind.maps}
        dynamic = kind.dynamic or prototype.dynamic
        for part, own in prototype.layers.items():
            layers = (sections[part], *own) if part in sections else own
            if dynamic and part in DEFERRING_MAPS:
                merged, found = self._merged_late(part, layers, prototype.lists, at)
                deferred |= {(part, *path): what for path, what in found.items()}
            else:
                merged = merge_all(layers, prototype.lists)
            if merged or part in kind.shown:
                sections[part] = merged
        sections["metadata"] = merge_maps(self._metadata, sections.get("metadata", {}), prototype.lists)
        sections["overrides"] = prototype.overrides
        sections["inheritance"] = prototype.inheritance
        sections["component"] = prototype.component
        sections["command"] = prototype.texts.get("command") or kind.texts["command"]
        if kind.name == TERRAFORM:
            self._add_terraform(sections, kind, prototype, at)
        return sections

    def _merged_late(
        self, part: str, layers: Sequence[Section], lists: ListStrategy, at: At
    ) -> tuple[Section, dict[KeyPath, Deferred]]:
        try:
            return merge_layers(layers, lists)
        except NotAMapping as error:
            raise StackError(
                f"{error}, in {part}",
                where=Where(file=at.file, component=at.component, key=".".join((part, *error.path))),
                remedy="Remove the value here, or the function from the base component.",
            ) from None

    def _add_terraform(self, sections: Section, kind: _Kind, prototype: Prototype, at: At) -> None:
        """The sections that only Terraform components have."""
        if prototype.abstract:
            sections["settings"] = _without_workspace(sections["settings"], at)
        if prototype.has_backend:
            sections |= self._backends(sections, kind, prototype, at)
        else:
            if prototype.folder not in self._backends_of:
                self._backends_of[prototype.folder] = self._backends(sections, kind, prototype, at)
            sections |= self._backends_of[prototype.folder]
        version = prototype.texts.get("required_version") or kind.texts["required_version"]
        if version:
            sections["required_version"] = version

    def _backends(self, sections: Section, kind: _Kind, prototype: Prototype, at: At) -> Section:
        texts = {**kind.texts, **prototype.texts}
        inputs = BackendInputs(
            at=at,
            folder=prototype.folder,
            backend_type=texts["backend_type"],
            backend=sections["backend"],
            remote_type=texts["remote_state_backend_type"],
            remote=sections["remote_state_backend"],
            root=kind.maps.get("backend", {}),
            own=mapping(prototype.own, "backend", at),
        )
        return backends(inputs, self._atmos.lists)

    def _template_error(self, error: TemplateError, component: str) -> StackError:
        return StackError(
            f"{error} in the stack's name or workspace template",
            where=Where(file=self._file, component=component),
            remedy="Set the variable for every component of this manifest, abstract ones included, or set `name:`.",
        )


def _without_workspace(settings: Section, at: At) -> Section:
    """`settings` of an abstract component, without Spacelift's switch."""
    if "spacelift" not in settings:
        return settings
    spacelift = mapping(settings, "spacelift", At(at.file, at.kind, at.component, "settings"))
    return {**settings, "spacelift": {key: value for key, value in spacelift.items() if key != "workspace_enabled"}}
