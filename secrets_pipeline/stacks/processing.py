"""One merged manifest to its components (Atmos `internal/exec/stack_processor_process_stacks.go`, `…_merge.go`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.backend import BackendInputs, backends
from secrets_pipeline.stacks.config import AtmosConfig
from secrets_pipeline.stacks.discovery import stack_file_name, without_extension
from secrets_pipeline.stacks.files import Files
from secrets_pipeline.stacks.imports import Merged
from secrets_pipeline.stacks.inheritance import Bases, Lineage, lineage
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all, merge_maps
from secrets_pipeline.stacks.naming import Origin, stack_name, workspace
from secrets_pipeline.stacks.sections import (
    ABSTRACT,
    ALWAYS_SHOWN,
    COMPONENT_MAPS,
    OVERRIDABLE_MAPS,
    OVERWRITTEN,
    ROOT_MAPS,
    SHOWN_IN_TERRAFORM,
    TERRAFORM,
    At,
    component_map,
    mapping,
    maps_of,
    root_metadata,
    text,
)
from secrets_pipeline.stacks.templates import TemplateError, TemplateUnsupported


@dataclass(frozen=True, slots=True)
class Draft:
    """A component after the merge, before its templates and functions.

    Attributes:
        name: component name.
        kind: `terraform` and the like.
        stack: logical stack name.
        file: top-level manifest, relative to the base path.
        sections: as `atmos describe component` prints them; shared with other drafts, so never changed.
    """

    name: str
    kind: str
    stack: str
    file: str
    sections: Section


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a manifest says for all components of one kind."""

    name: str
    components: Section
    maps: Section
    texts: dict[str, str]


class Processor:
    """Makes the components of merged manifests.

    Args:
        config: the repository's configuration.
        files: names files in messages.
    """

    def __init__(self, config: AtmosConfig, files: Files) -> None:
        self._config = config
        self._files = files
        self._bases = Bases(config.lists, inherit_metadata=config.inherit_metadata)
        self._physical: dict[tuple[str, str], bool] = {}

    def drafts(self, path: Path, merged: Merged) -> tuple[list[Draft], list[tuple[str, StackError]]]:
        """The components of a top-level manifest, and the errors of those that cannot be made, with their kinds.

        Raises:
            StackError: if the manifest itself is wrong, so that it has no components.
        """
        manifest = _Manifest(self, path, merged)
        drafts: list[Draft] = []
        errors: list[tuple[str, StackError]] = []
        for kind in manifest.kinds():
            for name in kind.components:
                try:
                    drafts.append(manifest.draft(kind, name))
                except StackError as error:
                    errors.append((kind.name, error))
        return drafts, errors

    @property
    def config(self) -> AtmosConfig:
        """The repository's configuration."""
        return self._config

    @property
    def bases(self) -> Bases:
        """Merged base components, shared by all manifests."""
        return self._bases

    def name(self, path: Path) -> str:
        """The file for messages."""
        return self._files.name(path)

    def is_physical(self, kind: str) -> Callable[[str], bool]:
        """Whether a component of that kind exists as a folder."""
        folder = self._config.base / str(self._config.kind(kind).get("base_path") or "")

        def exists(name: str) -> bool:
            key = (kind, name)
            if key not in self._physical:
                self._physical[key] = (folder / name).is_dir()
            return self._physical[key]

        return exists


class _Manifest:
    """One top-level manifest on its way to drafts."""

    def __init__(self, processor: Processor, path: Path, merged: Merged) -> None:
        self._processor = processor
        self._atmos = processor.config
        self._config = merged.config
        self._file = processor.name(path)
        self._root = At(self._file)
        self._metadata = root_metadata(merged.config, self._root)
        self._origin = Origin(stack_file_name(path, self._atmos), text(merged.config, "name", self._root))
        imports = {processor.name(source) for source in merged.sources[:-1]}
        folder = f"{processor.name(self._atmos.stacks)}/".removeprefix("./")
        self._imports = sorted(without_extension(name.removeprefix(folder)) for name in imports)

    def kinds(self) -> list[_Kind]:
        components = mapping(self._config, "components", self._root)
        at = At(self._file, path="components")
        return [self._kind(name, mapping(components, name, at)) for name in components]

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
        return _Kind(name, components, maps, {part: text(section, part, at) for part in OVERWRITTEN})

    def draft(self, kind: _Kind, name: str) -> Draft:
        """One component, merged and named.

        Raises:
            StackError: if anything of it is wrong.
        """
        at = At(self._file, kind.name, name)
        try:
            sections = self._sections(kind, name, at)
            stack = stack_name(self._origin, sections, self._atmos)
            sections |= {
                "atmos_component": name,
                "atmos_stack": stack,
                "stack": stack,
                "atmos_stack_file": self._origin.file_name,
                "atmos_manifest": self._origin.file_name,
                "component_info": self._component_info(kind.name, sections),
                "imports": self._imports,
            }
            if kind.name == TERRAFORM:
                sections["workspace"] = workspace(name, stack, sections, self._atmos)
        except (TemplateError, TemplateUnsupported) as error:
            raise self._template_error(error, name) from None
        return Draft(name, kind.name, stack, self._file, sections)

    def _sections(self, kind: _Kind, name: str, at: At) -> Section:
        own = component_map(kind.components, name, at)
        bases = lineage(kind.components, at, self._processor.is_physical(kind.name))
        base = self._processor.bases.merged(bases.order, kind.components, at)
        overrides = mapping(own, "overrides", at)
        lists = self._lists(own, base, overrides, at)
        sections: Section = {}
        for part in maps_of(kind.name):
            layers = [kind.maps[part], base.get(part, {}), mapping(own, part, at)]
            if part in OVERRIDABLE_MAPS and part in overrides:
                layers.append(mapping(overrides, part, At(self._file, kind.name, name, "overrides")))
            merged = merge_all(layers, lists)
            if merged or part in ALWAYS_SHOWN or (kind.name == TERRAFORM and part in SHOWN_IN_TERRAFORM):
                sections[part] = merged
        metadata = mapping(own, "metadata", at)
        sections["metadata"] = merge_all([self._metadata, base.get("metadata", {}), metadata], lists)
        sections["settings"] = _settings(sections)
        sections["overrides"] = overrides
        sections["inheritance"] = bases.inheritance
        sections["component"] = _physical_component(own, bases, sections["metadata"], at)
        last = _LastText(own, base, kind.texts, at)
        sections["command"] = (
            text(overrides, "command", At(self._file, kind.name, name, "overrides"))
            or last("command")
            or str(self._atmos.kind(kind.name).get("command") or kind.name)
        )
        if kind.name == TERRAFORM:
            sections |= self._terraform(kind, sections, last, mapping(own, "backend", at), at)
        return sections

    def _terraform(self, kind: _Kind, sections: Section, last: _LastText, backend: Section, at: At) -> Section:
        """The sections that only Terraform components have."""
        version = last("required_version")
        folder = sections["metadata"].get("name")
        inputs = BackendInputs(
            at=at,
            folder=folder if isinstance(folder, str) and folder else sections["component"],
            backend_type=last("backend_type"),
            backend=sections["backend"],
            remote_type=last("remote_state_backend_type"),
            remote=sections["remote_state_backend"],
            root=kind.maps["backend"],
            own=backend,
        )
        found = backends(inputs, self._atmos.lists)
        return {**found, "required_version": version} if version else found

    def _lists(self, own: Section, base: Section, overrides: Section, at: At) -> ListStrategy:
        """The strategy that overrides, the component or a base asks for, else that of atmos.yaml."""
        for holder in (overrides, own, base):
            settings = holder.get("settings")
            asked = settings.get("list_merge_strategy") if isinstance(settings, dict) else None
            if asked:
                key = "settings.list_merge_strategy"
                return ListStrategy.parse(asked, Where(file=at.file, component=at.component, key=key))
        return self._atmos.lists

    def _component_info(self, kind: str, sections: Section) -> Section:
        folder = str(self._atmos.kind(kind).get("base_path") or "")
        return {"component_path": f"{folder}/{sections['component']}".lstrip("/"), "component_type": kind}

    def _template_error(self, error: Exception, component: str) -> StackError:
        return StackError(
            f"{error} in the stack's name or workspace template",
            where=Where(file=self._file, component=component),
            remedy="Set the variable for every component of this manifest, abstract ones included, or set `name:`.",
        )


@dataclass(frozen=True, slots=True)
class _LastText:
    """Texts of which the nearest counts: the component's, a base's, the kind's."""

    own: Section
    base: Section
    kind: dict[str, str]
    at: At

    def __call__(self, part: str) -> str:
        inherited: str = self.base.get(part, "")
        return text(self.own, part, self.at) or inherited or self.kind[part]


def _physical_component(own: Section, bases: Lineage, merged: Section, at: At) -> str:
    """Its own `metadata.component`, else the base of `component:`, else an inherited one, else its name."""
    inside = At(at.file, at.kind, at.component, "metadata")
    declared = text(own.get("metadata", {}), "component", inside)
    if not declared and "component" in own and bases.final:
        return bases.final
    return declared or text(merged, "component", inside) or at.component or ""


def _settings(sections: Section) -> Section:
    """`settings`, without Spacelift's switch on an abstract component."""
    settings: Section = sections["settings"]
    spacelift = settings.get("spacelift")
    if sections["metadata"].get("type") != ABSTRACT or not isinstance(spacelift, dict):
        return settings
    kept = {key: value for key, value in spacelift.items() if key != "workspace_enabled"}
    return {**settings, "spacelift": kept}
