"""Sprig's and Atmos's function sets, put together from their families."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions import (
    conversions,
    dicts,
    encoding,
    flow,
    gojson,
    lists,
    numeric,
    paths,
    refused,
    strings,
    urls,
    versions,
    words,
)
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment, environment_functions
from secrets_pipeline.golang.template.functions.regex import regexes
from secrets_pipeline.golang.template.functions.time import dates
from secrets_pipeline.golang.values import Function, Value, go_type, is_map

PURE: Final[Mapping[str, Function]] = {
    name: function
    for family in (
        conversions, dicts, encoding, flow, gojson, lists, numeric, paths, refused, regexes, strings, urls, versions,
        words,
    )
    for name, function in family.FUNCTIONS.items()
}  # fmt: skip
"""Sprig's functions that read nothing besides their arguments: the same text each time."""


def sprig(environment: RenderingEnvironment) -> Mapping[str, Function]:
    """Sprig v3's `TxtFuncMap`: https://masterminds.github.io/sprig/.

    Args:
        environment: what the functions read besides their arguments.
    """
    return {**PURE, **dates.functions(environment), **environment_functions(environment)}


def collect_keys(value: Value, *nested: str) -> list[str]:
    """Atmos's `collectKeys`: a map's sorted keys, or those of one key of all its values.

    Raises:
        FunctionFailure: if the value is no map.
    """
    if not is_map(value):
        raise FunctionFailure(f"collectKeys: expected a map, got {go_type(value)}")
    if not nested:
        return sorted(value)
    inner = (entry[nested[0]] for entry in value.values() if is_map(entry) and nested[0] in entry)
    return sorted({key for entry in inner if is_map(entry) for key in entry})


ATMOS: Final[Mapping[str, Function]] = {"collectKeys": collect_keys}
"""Atmos's own functions (`pkg/templatefuncs/funcmap.go`) but for `atmos`, which needs the stacks."""
