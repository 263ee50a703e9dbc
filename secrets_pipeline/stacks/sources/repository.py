"""Resolve an Atmos repository: the one way into this package."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Self

from secrets_pipeline.errors import Lines, StackError, Where
from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.stacks.amounts import Amounts, TooMuch
from secrets_pipeline.stacks.components.collector import collector_paused
from secrets_pipeline.stacks.components.completion import Completer
from secrets_pipeline.stacks.components.composition import compose, differ
from secrets_pipeline.stacks.components.distinct import distinct
from secrets_pipeline.stacks.components.draft import Draft
from secrets_pipeline.stacks.components.model import AtmosStack, Component, Included, Resolution
from secrets_pipeline.stacks.components.processing import Processor
from secrets_pipeline.stacks.components.sections import KINDS, TERRAFORM
from secrets_pipeline.stacks.components.top_level import Admits, Known, Processed, TopLevel, any_manifest
from secrets_pipeline.stacks.components.unsettled import UnsettledComponents, broken_by, errors_of
from secrets_pipeline.stacks.config.config import AtmosConfig, load_config
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.files.globs import FileTree
from secrets_pipeline.stacks.files.readable import git_root
from secrets_pipeline.stacks.functions.functions import FunctionEvaluator, Variables, set_only
from secrets_pipeline.stacks.manifests.imports import Imports
from secrets_pipeline.stacks.manifests.locate import Locator, where
from secrets_pipeline.stacks.manifests.manifests import Manifests
from secrets_pipeline.stacks.manifests.places import Places
from secrets_pipeline.stacks.templates.templates import TemplateFunctions


class AtmosRepository:
    """Stacks of one repository. Each file is read, parsed and merged once in the life of an instance.

    Several threads may use it; they wait for each other.

    Args:
        config: what `atmos.yaml` says.
        evaluate: evaluates the functions that need nothing but this process.
        admits: which top-level manifest may be part of which stack; any if not given.
        known: the manifests of each stack, where they have all been read before.
    """

    def __init__(
        self,
        config: AtmosConfig,
        evaluate: FunctionEvaluator,
        admits: Admits = any_manifest,
        known: Known | None = None,
    ) -> None:
        self._config = config
        self._evaluate = evaluate
        self._functions = TemplateFunctions(evaluate.env, withhold=evaluate.withhold)
        renderer = self._functions.everywhere()
        self._files = Files(config.base, config.top, config.stacks)
        self._locator = Locator(self._files)
        tree = FileTree(config.base)
        self._amounts = Amounts()
        self._manifests = Manifests(self._files, evaluate, renderer, self._amounts)
        imports = Imports(config, self._files, self._manifests, tree, renderer)
        self._places = Places(self._files, self._locator, imports)
        processor = Processor(config, self._files, renderer, self._amounts)
        self._top_level = TopLevel(self._files, tree, imports, processor, self._places, admits=admits, known=known)
        self._is_known = known is not None
        self._stacks: dict[str, AtmosStack] = {}
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._searched: set[str] = set()
        self._completers: dict[tuple[bool, bool, bool], Completer] = {}
        self._differing: set[tuple[str, str]] = set()
        self._lock = RLock()
        self._seen = disk.current()

    @classmethod
    def open(
        cls,
        base_path: Path,
        *,
        env: Variables | None = None,
        config_env: Mapping[str, str] | None = None,
        allow_exec: bool = False,
        withhold: bool = False,
        called: Path | None = None,
        admits: Admits = any_manifest,
        known: Known | None = None,
    ) -> Self:
        """Open the repository at a folder.

        Args:
            base_path: folder of `atmos.yaml`, or one below it.
            env: all that YAML may see of the environment (`!env`, `!exec`, templates), `None` for what is not set; this
                process's if not given.
            config_env: `CONFIG_VARIABLES` that say where the configuration is and what it holds; `env` if not given.
            allow_exec: whether `!exec` runs commands.
            withhold: whether variables that are not in `env` are not empty but withheld: `!env` stays a call, and
                templates give `<no value>`.
            called: what `!cwd` and `!repo-root` say that the folder is, of a checkout that is kept elsewhere.
            admits: which top-level manifest may be part of which stack; any if not given.
            known: the manifests of each stack, where they have all been read before.

        Raises:
            StackError: if `atmos.yaml` is missing or invalid.
        """
        root = base_path.absolute()
        environment: Variables = dict(os.environ if env is None else env)
        with Amounts().of("configuration"):
            config = load_config(root, set_only(environment) if config_env is None else config_env, environment)
        folder = root if called is None else called.absolute()
        evaluate = FunctionEvaluator(environment, folder, git_root(folder), allow_exec, withhold)
        return cls(config, evaluate, admits, known)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One thread at a time; what is asked of the file system later is noted where the opening noted it."""
        with self._lock, disk.noted_in(self._seen):
            yield

    @property
    def config(self) -> AtmosConfig:
        """What `atmos.yaml` says."""
        return self._config

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know about how the repository is read, each one sentence."""
        left_out = (
            f"{manifest} names stack {stack}, but the operator's settings do not list it under `manifests` of that "
            "stack's rule. It is left out. Give it another stack name, or ask the operator to list it."
            for stack, manifest in self._top_level.left_out
        )
        return (*self._config.notices, *left_out)

    @property
    def is_whole(self) -> bool:
        """Whether all that `atmos.yaml` imports is read: the rest may say where more manifests are."""
        return not self._config.unread

    def resolve(
        self,
        stacks: Collection[str] | None = None,
        *,
        process_functions: bool = True,
        process_templates: bool = True,
        keep_conflicting: bool = False,
        keep_failing: bool = False,
        keep_unsettled: bool = False,
    ) -> Resolution:
        """The stacks, whole ones only, and every error found.

        Args:
            stacks: only these; where names come from files, only theirs are read.
            process_functions: whether `!env` and the like are evaluated.
            process_templates: whether the templates of component sections are rendered, where atmos.yaml enables them.
            keep_conflicting: whether a stack whose manifests differ about a component stays, with the component of
                its first manifest, as in `atmos describe stacks`. The conflict is an error all the same.
            keep_failing: whether a stack with components whose templates or functions fail stays, these with their
                `failures`, which are no errors of the resolution then.
            keep_unsettled: whether a stack stays with unsettled components, each with `unsettled`, which are no errors
                of the resolution then: its manifests differ about them, Atmos could not make them, or a manifest
                imports what is not read.

        Raises:
            StackError: if there are no stack manifests at all.
        """
        with self._reading(), collector_paused():
            completer = self._completer(
                process_functions=process_functions,
                process_templates=process_templates,
                settled_alone=not keep_conflicting,
            )
            return self._resolved(
                stacks,
                completer,
                keep_conflicting=keep_conflicting,
                keep_failing=keep_failing,
                keep_unsettled=keep_unsettled,
            )

    def _resolved(
        self,
        stacks: Collection[str] | None,
        completer: Completer,
        *,
        keep_conflicting: bool,
        keep_failing: bool,
        keep_unsettled: bool,
    ) -> Resolution:
        processed = [self._top_level.processed(path) for path in self._top_level.candidates(stacks)]
        grouped, conflicts = compose(draft for result in processed for draft in result.drafts)
        unsettled = None
        if keep_unsettled:
            conflict = self._top_level.conflict
            unsettled = UnsettledComponents(processed, conflicts, conflict, self._config.stores)
            grouped |= {name: [] for name in unsettled.stacks if name not in grouped}
        errors = [error for result in processed for error in errors_of(result, kept=keep_unsettled)]
        broken = {name for result in processed for name in broken_by(result, kept=keep_unsettled)}
        files: dict[str, set[str]] = {}
        included: dict[str, set[Included]] = {}
        for result in processed:
            taken = self._included(result)
            for draft in result.drafts:
                files.setdefault(draft.stack, set()).add(draft.file)
                included.setdefault(draft.stack, set()).update(taken)
        resolved: dict[str, AtmosStack] = {}
        for name in sorted(grouped):
            if stacks is not None and name not in stacks:
                continue
            if name in conflicts and unsettled is None:
                errors.append(self._top_level.conflict(conflicts[name]))
            with self._amounts.of(name):
                completed, failed = self._complete(grouped[name], completer, keep_failing=keep_failing)
            if unsettled is not None:
                completed = unsettled.marked(name, completed, self._merged_only)
            errors += failed
            whole = not failed and name not in broken
            if whole and (keep_conflicting or unsettled is not None or name not in conflicts):
                made_of = tuple(sorted(files.get(name, ()))), completed, tuple(sorted(included.get(name, ())))
                resolved[name] = AtmosStack(name, *made_of)
        return Resolution(resolved, distinct(errors))

    def _included(self, processed: Processed) -> set[Included]:
        sources = processed.merged.sources if processed.merged else ()
        pairs = (pair for source in sources for pair in self._manifests.included(source).items())
        return {Included(self._files.name(file), self._files.name(by)) for file, by in pairs}

    def stack(self, name: str) -> AtmosStack:
        """One stack, its functions evaluated; the same object each time. Components that fail have their `failures`.

        Raises:
            StackError: if there is no such stack, naming near misses, or if it is broken.
        """
        with self._reading():
            if name not in self._stacks:
                resolution = self.resolve([name], keep_failing=True, keep_unsettled=True)
                if name not in resolution.stacks:
                    raise self._no_stack(name, resolution)
                self._stacks[name] = resolution.stacks[name]
            return self._stacks[name]

    def stack_names(self) -> tuple[str, ...]:
        """Names of all stacks that manifests give, sorted; broken components give none.

        Raises:
            StackError: if there are no stack manifests at all.
        """
        with self._reading():
            processed = [self._top_level.processed(path) for path in self._top_level.candidates(None)]
        return tuple(sorted({draft.stack for result in processed for draft in result.drafts}))

    def shared_variables(self, manifest: str) -> frozenset[str]:
        """Return the names of the variables that a top-level manifest gives to each of its Terraform components.

        Args:
            manifest: relative to the base path.
        """
        with self._reading():
            merged = self._top_level.processed(self._config.base / manifest).merged
        sections = [merged.config, merged.config.get(TERRAFORM)] if merged else []
        found = [section.get("vars") for section in sections if isinstance(section, Mapping)]
        return frozenset(name for variables in found if isinstance(variables, Mapping) for name in variables)

    def locate(self, component: Component, path: Sequence[str | int]) -> Where:
        """The manifest and line that set a key of a component, or the nearest key above it.

        Args:
            component: of this repository.
            path: keys and indices inside its sections, for example `("vars", "secrets", "db", "path")`.
        """
        default = Where(
            file=component.manifest,
            stack=component.stack,
            component=component.name,
            key=".".join(str(step) for step in path) or None,
        )
        bases = component.resolved.get("inheritance", ())
        with self._reading():
            merged = self._top_level.processed(self._config.base / component.manifest).merged
            sources = merged.sources if merged else ()
            found = self._locator.locate(sources, component.kind, component.name, bases, path)
        return where(found, self._files, default)

    def _completer(self, *, process_functions: bool, process_templates: bool, settled_alone: bool = True) -> Completer:
        key = (process_functions, process_templates, settled_alone)
        if key not in self._completers:
            templates = self._config.templates
            self._completers[key] = Completer(
                templates if process_templates else replace(templates, enabled=False),
                self._functions,
                self._evaluate if process_functions else None,
                self._find_settled if settled_alone else self._find,
                self._config.stores,
            )
        return self._completers[key]

    def _find(self, component: str, stack: str) -> Draft | None:
        """The draft of a component that a template refers to, of any stack of the repository."""
        searched = stack if self._is_known else ""
        if searched not in self._searched:
            self._searched.add(searched)
            paths = self._top_level.candidates([stack] if self._is_known else None)
            drafts = (draft for path in paths for draft in self._top_level.processed(path).drafts)
            for draft in sorted(drafts, key=lambda draft: KINDS.index(draft.kind)):
                first = self._drafts.setdefault((draft.name, draft.stack), draft)
                if first.kind == draft.kind and differ(first, draft):
                    self._differing.add((draft.name, draft.stack))
        return self._drafts.get((component, stack))

    def _find_settled(self, component: str, stack: str) -> Draft | None:
        """The same, but it refuses to choose one of several that differ."""
        found = self._find(component, stack)
        if (component, stack) in self._differing:
            raise FunctionFailure(f"several manifests of the stack '{stack}' define '{component}', and differ")
        return found

    def _merged_only(self, draft: Draft) -> Component:
        return self._completer(process_functions=False, process_templates=False).complete(draft)

    def _complete(
        self, drafts: list[Draft], completer: Completer, *, keep_failing: bool
    ) -> tuple[dict[str, dict[str, Component]], list[StackError]]:
        components: dict[str, dict[str, Component]] = {}
        errors: list[StackError] = []
        for draft in drafts:
            try:
                components.setdefault(draft.kind, {})[draft.name] = completer.complete(draft)
            except TooMuch as error:
                place = Where(file=draft.file, stack=draft.stack, component=draft.name)
                errors.append(StackError(error.message, remedy=error.remedy, where=place))
                break
            except StackError as error:
                top = self._config.base / draft.file
                merged = self._top_level.processed(top).merged
                sources = merged.sources if merged else ()
                bases = draft.sections["inheritance"]
                placed = self._places.of_component(error, top, sources, draft.kind, bases)
                if keep_failing:
                    merged_only = self._merged_only(draft)
                    components.setdefault(draft.kind, {})[draft.name] = replace(merged_only, failures=(placed,))
                else:
                    errors.append(placed)
        return {kind: components[kind] for kind in KINDS if kind in components}, errors

    def _no_stack(self, name: str, resolution: Resolution) -> StackError:
        own = [error for error in resolution.errors if error.where and error.where.stack == name]
        unknown = [error for error in resolution.errors if not (error.where and error.where.stack)]
        if own:
            return own[0]
        if unknown:
            head = f"there is no stack {name!r}, unless it is in a manifest that cannot be read:"
            return StackError(Lines.of(head, *(error.diagnostics() for error in unknown)))
        near = difflib.get_close_matches(name, self.stack_names(), n=3)
        return StackError(
            f"there is no stack {name!r}",
            remedy=f"Did you mean {' or '.join(near)}?" if near else "See `secrets-pipeline list stacks`.",
        )
