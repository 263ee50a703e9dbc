"""Compose logical stacks from the components of several manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.components.draft import Draft

_OF_THE_FILE: Final = frozenset({"atmos_stack_file", "atmos_manifest", "imports"})
_LISTED: Final = 10


@dataclass(slots=True)
class Conflict:
    """What the manifests of one stack disagree about.

    Attributes:
        stack: its name.
        versions: the components that differ, by kind and name in the order in which they were found, each with what
            its manifests make of it.
    """

    stack: str
    versions: dict[tuple[str, str], list[Draft]] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, None]:
        """The manifests, in their order."""
        return {draft.file: None for drafts in self.versions.values() for draft in drafts}

    @property
    def components(self) -> dict[str, None]:
        """Names of the components that differ."""
        return {name: None for _, name in self.versions}

    def of(self, kind: str, name: str) -> Conflict:
        """The same of one component alone."""
        return Conflict(self.stack, {(kind, name): self.versions[kind, name]})

    def error(self, named: Sequence[Where], setting: str) -> StackError:
        """The error of all of it, which has one cause: that these manifests are one stack.

        Args:
            named: where `name` is set for them, each place once.
            setting: of `atmos.yaml`, which names them where nothing else does.
        """
        *others, last = self.files
        (first, *_), count = self.components, len(self.components)
        what = f"the component {first!r}" if count == 1 else f"{count} components ({_listed(list(self.components))})"
        by = " and ".join(f"`name` in {place}" for place in named) or f"{setting} of atmos.yaml"
        make = "make" if len(named) > 1 else "makes"
        remedy = "Define each component in one of them, or in a catalog that all import, or exclude a file."
        if named:
            remedy = f"Take `name` out of there, or give each manifest another. If one stack is meant: {remedy}"
        return StackError(
            f"Found duplicate config for {what} in the stack {self.stack!r}: {', '.join(others)} and {last} differ, "
            f"and are one stack by {by}",
            sentence=f"Found duplicate config for components of the stack {self.stack!r}, which {by} {make} one stack",
            where=Where(
                file=named[0].file if named else last,
                line=named[0].line if named else None,
                stack=self.stack,
                component=first if count == 1 else None,
            ),
            remedy=remedy,
        )


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def compose(drafts: Iterable[Draft]) -> tuple[dict[str, list[Draft]], dict[str, Conflict]]:
    """Components by stack, each once, and what the manifests of a stack disagree about.

    Args:
        drafts: in the order of their manifests; of equal components the first stays.
    """
    stacks: dict[str, dict[tuple[str, str], Draft]] = {}
    conflicts: dict[str, Conflict] = {}
    for draft in drafts:
        first = stacks.setdefault(draft.stack, {}).setdefault((draft.kind, draft.name), draft)
        if differ(first, draft):
            conflict = conflicts.setdefault(draft.stack, Conflict(draft.stack))
            conflict.versions.setdefault((draft.kind, draft.name), [first]).append(draft)
    return {name: list(components.values()) for name, components in stacks.items()}, conflicts


def differ(first: Draft, other: Draft) -> bool:
    """Whether two manifests declare one component differently; the file does not count."""
    return first is not other and _comparable(first) != _comparable(other)


def _comparable(draft: Draft) -> dict[str, Value]:
    sections = {key: value for key, value in draft.sections.items() if key not in _OF_THE_FILE}
    return sections | {"deferred": dict(draft.deferred)}
