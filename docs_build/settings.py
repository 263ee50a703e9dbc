"""Write a reference of settings from the pydantic models that read them, by their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel

from docs_build.markdown import anchor, escaped, table
from secrets_pipeline.desired.kinds import SECRETS
from secrets_pipeline.desired.manifests.vocabulary import places
from secrets_pipeline.desired.settings.operator import OperatorSettings

_PLURAL: Final = {
    "string": "strings",
    "integer": "integers",
    "number": "numbers",
    "boolean": "booleans",
    "map": "maps",
    "list": "lists",
}
_NAMES: Final = {"object": "map", "array": "list"}
_OPERATOR: Final = """\
# The operator's settings, key by key

<!-- `make docs` writes this page from the models that read the settings; a test compares them. -->

These are the keys of the YAML file that `--config` or `SECRETS_PIPELINE_CONFIG` names; all but the required ones may be
left out, and a key that is not here is an error. [The operator's settings](../operator.md) says what they are for, with
a file that has most of them. `secrets-pipeline config` shows what is in force.

"""
_STACKS: Final = """\
# What stack manifests may say, key by key

<!-- `make docs` writes this page from the models that read the manifests; a test compares them. -->

These are the keys that are read in Atmos's manifests, beside what Atmos itself makes of them; everything else is
Terraform's. [Secrets](../secrets.md) and [rotation](../rotation.md) say what they are for. `secrets-pipeline schema`
prints the same as a JSON Schema, for an [editor](../editor.md). A key without a default means nothing until it is said,
or its text says what then holds.

"""


def operator_page() -> str:
    """Write the page of the operator's settings."""
    return _OPERATOR + reference([("The file", OperatorSettings)])


def stack_page() -> str:
    """Write the page of what stack manifests may say."""
    # Most readers come for the secrets, whose keys may also stand under settings.
    some = sorted(places(), key=lambda one: SECRETS not in one.path)
    return _STACKS + reference([(one.path, one.model) for one in some])


def reference(sections: Iterable[tuple[str, type[BaseModel]]]) -> str:
    """Write a section for each model, and for each that is nested in one, by where it stands.

    Args:
        sections: heading → model, in order.
    """
    lines: list[str] = []
    headings: dict[str, str] = {}
    for heading, model in sections:
        schema = model.model_json_schema(mode="validation")
        models = _Models(schema.get("$defs", {}), dict(_own_keys(model)), headings)
        lines += models.section(heading, "", schema)
    return "\n".join(lines).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class _Models:
    """The models that are nested in one.

    Attributes:
        schemas: theirs, by name; also those of enumerations.
        own: name of a model → the keys that it has beyond those of its bases, which are listed first.
        headings: name of a model that is on the page → its heading; one that stands in several places has one section.
    """

    schemas: Mapping[str, Any]
    own: Mapping[str, frozenset[str]]
    headings: dict[str, str]

    def section(self, heading: str, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """Yield the lines of a model's section, then those of the models in it.

        Args:
            heading: of the section, in Markdown.
            path: what its keys are below, with dots; empty at the top.
            schema: of the model.
        """
        within: list[tuple[str, str, Mapping[str, Any]]] = []
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        for key, one in properties.items():
            for name, place, label in self._nested(one, f"{path}.{key}" if path else key):
                if name not in self.headings:
                    self.headings[name] = label
                    within.append((label, place, self.schemas[name]))
        yield from (f"## {heading}", "")
        for paragraph in schema.get("description", "").split("\n\n"):
            yield from (escaped(" ".join(paragraph.split())), "")
        required, own = schema.get("required", []), self.own.get(schema.get("title", ""), frozenset())
        rows = (
            (
                f"`{key}`",
                self._type(one),
                "**required**" if key in required else _default(one.get("default")),
                escaped(" ".join(one.get("description", "").split())),
            )
            for key, one in sorted(properties.items(), key=lambda item: (item[0] not in required, item[0] not in own))
        )
        yield from table(["key", "type", "default", "what it says"], rows)
        for label, place, nested in within:
            yield from self.section(label, place, nested)

    def _type(self, schema: Mapping[str, Any], *, many: bool = False) -> str:
        said = self.schemas[_name(schema)] if "$ref" in schema else schema
        if "enum" in said or "const" in said:
            return " or ".join(
                f"`{one if isinstance(one, str) else json.dumps(one)}`" for one in said.get("enum", [said.get("const")])
            )
        if "$ref" in schema:
            return f"[{'maps' if many else 'map'}](#{anchor(self.headings[_name(schema)])})"
        if alternatives := _alternatives(schema):
            return " or ".join(self._type(one, many=many) for one in alternatives)
        kind = _NAMES.get(schema.get("type", ""), str(schema.get("type", "anything")))
        of = schema.get("items" if kind == "list" else "additionalProperties")
        within = f" of {self._type(of, many=True)}" if isinstance(of, Mapping) else ""
        return (_PLURAL.get(kind, kind) if many else kind) + within + _bounds(schema)

    def _nested(
        self, schema: Mapping[str, Any], path: str, others: Iterable[str] = ()
    ) -> Iterator[tuple[str, str, str]]:
        """Yield the name, path and heading of each model that a key's value may be, or have in it."""
        if "$ref" in schema and "enum" not in self.schemas[_name(schema)]:
            name = _name(schema)
            required = {key for other in others if other != name for key in self.schemas[other].get("required", [])}
            own = [key for key in self.schemas[name].get("required", []) if key not in required]
            alone = len(set(others)) <= 1
            yield name, path, f"`{path}`" if alone or not own else f"`{path}` with `{own[0]}`"
        alternatives = _alternatives(schema)
        names = [_name(one) for one in alternatives if "$ref" in one]
        for one in alternatives:
            yield from self._nested(one, path, names)
        if isinstance(schema.get("items"), Mapping):
            yield from self._nested(schema["items"], path)
        if isinstance(schema.get("additionalProperties"), Mapping):
            yield from self._nested(schema["additionalProperties"], f"{path}.NAME")


def _own_keys(model: type[BaseModel]) -> Iterator[tuple[str, frozenset[str]]]:
    fields = model.model_fields
    own = model.__annotations__.keys() & fields.keys()
    yield model.__name__, frozenset(fields[name].alias or name for name in own)
    for one in fields.values():
        for nested in _models(one.annotation):
            yield from _own_keys(nested)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models(one)


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
