"""Tell whether a value of a manifest is plain data, or has something to evaluate, to render or to take out."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.golang.values import Value

_PLAIN: Final = frozenset({int, bool, float, type(None)})


def is_dynamic(value: Value, delimiter: str | None) -> bool:
    """Whether anything in a value is a function call, another marker or a template.

    Args:
        value: of a manifest.
        delimiter: the left delimiter of templates, `None` where they are text like any other.
    """
    left = [value]
    while left:
        item = left.pop()
        kind = type(item)
        if kind is str:
            if item[:1] == "!" or (delimiter is not None and delimiter in item):
                return True
        elif kind is dict:
            left += item.values()
            if delimiter is not None and any(delimiter in key for key in item):
                return True
        elif kind is list:
            left += item
        elif kind not in _PLAIN:
            return True
    return False


class Dynamics:
    """`is_dynamic` of mappings, each looked through once.

    Args:
        delimiter: the left delimiter of templates, `None` where they are text like any other.
    """

    def __init__(self, delimiter: str | None) -> None:
        self._delimiter = delimiter
        self._known: dict[int, tuple[dict[str, Value], bool]] = {}

    def of(self, mapping: dict[str, Value]) -> bool:
        """Whether anything in a mapping, which from now on does not change, is dynamic."""
        known = self._known.get(id(mapping))
        if known is None:
            known = self._known[id(mapping)] = (mapping, is_dynamic(mapping, self._delimiter))  # kept, so is its id
        return known[1]
