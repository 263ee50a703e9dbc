"""Sprig's functions on lists (documentation: "Lists and List Functions")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_elements, spend
from secrets_pipeline.golang.template.functions.conversions import strings_of, to_int
from secrets_pipeline.golang.template.functions.kinds import (
    Comparer,
    NilList,
    is_empty,
    is_list,
    kind_of_type,
    nil_if_empty,
)
from secrets_pipeline.golang.values import Function, Value, go_type


def unique(items: list[Value]) -> list[Value]:
    """The items without those that equal an earlier one."""
    spend(len(items))
    finds = Comparer().finds
    seen: set[tuple[str, Value]] = set()
    kept: list[Value] = []
    others: list[Value] = []  # of `kept`, what no set can hold
    for item in items:
        if isinstance(item, str | int) or (isinstance(item, float) and not math.isnan(item)):
            known = (go_type(item), item) in seen
            seen.add((go_type(item), item))
        else:
            known = finds(item, others)
            others += [] if known else [item]
        if not known:
            kept.append(item)
    return kept


def list_of(*items: Value) -> list[Value]:
    """A list of the arguments."""
    return list(items)


def _items(value: Value, action: str) -> list[Value]:
    if not is_list(value):
        raise FunctionFailure(f"Cannot {action} type {kind_of_type(value)}")
    return list(value)


def _append(items: Value, item: Value) -> list[Value]:
    return [*_items(items, "push on"), item]


def _prepend(items: Value, item: Value) -> list[Value]:
    return [item, *_items(items, "prepend on")]


def _first(items: Value) -> Value:
    return next(iter(_items(items, "find first on")), None)


def _rest(items: Value) -> list[Value]:
    whole = _items(items, "find rest on")
    return whole[1:] if whole else NilList()


def _last(items: Value) -> Value:
    return next(reversed(_items(items, "find last on")), None)


def _initial(items: Value) -> list[Value]:
    whole = _items(items, "find initial on")
    return whole[:-1] if whole else NilList()


def _reverse(items: Value) -> list[Value]:
    return _items(items, "find reverse on")[::-1]


def _compact(items: Value) -> list[Value]:
    return [item for item in _items(items, "compact on") if not is_empty(item)]


def _uniq(items: Value) -> list[Value]:
    return unique(_items(items, "find uniq on"))


def _without(items: Value, *omitted: Value) -> list[Value]:
    kept = _items(items, "find without on")
    finds = Comparer().finds
    return [item for item in kept if not finds(item, omitted)]


def _has(needle: Value, items: Value) -> bool:
    return items is not None and Comparer().finds(needle, _items(items, "find has on"))


def _slice(items: Value, *indices: Value) -> Value:
    if not is_list(items):
        raise FunctionFailure(f"list should be type of slice or array but {kind_of_type(items)}")
    if not items:
        return None
    start = to_int(indices[0]) if indices else 0
    end = to_int(indices[1]) if len(indices) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise FunctionFailure("reflect.Value.Slice: slice index out of bounds")
    return list(items[start:end])


def _chunk(size: int, items: Value) -> list[list[Value]]:
    whole = _items(items, "chunk")
    if size <= 0:
        raise FunctionFailure("runtime error: makeslice: len out of range")
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def _concat(*lists: Value) -> list[Value]:
    whole: list[Value] = []
    for items in lists:
        if not is_list(items):
            raise FunctionFailure(f"Cannot concat type {kind_of_type(items)} as list")
        require_elements(len(whole) + len(items))
        whole.extend(items)
    return nil_if_empty(whole)


def _sort_alpha(items: Value) -> list[str]:
    return sorted(strings_of(items)) if is_list(items) else strings_of([items]) or ["<nil>"]


FUNCTIONS: Final[Mapping[str, Function]] = {
    "append": _append,
    "chunk": _chunk,
    "compact": _compact,
    "concat": _concat,
    "first": _first,
    "has": _has,
    "initial": _initial,
    "last": _last,
    "list": list_of,
    "mustAppend": _append,
    "mustChunk": _chunk,
    "mustCompact": _compact,
    "mustFirst": _first,
    "mustHas": _has,
    "mustInitial": _initial,
    "mustLast": _last,
    "mustPrepend": _prepend,
    "mustPush": _append,
    "mustRest": _rest,
    "mustReverse": _reverse,
    "mustSlice": _slice,
    "mustUniq": _uniq,
    "mustWithout": _without,
    "prepend": _prepend,
    "push": _append,
    "rest": _rest,
    "reverse": _reverse,
    "slice": _slice,
    "sortAlpha": _sort_alpha,
    "tuple": list_of,
    "uniq": _uniq,
    "without": _without,
}
