"""Write a reference of settings from the pydantic models that read them, by their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from docs_build.markdown import anchor, escaped, table
from secrets_pipeline.desired.settings.operator import OperatorSettings

_PLURAL: Final = {"string": "strings", "integer": "integers", "number": "numbers", "boolean": "booleans", "map": "maps"}
_NAMES: Final = {"object": "map", "array": "list"}
_OPERATOR: Final = """\
# The operator's settings, key by key

<!-- `make docs` writes this page from the models that read the settings; a test compares them. -->

These are the keys of the YAML file that `--config` or `SECRETS_PIPELINE_CONFIG` names; all but the required ones may be
left out, and a key that is not here is an error. [The operator's settings](../operator.md) says what they are for, with
a file that has most of them. `secrets-pipeline config` shows what is in force.

"""


def operator_page() -> str:
    """Write the page of the operator's settings."""
    return _OPERATOR + reference([("The file", OperatorSettings)])


def reference(places: Iterable[tuple[str, type[BaseModel]]]) -> str:
    """Write a section for each model, and for each that is nested in one, by where it stands.

    Args:
        places: heading → model, in order.
    """
    written = _Written()
    lines: list[str] = []
    for heading, model in places:
        schema = model.model_json_schema(mode="validation")
        lines += written.section(heading, "", schema, schema.get("$defs", {}))
    return "\n".join(lines).rstrip() + "\n"


@dataclass(slots=True)
class _Written:
    """What is on the page so far.

    Attributes:
        headings: name of a nested model → the heading that it has; one that stands in several places has one section.
    """

    headings: dict[str, str] = field(default_factory=dict)

    def section(self, heading: str, path: str, schema: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
        """Yield the lines of a model's section, then those of the models in it.

        Args:
            heading: of the section, in Markdown.
            path: what its keys are below, with dots; empty at the top.
            schema: of the model.
            models: schemas of all nested models, by name.
        """
        within: list[tuple[str, str, Mapping[str, Any]]] = []
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        for key, one in properties.items():
            for name, place, label in _nested(one, f"{path}.{key}" if path else key, models):
                if name not in self.headings:
                    self.headings[name] = label
                    within.append((label, place, models[name]))
        yield from (f"## {heading}", "")
        for paragraph in schema.get("description", "").split("\n\n"):
            yield from (escaped(" ".join(paragraph.split())), "")
        required = schema.get("required", [])
        rows = (
            (
                f"`{key}`",
                self._type(one),
                "**required**" if key in required else _default(one.get("default")),
                escaped(" ".join(one.get("description", "").split())),
            )
            for key, one in sorted(properties.items(), key=lambda item: item[0] not in required)
        )
        yield from table(["key", "type", "default", "what it says"], rows)
        for label, place, nested in within:
            yield from self.section(label, place, nested, models)

    def _type(self, schema: Mapping[str, Any], *, many: bool = False) -> str:
        if "$ref" in schema:
            return f"[{'maps' if many else 'map'}](#{anchor(self.headings[_name(schema)])})"
        if alternatives := _alternatives(schema):
            return " or ".join(self._type(one, many=many) for one in alternatives)
        if "const" in schema or "enum" in schema:
            return " or ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
        said = str(schema.get("type", "anything"))
        kind = _NAMES.get(said, said)
        if kind == "list":
            items = self._type(schema.get("items", {}), many=True)
            return f"{'lists' if many else 'list'} of {items}"
        if kind == "map" and isinstance(schema.get("additionalProperties"), Mapping):
            return f"{'maps' if many else 'map'} of {self._type(schema['additionalProperties'], many=True)}"
        return (_PLURAL.get(kind, kind) if many else kind) + _bounds(schema)


def _nested(
    schema: Mapping[str, Any], path: str, models: Mapping[str, Any], others: Iterable[str] = ()
) -> Iterator[tuple[str, str, str]]:
    """Yield the name, path and heading of each model that a key's value may be, or have in it."""
    if "$ref" in schema:
        name = _name(schema)
        required = {key for other in others if other != name for key in models[other].get("required", [])}
        own = [key for key in models[name].get("required", []) if key not in required]
        alone = len(set(others)) <= 1
        yield name, path, f"`{path}`" if alone or not own else f"`{path}` with `{own[0]}`"
    alternatives = _alternatives(schema)
    names = [_name(one) for one in alternatives if "$ref" in one]
    for one in alternatives:
        yield from _nested(one, path, models, names)
    if isinstance(schema.get("items"), Mapping):
        yield from _nested(schema["items"], path, models)
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _nested(schema["additionalProperties"], f"{path}.NAME", models)


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a value may be instead; to leave a key out is none of it."""
    return [one for one in schema.get("anyOf", schema.get("oneOf", [])) if one.get("type") != "null"]


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least:,} to {most:,}"
    if least is not None:
        return f", {least:,} or more"
    return "" if most is None else f", {most:,} or less"


def _default(value: object) -> str:
    # A map's keys have defaults of their own.
    if value in (None, "", []) or isinstance(value, dict):
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`"
