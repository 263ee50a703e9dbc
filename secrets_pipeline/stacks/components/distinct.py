"""Say once what is wrong in several components for one reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from secrets_pipeline.errors import StackError, Where


def distinct(errors: Iterable[StackError]) -> tuple[StackError, ...]:
    """Each error once a stack, also where one mistake of a manifest reaches several components or manifests."""
    groups: dict[tuple[object, ...], list[StackError]] = {}
    for error in errors:
        place = error.where or Where()
        component = place.component if place.line is None else None
        groups.setdefault((place.file, place.line, place.stack, component, error.message), []).append(error)
    return tuple(_with_count(group) for group in groups.values())


def _with_count(group: Sequence[StackError]) -> StackError:
    """The first of errors that differ in their component only, with the number of the others."""
    first = group[0]
    others = {error.where.component for error in group if error.where} - {first.where and first.where.component}
    if not others:
        return first
    message = f"{first.message} (the same in {len(others)} more component{'s' if len(others) > 1 else ''})"
    return StackError(message, remedy=first.remedy, where=first.where, chain=first.chain)
