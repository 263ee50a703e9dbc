"""Mark unsettled components instead of leaving out their whole stack.

`atmos describe stacks` says nothing of duplicates, and `atmos validate stacks` and whatever needs such a component do
(`internal/exec/validate_stacks.go`, `internal/exec/describe_component.go`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.components.composition import Conflict
from secrets_pipeline.stacks.components.draft import Draft, Unmade
from secrets_pipeline.stacks.components.model import Component, Unsettled, UnsettledBy
from secrets_pipeline.stacks.components.top_level import Processed
from secrets_pipeline.stacks.config.stores import Stores

Components: TypeAlias = dict[str, dict[str, Component]]
"""Kind → name → component."""


class UnsettledComponents:
    """The components of a repository that are unsettled.

    Args:
        processed: what its top-level manifests gave.
        conflicts: by stack, the components on which manifests disagree.
        conflict_error: makes the error of a conflict.
        stores: of the configuration.
    """

    def __init__(
        self,
        processed: Iterable[Processed],
        conflicts: Mapping[str, Conflict],
        conflict_error: Callable[[Conflict], StackError],
        stores: Stores,
    ) -> None:
        self._conflicts = conflicts
        self._conflict_error = conflict_error
        self._stores = stores
        self._unread: dict[tuple[str, str, str], dict[str, StackError]] = {}
        self._unmade: dict[str, list[tuple[str, Unmade]]] = {}
        for one in processed:
            for draft in one.drafts if one.unread else ():
                found = self._unread.setdefault((draft.stack, draft.kind, draft.name), {})
                found |= {error.diagnostics(): error for error in one.unread}
            for stack in one.broken:
                self._unmade.setdefault(stack, []).extend((one.file, unmade) for unmade in one.unmade)

    @property
    def stacks(self) -> Iterable[str]:
        """The stacks that have components which could not be made."""
        return self._unmade

    def marked(self, stack: str, components: Components, merged_only: Callable[[Draft], Component]) -> Components:
        """Return the components of a stack, the unsettled ones with why, and those that could not be made as written.

        Args:
            stack: its name.
            components: that could be made.
            merged_only: makes a component without its templates and functions.
        """
        marked: Components = {
            kind: {name: self._marked(one, merged_only) for name, one in found.items()}
            for kind, found in components.items()
        }
        for file, unmade in self._unmade.get(stack, ()):
            place = replace(unmade.error.where or Where(), stack=stack)
            error = StackError(unmade.error.message, remedy=unmade.error.remedy, where=place, chain=unmade.error.chain)
            made = Component(
                unmade.name,
                unmade.kind,
                stack,
                _as_written(unmade),
                file,
                stores=self._stores,
                unsettled=(Unsettled(UnsettledBy.UNMADE, error),),
            )
            of_kind = marked.setdefault(unmade.kind, {})
            known = of_kind.get(unmade.name)
            of_kind[unmade.name] = (
                made
                if known is None
                else replace(known, unsettled=(*known.unsettled, *made.unsettled), others=(*known.others, made))
            )
        return marked

    def _marked(self, component: Component, merged_only: Callable[[Draft], Component]) -> Component:
        reasons = tuple(self._reasons(component))
        if not reasons:
            return component
        conflict = self._conflicts.get(component.stack)
        drafts = conflict.versions.get((component.kind, component.name), []) if conflict else []
        return replace(component, unsettled=reasons, others=tuple(map(merged_only, drafts[1:])))

    def _reasons(self, component: Component) -> Iterator[Unsettled]:
        conflict = self._conflicts.get(component.stack)
        if conflict is not None and (component.kind, component.name) in conflict.versions:
            error = self._conflict_error(conflict.of(component.kind, component.name))
            yield Unsettled(UnsettledBy.DUPLICATE, error)
        for error in self._unread.get((component.stack, component.kind, component.name), {}).values():
            yield Unsettled(UnsettledBy.REMOTE_IMPORT, error)


def errors_of(processed: Processed, *, kept: bool) -> Iterator[StackError]:
    """Yield the errors of what a manifest gave.

    Args:
        processed: the manifest.
        kept: whether `UnsettledComponents` has those of components of known stacks.
    """
    if not (kept and processed.broken):
        yield from processed.errors
    else:
        unmade = {id(one.error) for one in processed.unmade}
        yield from (error for error in processed.errors if id(error) not in unmade)
    if not (kept and processed.drafts):
        yield from processed.unread


def broken_by(processed: Processed, *, kept: bool) -> frozenset[str]:
    """Return the stacks that lack something because of these errors; see `errors_of`."""
    unread = frozenset(draft.stack for draft in processed.drafts) if processed.unread else frozenset()
    if not kept:
        return processed.broken | unread
    return frozenset() if processed.unmade else processed.broken


def _as_written(unmade: Unmade) -> dict[str, Any]:
    """The sections that the component itself says, as far as they are mappings."""
    own = {key: value for key, value in unmade.own.items() if isinstance(value, dict)}
    metadata = own.get("metadata", {})
    physical = metadata.get("component") or unmade.own.get("component") or unmade.name
    return {"vars": {}, "settings": {}, "env": {}, "inheritance": [], **own, "component": str(physical)}
