"""Sprig's functions on dicts (documentation: "Dictionaries and Dict Functions").

Where Go has no order of keys, ours is sorted. `set`, `unset` and the merges change their first dict, as in Go.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_walkable
from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.template.functions.kinds import is_empty, is_list
from secrets_pipeline.golang.values import Function, Value, go_type, is_map

_MIN_DIG: Final = 3  # a key, a default, a dict
_CONVERSION: Final = "interface conversion: interface {{}} is {}, not {}"


def merge_into(target: dict[str, Value], source: Mapping[str, Value], *, overwrite: bool) -> None:
    """What mergo does to maps: fill the target's empty values, or with `overwrite` take over all but empty dicts."""
    for key, value in source.items():
        present, old = key in target, target.get(key)
        if value is None:
            if overwrite:
                target[key] = None
            continue
        if is_map(value) and isinstance(old, dict):
            merge_into(old, value, overwrite=overwrite)
            if old:
                continue
        if overwrite or not present or is_empty(old):
            target[key] = value


def _dict(*items: Value) -> dict[str, Value]:
    values = [*items[1::2], ""]
    return {as_text(key): values[position] for position, key in enumerate(items[::2])}


def _get(items: dict[str, Value], key: str) -> Value:
    return items.get(key, "")


def _set(items: dict[str, Value], key: str, value: Value) -> dict[str, Value]:
    items[key] = value
    return items


def _unset(items: dict[str, Value], key: str) -> dict[str, Value]:
    items.pop(key, None)
    return items


def _has_key(items: dict[str, Value], key: str) -> bool:
    return key in items


def _pluck(key: str, *dicts: dict[str, Value]) -> list[Value]:
    return [items[key] for items in dicts if key in items]


def _keys(*dicts: dict[str, Value]) -> list[str]:
    return [key for items in dicts for key in sorted(items)]


def _values(items: dict[str, Value]) -> list[Value]:
    return [items[key] for key in sorted(items)]


def _pick(items: dict[str, Value], *keys: str) -> dict[str, Value]:
    return {key: items[key] for key in keys if key in items}


def _omit(items: dict[str, Value], *keys: str) -> dict[str, Value]:
    return {key: value for key, value in items.items() if key not in keys}


def _merge(target: dict[str, Value], *sources: dict[str, Value]) -> dict[str, Value]:
    for source in sources:
        require_walkable(source)
        merge_into(target, source, overwrite=False)
    return target


def _merge_overwrite(target: dict[str, Value], *sources: dict[str, Value]) -> dict[str, Value]:
    for source in sources:
        require_walkable(source)
        merge_into(target, source, overwrite=True)
    return target


def _deep_copy(value: Value) -> Value:
    if not is_map(value) and not is_list(value):
        return value
    require_walkable(value)
    return copy.deepcopy(value)


def _dig(*arguments: Value) -> Value:
    if len(arguments) < _MIN_DIG:
        raise FunctionFailure("dig needs at least three arguments")
    *keys, default, value = arguments
    for key in keys:
        if not is_map(value):
            raise FunctionFailure(_CONVERSION.format(_dynamic_type(value), "map[string]interface {}"))
        if not isinstance(key, str):
            raise FunctionFailure(_CONVERSION.format(_dynamic_type(key), "string"))
        if key not in value:
            return default
        value = value[key]
    return value


def _dynamic_type(value: Value) -> str:
    return "nil" if value is None else go_type(value)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "deepCopy": _deep_copy,
    "dict": _dict,
    "dig": _dig,
    "get": _get,
    "hasKey": _has_key,
    "keys": _keys,
    "merge": _merge,
    "mergeOverwrite": _merge_overwrite,
    "mustDeepCopy": _deep_copy,
    "mustMerge": _merge,
    "mustMergeOverwrite": _merge_overwrite,
    "omit": _omit,
    "pick": _pick,
    "pluck": _pluck,
    "set": _set,
    "unset": _unset,
    "values": _values,
}
