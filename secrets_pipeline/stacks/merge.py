"""Merge manifests deeply, later over earlier (Atmos `pkg/merge/merge_native.go`).

Inputs are never changed. The result shares what was not merged with its inputs, so nothing inside this package changes
a value; `ownership.own` makes the copies that leave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import AppendList
from secrets_pipeline.stacks.amounts import COPIED, make

Section = dict[str, Value]
"""A mapping of a manifest."""

_LONGEST_LIST: Final = 1_000_000  # items; lists that are appended to themselves again and again get longer


class ListStrategy(StrEnum):
    """`settings.list_merge_strategy`: what a later list does to an earlier one."""

    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"

    @classmethod
    def parse(cls, value: Value, where: Where | None = None) -> ListStrategy:
        """The strategy of that name; an empty one is `replace`.

        Args:
            value: the name.
            where: the place for the error.

        Raises:
            StackError: for any other name.
        """
        try:
            return cls(value or cls.REPLACE)
        except ValueError:
            names = ", ".join(cls)
            raise StackError(
                f"invalid Atmos manifests list_merge_strategy {value!r}", where=where, remedy=f"Use one of: {names}."
            ) from None


def merge_maps(earlier: Section, later: Section, lists: ListStrategy = ListStrategy.REPLACE) -> Section:
    """`later` over `earlier`, key by key: mappings merge, lists by strategy, everything else is replaced.

    A later `null`, `{}`, `[]` or value of another type replaces too. The result may be one of the two.
    """
    if not earlier:
        return later
    if not later:
        return earlier
    common = earlier.keys() & later.keys()
    make((len(earlier) + len(later)) // COPIED + len(common))
    merged = {**earlier, **later}
    for key in common:
        value = later[key]
        if isinstance(value, dict):
            before = earlier[key]
            if isinstance(before, dict):
                merged[key] = merge_maps(before, value, lists)
        elif isinstance(value, list):
            before = earlier[key]
            if isinstance(before, list):
                merged[key] = _merge_lists(before, value, lists)
    return merged


def merge_all(sections: Iterable[Section], lists: ListStrategy = ListStrategy.REPLACE) -> Section:
    """`merge_maps` of all, the first having the lowest precedence."""
    merged: Section = {}
    for section in sections:
        merged = merge_maps(merged, section, lists)
    return merged


def associates(earlier: Section, later: Section, lists: ListStrategy = ListStrategy.REPLACE) -> bool:
    """Whether merging `x` with both merged gives what merging it with one after the other does, whatever `x` is.

    It is not where `later` has a mapping, or a list that appends, and `earlier` something of another type: that breaks
    off what `x` has there.
    """
    if lists is ListStrategy.MERGE:
        return not (earlier and later)
    for key in earlier.keys() & later.keys():
        before, after = earlier[key], later[key]
        if isinstance(after, dict):
            if not isinstance(before, dict) or not associates(before, after, lists):
                return False
        elif isinstance(after, list) and not isinstance(before, list):
            appends = lists is ListStrategy.APPEND or isinstance(after, AppendList)
            if appends:
                return False
    return True


def _merge_lists(earlier: list[Value], later: list[Value], lists: ListStrategy) -> list[Value]:
    make((len(earlier) + len(later)) // COPIED)
    if isinstance(later, AppendList):
        return type(earlier)(_appended(earlier, later))
    if lists is ListStrategy.APPEND:
        return _appended(earlier, later)
    if lists is ListStrategy.MERGE:
        make(min(len(earlier), len(later)))
        both = [_merge_items(before, after) for before, after in zip(earlier, later, strict=False)]
        return [*both, *earlier[len(both) :], *later[len(both) :]]
    return later


def _appended(earlier: list[Value], later: list[Value]) -> list[Value]:
    if len(earlier) + len(later) > _LONGEST_LIST:
        raise StackError(
            f"a list grows longer than {_LONGEST_LIST} items", remedy="Append to it less often, or set the whole list."
        )
    return [*earlier, *later]


def _merge_items(before: Value, after: Value) -> Value:
    """Atmos keeps the earlier of two scalars at one index, and replaces the lists inside of two mappings."""
    if isinstance(before, dict) and isinstance(after, dict):
        return merge_maps(before, after)
    return before
