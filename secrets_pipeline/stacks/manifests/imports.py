"""Merge manifests with all that they import (Atmos `internal/exec/stack_processor_utils.go`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.values import MissingKey, Value
from secrets_pipeline.stacks.amounts import LONGEST_CHAIN, MOST_MERGES
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.files import remote
from secrets_pipeline.stacks.files.disk import is_file
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.files.globs import FileTree, OutsideError, is_glob
from secrets_pipeline.stacks.files.readable import EXTENSIONS, OUTSIDE, Use
from secrets_pipeline.stacks.manifests.manifests import Given, Manifests
from secrets_pipeline.stacks.manifests.overrides import Overrides, over, overrides_of, with_overrides
from secrets_pipeline.stacks.merge import Section, merge_maps
from secrets_pipeline.stacks.templates.templates import Renderer, has_template


@dataclass(frozen=True, slots=True)
class Import:
    """One entry of `import`."""

    path: str
    context: Section = field(default_factory=dict)
    skip_templates: bool = False
    ignore_missing_values: bool = False
    skip_if_missing: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What an importing file hands down: rendering, and the overrides in force."""

    given: Given = field(default_factory=Given)
    inline: Overrides = field(default_factory=dict)
    imported: Overrides = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merged:
    """A manifest with its imports.

    Attributes:
        config: all of it merged; shared with other manifests, so never changed.
        sources: the files it was merged from, each where it was merged last, the manifest itself at the end.
        inline: overrides of the manifest itself, with those of the files that import it.
        imported: overrides of the files before it and of its imports.
        merges: how many files were merged, each as often as it was.
        unread: the errors of imports from elsewhere, which are not read: the manifest may say more than `config`.
    """

    config: Section
    sources: tuple[Path, ...]
    inline: Overrides
    imported: Overrides
    merges: int
    unread: tuple[StackError, ...] = ()


class Imports:
    """Loads manifests with their imports; a file imported in the same way twice is merged once.

    Args:
        config: the repository's configuration.
        files: access to it.
        manifests: reads its files.
        tree: its folders.
        renderer: renders templates in paths.
    """

    def __init__(
        self, config: AtmosConfig, files: Files, manifests: Manifests, tree: FileTree, renderer: Renderer
    ) -> None:
        self._config = config
        self._files = files
        self._manifests = manifests
        self._tree = tree
        self._renderer = renderer
        self._merged: dict[tuple[Path, bool, MissingKey], Merged] = {}
        self._found: dict[tuple[Path, str], list[Path]] = {}
        self._imported: dict[Path, dict[Path, None]] = {}
        self._chain: list[Path] = []

    def chain(self, top: Path, target: Path) -> list[Path]:
        """The manifests that lead from a loaded one to one that it imports, without the latter; the shortest way."""
        before: dict[Path, Path | None] = {top: None}
        for path in (queue := [top]):
            if path == target:
                break
            for imported in self._imported.get(path, ()):
                if imported not in before:
                    before[imported] = path
                    queue.append(imported)
        chain: list[Path] = []
        step = before.get(target)
        while step is not None:
            chain.append(step)
            step = before[step]
        return chain[::-1]

    def load(self, path: Path) -> Merged:
        """Read and merge a top-level manifest with all its imports.

        Raises:
            StackError: with the chain of importing files, if any of them is invalid or missing, or a cycle is found.
        """
        missing = MissingKey.NO_VALUE if self._config.templates.ignore_missing else MissingKey.ERROR
        self._chain.clear()
        return self._load(path, Scope(Given(missing=missing)))

    def _load(self, path: Path, scope: Scope) -> Merged:
        if path in self._chain:
            cycle = [*self._chain[self._chain.index(path) :], path]
            raise StackError(
                f"import cycle: {' → '.join(self._files.name(step) for step in cycle)}",
                where=Where(file=self._files.name(self._chain[-1])),
                chain=[self._files.name(step) for step in self._chain],
                remedy="Remove one of these imports: Atmos itself would run until memory is exhausted.",
            )
        if len(self._chain) == LONGEST_CHAIN:
            raise self._invalid(
                f"more than {LONGEST_CHAIN} manifests import each other in a row",
                self._chain[-1],
                "Import what is needed directly.",
            )
        given = scope.given
        shareable = not (given.context or scope.inline or scope.imported)
        key = (path, given.skip_templates, given.missing)
        if shareable and key in self._merged:
            return self._merged[key]
        self._chain.append(path)
        try:
            merged = self._merge(path, scope)
        except StackError as error:
            raise self._chained(error) from None
        finally:
            self._chain.pop()
        if shareable:
            self._merged[key] = merged
        return merged

    def _chained(self, error: StackError) -> StackError:
        chain = [self._files.name(step) for step in self._chain[:-1]]
        if error.chain or not chain:
            return error
        return StackError(error.message, remedy=error.remedy, where=error.where, chain=chain)

    def _merge(self, path: Path, scope: Scope) -> Merged:
        manifest = self._manifests.read(path, scope.given)
        own = manifest.config
        lists = self._config.lists
        inline = over(overrides_of(own, self._files.name(path)), scope.inline, lists)
        imported = scope.imported
        config: Section = {}
        sources: dict[Path, None] = {}
        merges = 1
        unread: dict[str, StackError] = {}
        for entry in _entries(own, self._files.name(path)):
            context = merge_maps(entry.context, manifest.context, lists)
            given = Given(
                context=context,
                skip_templates=entry.skip_templates,
                missing=MissingKey.NO_VALUE if entry.ignore_missing_values else scope.given.missing,
            )
            targets = self._targets(entry, path, {**config, **context}, given.missing)
            if isinstance(targets, StackError):
                unread[targets.diagnostics()] = targets
                continue
            for target in targets:
                self._imported.setdefault(path, {})[target] = None
                found = self._load(target, Scope(given, inline, imported))
                unread |= {one.diagnostics(): one for one in found.unread}
                imported = over(over(imported, found.imported, lists), found.inline, lists)
                config = merge_maps(config, found.config, lists)
                for source in found.sources:
                    sources.pop(source, None)
                    sources[source] = None
                merges += found.merges
                if merges > MOST_MERGES:
                    raise self._invalid(
                        f"more than {MOST_MERGES} files to merge: files that are imported several times import others "
                        "several times",
                        path,
                        "Import each file once.",
                    )
        own = with_overrides(own, over(imported, inline, lists))
        whole = merge_maps(config, own, lists)
        return Merged(whole, (*sources, path), inline, imported, merges, tuple(unread.values()))

    def _targets(self, entry: Import, importer: Path, context: Section, missing: MissingKey) -> list[Path] | StackError:
        """The files that an import names, in the order of their merge; the error of one from elsewhere."""
        name = self._rendered(entry, importer, context, missing)
        if name is None:
            return []
        if remote.is_remote(name):
            # As written: what a template puts into it may be a credential.
            message = f"remote import not supported: {remote.shown(entry.path)!r}"
            remedy = "Vendor the file into the repository, or let Atmos read it: --from-atmos."
            return self._invalid(message, importer, remedy)
        anchor = importer.parent if name.split("/")[0] in (".", "..") else self._config.stacks
        found = self._found.get((anchor, name))
        if found is None:
            found = self._found[anchor, name] = self._found_now(anchor, name, entry, importer)
        if importer in found and not is_glob(name):
            raise self._invalid(
                f"invalid import in the manifest {self._files.name(importer)!r}: the file imports itself",
                importer,
                "Remove the import.",
            )
        if not found and not entry.skip_if_missing:
            raise self._invalid(
                f"stack import not found: failed to find import {entry.path!r}",
                importer,
                "Correct the path (relative to the stacks folder, or to this file with ./), or set skip_if_missing.",
            )
        return found

    def _rendered(self, entry: Import, importer: Path, context: Section, missing: MissingKey) -> str | None:
        """The path itself, which may be a template; `None` if nobody renders it, as Atmos tolerates that."""
        if not has_template(entry.path):
            return entry.path
        if not self._config.templates.enabled or entry.skip_templates:
            return None
        try:
            return self._renderer.render(entry.path, context, missing)
        except TemplateError as error:
            remedy = "An import path sees the settings, vars and env of the imports before it, and its own context."
            raise self._invalid(f"invalid import {entry.path!r}: {error}", importer, remedy) from None

    def _found_now(self, anchor: Path, name: str, entry: Import, importer: Path) -> list[Path]:
        if not is_glob(name):
            target = Path(os.path.normpath(anchor / name))
            if self._files.readable.problem(target, Use.MANIFEST) is OUTSIDE:
                raise self._outside(entry, importer)
            return self._with_extension(target)
        pattern = name if Path(name).suffix else name + EXTENSIONS[0]
        try:
            return self._tree.matches(anchor, pattern)
        except OutsideError:
            raise self._outside(entry, importer) from None
        except StackError as error:
            raise self._invalid(error.message, importer, error.remedy) from None

    def _outside(self, entry: Import, importer: Path) -> StackError:
        # As written: see above.
        return self._invalid(f"the import {entry.path!r} {OUTSIDE.problem}", importer, OUTSIDE.remedy)

    def _with_extension(self, target: Path) -> list[Path]:
        text = str(target)
        if text.endswith((".yaml", ".yml")):
            template = Path(text + ".tmpl")
            if is_file(template):
                return [template]
        candidates = [target] if target.suffix else []
        if not text.endswith(EXTENSIONS):
            candidates += [Path(text + extension) for extension in EXTENSIONS]
        return [path for path in candidates if is_file(path)][:1]

    def _invalid(self, message: str, importer: Path, remedy: str) -> StackError:
        return StackError(message, remedy=remedy, where=Where(file=self._files.name(importer), key="import"))


def _entries(config: Section, file: str) -> Iterator[Import]:
    entries = config.get("import")
    if entries is None:
        return
    where = Where(file=file, key="import")
    if not isinstance(entries, list):
        raise StackError(f"invalid import section in the file {file!r}", where=where, remedy="`import` is a list.")
    for entry in entries:
        yield _entry(entry, file)


def _entry(entry: Value, file: str) -> Import:
    path = entry.get("path") if isinstance(entry, dict) else entry
    if not isinstance(path, str) or not path:
        raise StackError(
            f"invalid import in the file {file!r}: neither a path nor a mapping with `path`",
            where=Where(file=file, key="import"),
            remedy="Write the path of a manifest, or a mapping with `path` and what else is said of it.",
        )
    if not isinstance(entry, dict):
        return Import(path)
    context = entry.get("context") or {}
    if not isinstance(context, dict):
        raise StackError(
            f"invalid import {path!r} in the file {file!r}: `context` is not a mapping",
            where=Where(file=file, key="import"),
        )
    return Import(
        path=path,
        context=context,
        skip_templates=entry.get("skip_templates_processing") is True,
        ignore_missing_values=entry.get("ignore_missing_template_values") is True,
        skip_if_missing=entry.get("skip_if_missing") is True,
    )
