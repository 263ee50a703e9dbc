"""Compose logical stacks from the components of several manifests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.components.draft import Draft

_OF_THE_FILE: Final = frozenset({"atmos_stack_file", "atmos_manifest", "imports"})


def compose(drafts: Iterable[Draft]) -> tuple[dict[str, list[Draft]], dict[str, list[StackError]]]:
    """Components by stack, each once, and the errors of stacks whose manifests disagree.

    Args:
        drafts: in the order of their manifests; of equal components the first stays.
    """
    stacks: dict[str, dict[tuple[str, str], Draft]] = {}
    errors: dict[str, list[StackError]] = {}
    for draft in drafts:
        first = stacks.setdefault(draft.stack, {}).setdefault((draft.kind, draft.name), draft)
        if first is not draft and _comparable(first) != _comparable(draft):
            errors.setdefault(draft.stack, []).append(_duplicate(first, draft))
    return {name: list(components.values()) for name, components in stacks.items()}, errors


def _comparable(draft: Draft) -> dict[str, Value]:
    sections = {key: value for key, value in draft.sections.items() if key not in _OF_THE_FILE}
    return sections | {"deferred": dict(draft.deferred)}


def _duplicate(first: Draft, other: Draft) -> StackError:
    return StackError(
        f"Found duplicate config for the component {other.name!r} in the stack {other.stack!r}: "
        f"{first.file} and {other.file} differ",
        where=Where(file=other.file, stack=other.stack, component=other.name),
        remedy="Define it in one top-level manifest, in a catalog that both import, or exclude one file.",
    )
