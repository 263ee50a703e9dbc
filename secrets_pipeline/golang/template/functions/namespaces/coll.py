"""Gomplate's `coll` namespace: lists and maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_walkable
from secrets_pipeline.golang.template.builtins import slice_
from secrets_pipeline.golang.template.functions.kinds import Comparer, is_list, kind_of
from secrets_pipeline.golang.template.functions.lists import list_of, unique
from secrets_pipeline.golang.template.functions.namespaces.coercion import integer, items, text, wrong_count
from secrets_pipeline.golang.template.functions.refused import refuse
from secrets_pipeline.golang.values import Function, Value, go_type, is_map

_QUERY: Final = "write the path as a field chain or with `index`"
_PAIR: Final = 2


def has(value: Value, key: Value) -> bool:
    """Whether a map has the key, or a list the item."""
    if is_map(value):
        return isinstance(key, str) and key in value
    return is_list(value) and Comparer().finds(key, value)


def dict_of(*values: Value) -> dict[str, Value]:
    """A map of keys and values in turn; a last key without a value has an empty one."""
    paired = [*values[1::2], ""]
    return {text(key): paired[position] for position, key in enumerate(values[::2])}


def _index(*arguments: Value) -> Value:
    if len(arguments) < _PAIR:
        raise FunctionFailure(f"wrong number of args: wanted at least 2, got {len(arguments)}")
    *keys, value = arguments
    for key in keys:
        value = _at(value, key)
    return value


def _at(value: Value, key: Value) -> Value:
    if is_map(value):
        if not isinstance(key, str):
            raise FunctionFailure(f"map key type {go_type(key)} is not string")
        if key not in value:
            raise FunctionFailure(f"map has no key {key}")
        return value[key]
    if not is_list(value):
        raise FunctionFailure(f"can't index item of type {go_type(value)}")
    if not isinstance(key, int) or isinstance(key, bool):
        raise FunctionFailure(f"cannot index slice/array with type {go_type(key)}")
    if not 0 <= key < len(value):
        raise FunctionFailure(f"index out of range: {key}")
    return value[key]


def _keys(*maps: dict[str, Value]) -> list[str]:
    return [key for one in _some(maps) for key in sorted(one)]


def _values(*maps: dict[str, Value]) -> list[Value]:
    return [one[key] for one in _some(maps) for key in sorted(one)]


def _some(maps: tuple[dict[str, Value], ...]) -> tuple[dict[str, Value], ...]:
    if not maps:
        raise FunctionFailure("need at least one argument")
    return maps


def _append(item: Value, values: Value) -> list[Value]:
    return [*items(values), item]


def _prepend(item: Value, values: Value) -> list[Value]:
    return [item, *items(values)]


def _uniq(values: Value) -> list[Value]:
    return unique(items(values))


def _reverse(values: Value) -> list[Value]:
    return items(values)[::-1]


def _merge(first: dict[str, Value], *others: dict[str, Value]) -> dict[str, Value]:
    merged = first
    for other in others:
        require_walkable(merged)
        merged = _merged(other, merged)
    return merged


def _merged(below: Mapping[str, Value], above: Mapping[str, Value]) -> dict[str, Value]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if is_map(old) and is_map(value) else value
    return merged


def _sort(*arguments: Value) -> list[Value]:
    if not 1 <= len(arguments) <= _PAIR:
        raise wrong_count("1 or 2", len(arguments))
    if arguments[-1] is None:
        return []
    values = items(arguments[-1])
    key = text(arguments[0]) if len(arguments) == _PAIR else ""
    if len({kind_of(value) for value in values}) != 1:
        return values
    if is_map(values[0]):
        found = [value for value in values if key in value]
        if len(found) < len(values) or len({kind_of(value[key]) for value in values}) != 1:
            return values
        return sorted(values, key=lambda value: value[key]) if _is_ordered(values[0][key]) else values
    return sorted(values) if _is_ordered(values[0]) else values


def _is_ordered(value: Value) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _flatten(*arguments: Value) -> list[Value]:
    if not 1 <= len(arguments) <= _PAIR:
        raise wrong_count("1 or 2", len(arguments))
    require_walkable(arguments[-1])
    return _flat(arguments[-1], integer(arguments[0]) if len(arguments) == _PAIR else -1)


def _flat(values: Value, depth: int) -> list[Value]:
    if depth == 0:
        return items(values)
    flat: list[Value] = []
    for value in items(values):
        flat.extend(_flat(value, depth - 1) if is_list(value) else [value])
    return flat


def _pick(*arguments: Value) -> dict[str, Value]:
    whole, keys = _map_and_keys(arguments)
    return {key: value for key, value in whole.items() if key in keys}


def _omit(*arguments: Value) -> dict[str, Value]:
    whole, keys = _map_and_keys(arguments)
    return {key: value for key, value in whole.items() if key not in keys}


def _map_and_keys(arguments: tuple[Value, ...]) -> tuple[Mapping[str, Value], list[Value]]:
    if len(arguments) < _PAIR:
        raise wrong_count("2 or more", len(arguments))
    *keys, whole = arguments
    if not is_map(whole):
        raise FunctionFailure(f"wrong map type: must be map[string]interface{{}}, got {go_type(whole)}")
    for key in keys:
        if not isinstance(key, str):
            raise FunctionFailure(f"wrong key type: must be string, got {go_type(key)}")
    return whole, keys


METHODS: Final[Mapping[str, Function]] = {
    "Append": _append,
    "Dict": dict_of,
    "Flatten": _flatten,
    "GoSlice": slice_,
    "Has": has,
    "Index": _index,
    "JQ": refuse("coll.JQ", _QUERY),
    "JSONPath": refuse("coll.JSONPath", _QUERY),
    "Keys": _keys,
    "Merge": _merge,
    "Omit": _omit,
    "Pick": _pick,
    "Prepend": _prepend,
    "Reverse": _reverse,
    "Slice": list_of,
    "Sort": _sort,
    "Uniq": _uniq,
    "Values": _values,
}
ALIASES: Final[Mapping[str, Function]] = {
    "append": _append,
    "dict": dict_of,
    "flatten": _flatten,
    "has": has,
    "jq": refuse("jq", _QUERY),
    "jsonpath": refuse("jsonpath", _QUERY),
    "keys": _keys,
    "merge": _merge,
    "prepend": _prepend,
    "reverse": _reverse,
    "slice": list_of,
    "sort": _sort,
    "uniq": _uniq,
    "values": _values,
}
