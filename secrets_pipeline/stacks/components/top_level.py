"""Read the top-level manifests: which may belong to a stack, and what each gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.components.composition import Conflict
from secrets_pipeline.stacks.components.draft import Draft, Unmade
from secrets_pipeline.stacks.components.processing import Processor
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.files.globs import FileTree
from secrets_pipeline.stacks.files.readable import EXTENSIONS
from secrets_pipeline.stacks.manifests.discovery import in_order, stack_file_name, stack_files
from secrets_pipeline.stacks.manifests.imports import Imports, Merged
from secrets_pipeline.stacks.manifests.places import Places

_NAME_KEY: Final = re.compile(r"^[\"']?name[\"']?\s*:|\A\s*\{", re.MULTILINE)


Admits: TypeAlias = Callable[[str, str], bool]
"""Called with a stack's name and a top-level manifest's, relative to the base path."""


Known: TypeAlias = Callable[[str], Collection[str]]
"""Called with a stack's name, for its top-level manifests, relative to the base path; none for an unknown stack."""


def any_manifest(_stack: str, _manifest: str) -> bool:
    """Admit every manifest, as Atmos does."""
    return True


@dataclass(frozen=True, slots=True)
class Processed:
    """What one top-level manifest gave.

    Attributes:
        file: the manifest, relative to the base path.
        merged: the manifest with its imports; `None` if they cannot be merged.
        drafts: its components.
        errors: of itself and of components that cannot be made.
        broken: stacks that lack something because of these errors, as far as that can be told.
        unmade: components that cannot be made; their errors are in `errors`, in the same order.
        unread: errors of imports from elsewhere: any of its components may be otherwise.
    """

    file: str
    merged: Merged | None
    drafts: tuple[Draft, ...]
    errors: tuple[StackError, ...]
    broken: frozenset[str]
    unmade: tuple[Unmade, ...] = ()
    unread: tuple[StackError, ...] = ()


class TopLevel:
    """The top-level manifests of a repository, each processed once.

    Args:
        files: access to the repository.
        tree: its folders.
        imports: merges manifests with their imports.
        processor: makes their components.
        places: finds the places of errors.
        admits: whether a manifest, by its name, may be part of a stack; it has nothing to say in any other.
        known: the manifests of each stack, by name, where they have all been read before; None has them looked for.

    Attributes:
        left_out: manifests that were not admitted, each with the stack.
    """

    def __init__(
        self,
        files: Files,
        tree: FileTree,
        imports: Imports,
        processor: Processor,
        places: Places,
        *,
        admits: Admits = any_manifest,
        known: Known | None = None,
    ) -> None:
        self._admits = admits
        self._known = known
        self.left_out: dict[tuple[str, str], None] = {}
        self._config = processor.config
        self._files = files
        self._tree = tree
        self._imports = imports
        self._processor = processor
        self._places = places
        self._amounts = processor.amounts
        self._processed: dict[Path, Processed] = {}

    def candidates(self, stacks: Collection[str] | None) -> list[Path]:
        """All top-level manifests, or those that can belong to the stacks.

        Raises:
            StackError: if there are none at all.
        """
        if stacks is not None and self._known is not None:
            named = {self._config.base / file for stack in stacks for file in self._known(stack)}
            return in_order(named, self._config)
        files = stack_files(self._config, self._tree)
        if stacks is None:
            return files
        if self._named_by_files() and not self._any_is_named():
            names = {stack_file_name(path, self._config): path for path in files}
            if names.keys() >= set(stacks):
                return [path for name, path in names.items() if name in stacks]
        return [path for path in files if self._may_belong(path, stacks)]

    def processed(self, path: Path) -> Processed:
        """What a top-level manifest gives."""
        if path not in self._processed:
            self._processed[path] = self._admitted(path, self._process(path))
        return self._processed[path]

    def _admitted(self, path: Path, found: Processed) -> Processed:
        """Leave out what a manifest says of stacks that it may not join, so that joining a stack cannot stop it."""
        manifest = self._files.name(path)
        names = {draft.stack for draft in found.drafts} | found.broken
        foreign = {name for name in names if not self._admits(name, manifest)}
        if not foreign:
            return found
        self.left_out |= dict.fromkeys((name, manifest) for name in sorted(foreign))
        errors = tuple(one for one in found.errors if not (one.where and one.where.stack in foreign))
        drafts = tuple(one for one in found.drafts if one.stack not in foreign)
        broken, unread = found.broken - foreign, found.unread if drafts else ()
        if not broken:
            errors = tuple(one for one in errors if one not in [unmade.error for unmade in found.unmade])
        unmade = found.unmade if broken else ()
        return replace(found, drafts=drafts, errors=errors, broken=broken, unmade=unmade, unread=unread)

    def conflict(self, conflict: Conflict) -> StackError:
        """The error of manifests that disagree about a stack, with where it gets its name."""
        places: dict[Where, None] = {}
        for file in conflict.files:
            merged = self.processed(self._config.base / file).merged
            if merged and isinstance(merged.config.get("name"), str):
                places[self._places.of_name(merged.sources) or Where(file=file)] = None
        return conflict.error(list(places), "name_template" if self._config.name_template else "name_pattern")

    def _process(self, path: Path) -> Processed:
        file = self._files.name(path)
        try:
            merged = self._load(path)
        except StackError as error:
            name = stack_file_name(path, self._config) if self._named_by_files() else None
            placed = self._places.of_manifest(error, path, [path])
            if placed.where and placed.where.file == file:
                placed = _of_stack(placed, name)
            return Processed(file, None, (), (placed,), frozenset([name] if name else ()))
        try:
            drafts, unmade = self._processor.drafts(path, merged)
        except StackError as error:
            broken = self._processor.stack_names(path, merged) or set()
            placed = self._places.of_manifest(error, path, merged.sources)
            if len(broken) == 1:
                placed = _of_stack(placed, *broken)
            return Processed(file, merged, (), (placed,), frozenset(broken))
        stacks = {draft.stack for draft in drafts}
        if not stacks and self._named_by_files():
            stacks = {stack_file_name(path, self._config)}
        of = next(iter(stacks)) if len(stacks) == 1 else None
        unread = tuple(_of_stack(self._unread(error, path, merged), of) for error in merged.unread)
        if not unmade:
            return Processed(file, merged, tuple(drafts), (), frozenset(), unread=unread)
        broken = {draft.stack for draft in drafts} | (self._processor.stack_names(path, merged) or set())
        located = [
            one._replace(error=self._places.of_component(one.error, path, merged.sources, one.kind)) for one in unmade
        ]
        errors = tuple(one.error for one in located)
        return Processed(file, merged, tuple(drafts), errors, frozenset(broken), tuple(located), unread)

    def _unread(self, error: StackError, path: Path, merged: Merged) -> StackError:
        """The error of an import from elsewhere, on its line and with the chain that leads there."""
        placed = self._places.of_manifest(error, path, merged.sources)
        importer = self._config.base / ((placed.where.file if placed.where else "") or "")
        chain = [self._files.name(step) for step in self._imports.chain(path, importer)]
        return StackError(placed.message, remedy=placed.remedy, where=placed.where, chain=chain)

    def _load(self, path: Path) -> Merged:
        with self._amounts.of((path, "imports")):
            return self._imports.load(path)

    def _named_by_files(self) -> bool:
        return not (self._config.name_template or self._config.name_pattern)

    def _may_belong(self, path: Path, stacks: Collection[str]) -> bool:
        try:
            names = self._processor.stack_names(path, self._load(path))
        except StackError:
            return True
        return names is None or not names.isdisjoint(stacks)

    def _any_is_named(self) -> bool:
        """Whether a manifest, or what one imports, may name its stack itself."""
        patterns = [f"**/*{extension}" for extension in EXTENSIONS]
        return any(
            self._is_named(path) for pattern in patterns for path in self._tree.matches(self._config.stacks, pattern)
        )

    def _is_named(self, path: Path) -> bool:
        """Whether a manifest may name its stack itself; one that cannot be read gives no stack at all."""
        try:
            return _NAME_KEY.search(self._files.text(path)) is not None
        except StackError:
            return False


def _of_stack(error: StackError, stack: str | None) -> StackError:
    """The error of a manifest as that of the stack that it would have given."""
    where = replace(error.where or Where(), stack=stack)
    return StackError(error.message, remedy=error.remedy, where=where, chain=error.chain)
