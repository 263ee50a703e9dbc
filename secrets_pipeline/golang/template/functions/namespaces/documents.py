"""Gomplate's `data` namespace: JSON, YAML and TOML; data sources are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import spend
from secrets_pipeline.golang.template.functions.gojson import encode
from secrets_pipeline.golang.template.functions.goyaml import dump
from secrets_pipeline.golang.template.functions.kinds import is_list
from secrets_pipeline.golang.template.functions.namespaces.coercion import text
from secrets_pipeline.golang.template.functions.refused import refuse_all
from secrets_pipeline.golang.values import Function, Value, is_map
from secrets_pipeline.golang.yaml import reader

SOURCES: Final = "reading data sources is not supported; put the value into the stack, or use `!store` or `!include`"
_CHARACTERS_PER_STEP: Final = 2
"""Of a text that is parsed."""
_FORMAT: Final = "this format is not supported; use JSON or YAML"


def parse_yaml(value: Value) -> dict[str, Value]:
    """The map that a YAML (or JSON) text writes.

    Raises:
        FunctionFailure: if it is something else.
    """
    found = _loaded(value)
    if found is None:
        return {}
    if not is_map(found):
        raise FunctionFailure("unable to unmarshal object: the text is not a map")
    return dict(found)


def parse_yaml_list(value: Value) -> list[Value]:
    """The list that a YAML (or JSON) text writes.

    Raises:
        FunctionFailure: if it is something else.
    """
    found = _loaded(value)
    if not is_list(found):
        raise FunctionFailure("unable to unmarshal array: the text is not a list")
    return list(found)


def to_json(value: Value) -> str:
    """The value as JSON."""
    return encode(value, point=True)


def _loaded(value: Value) -> Value:
    written = text(value)
    spend(len(written) // _CHARACTERS_PER_STEP)
    try:
        return reader.load(written, "template", _untagged, spend)
    except StackError as error:
        raise FunctionFailure(f"unable to unmarshal: {error.message}") from None


def _untagged(_tag: str, value: str) -> Value:
    return value


def _to_json_pretty(indent: str, value: Value) -> str:
    return encode(value, indent=indent, point=True)


def _toml(value: Value) -> dict[str, Value]:
    written = text(value)
    lines = written.split("\n")
    dots = max(line.count(".") for line in lines)  # a key of so many parts is walked for each line below it
    spend((len(written) + dots * (dots + 100 * len(lines)) // 500) // _CHARACTERS_PER_STEP)
    try:
        return tomllib.loads(written)
    except ValueError as error:
        raise FunctionFailure(f"unable to unmarshal: {error}") from None


METHODS: Final[Mapping[str, Function]] = {
    "JSON": parse_yaml,
    "JSONArray": parse_yaml_list,
    "TOML": _toml,
    "ToJSON": to_json,
    "ToJSONPretty": _to_json_pretty,
    "ToYAML": dump,
    "YAML": parse_yaml,
    "YAMLArray": parse_yaml_list,
    **refuse_all(("CSV", "CSVByColumn", "CSVByRow", "CUE", "ToCSV", "ToCUE", "ToTOML"), _FORMAT, "data."),
}
ALIASES: Final[Mapping[str, Function]] = {
    "json": parse_yaml,
    "jsonArray": parse_yaml_list,
    "toJSON": to_json,
    "toJSONPretty": _to_json_pretty,
    "toYAML": dump,
    "toml": _toml,
    "yaml": parse_yaml,
    "yamlArray": parse_yaml_list,
    **refuse_all(("csv", "csvByColumn", "csvByRow", "cue", "toCSV", "toCUE", "toTOML"), _FORMAT),
    **refuse_all(
        (
            "datasource",
            "datasourceExists",
            "datasourceReachable",
            "defineDatasource",
            "ds",
            "include",
            "listDatasources",
        ),
        SOURCES,
    ),
}
