"""Make the JSON Schema of what is read in stack manifests, out of the models of their keys.

A manifest is one of several that Atmos merges: nothing is required of it, and null is no value. Where a YAML function
stands an editor sees its arguments alone, as text: such a text is taken anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic.json_schema import models_json_schema

from secrets_pipeline.desired.atmos_secrets.declarations import DeclarationEntry
from secrets_pipeline.desired.kinds import SECRETS
from secrets_pipeline.desired.manifests.stack_settings import StackSettings
from secrets_pipeline.desired.manifests.vocabulary import VARIABLES, places
from secrets_pipeline.desired.reading.keys import SWITCHES
from secrets_pipeline.desired.reading.ours import ASKING

Schema: TypeAlias = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
"""That of Atmos's own manifest schema."""
LATER: Final = r"^!|\$\{|\{\{|[\s./]|^$|^[A-Z][A-Z0-9_]*$"
"""Text that may be a reference, a template, or the arguments of a YAML function. Atmos compiles it with RE2."""
_AS_TEXT: Final[Mapping[str, str]] = {
    "integer": f"^-?[0-9]{{1,18}}$|{LATER}",
    "number": f"^-?[0-9.]+$|{LATER}",
    "boolean": f"^(true|false)$|{LATER}",
    "array": LATER,
    "object": LATER,
}
"""Type → the texts that serve in its place."""
_SHOWN: Final = ("description", "examples", "default", "deprecated", "doNotSuggest")
_REF: Final = "#/$defs/"
_SETTINGS, _SECRETS, _COMPONENT, _TERRAFORM = "settings", "secrets", "component", "terraform_component"


def manifest_schema(beside: str | None = None) -> Schema:
    """The JSON Schema of a stack manifest, as far as this project reads it; anything else is let through.

    Args:
        beside: URL or path of another schema that manifests have to meet as well, for example Atmos's own.
    """
    roots = {place.model.__name__: place.model for place in places()}
    _, models = models_json_schema([(one, "validation") for one in roots.values()], ref_template=_REF + "{model}")
    settings = {"settings": _ref(_SETTINGS)}
    components: Schema = {
        "properties": {"terraform": _terraform_components()},
        "additionalProperties": {"additionalProperties": _ref(_COMPONENT)},
    }
    return {
        "$schema": DRAFT,
        "title": "Atmos stack manifest, as secrets-pipeline reads it",
        **({"allOf": [{"$ref": beside}]} if beside else {}),
        "properties": {
            **settings,
            "secrets": _ref(_SECRETS),
            "overrides": {"properties": settings},
            "terraform": {"properties": {**settings, "overrides": {"properties": settings}}},
            "components": components,
        },
        "$defs": {
            _SETTINGS: {"properties": {"secrets_pipeline": _ref(StackSettings.__name__)}},
            _SECRETS: {"properties": {"vars": {"additionalProperties": _ref(DeclarationEntry.__name__)}}},
            _COMPONENT: {"properties": {**settings, "secrets": _ref(_SECRETS)}},
            _TERRAFORM: {"allOf": [_ref(_COMPONENT), *map(_where_said, VARIABLES)]},
            **{kind: _variables(kind) for kind in VARIABLES},
            **{name: _taken(model, root=name in roots) for name, model in models["$defs"].items()},
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": _REF + name}


def _terraform_components() -> Schema:
    """By their names what they are, unless the manifest says it."""
    unsaid = {"not": {"anyOf": [_said({}), _said_in_metadata({})]}}
    # Editors look a name up in one pattern alone.
    by_name = {_named(kind): {**_ref(_TERRAFORM), "if": unsaid, "then": _ref(kind)} for kind in VARIABLES}
    return {"patternProperties": by_name, "additionalProperties": _ref(_TERRAFORM)}


def _named(kind: str) -> str:
    return f"^{kind}(/|$)"


def _where_said(kind: str) -> Schema:
    """What `metadata.component` says, and else `component`, which is a base."""
    this = {"type": "string", "pattern": _named(kind)}
    as_base = {"allOf": [_said(this), {"not": _said_in_metadata({})}]}
    return {"if": {"anyOf": [_said_in_metadata(this), as_base]}, "then": _ref(kind)}


def _said(component: Schema) -> Schema:
    return {"required": ["component"], "properties": {"component": component}}


def _said_in_metadata(component: Schema) -> Schema:
    return {"required": ["metadata"], "properties": {"metadata": {"type": "object", **_said(component)}}}


def _variables(kind: str) -> Schema:
    """The variables of a component, where the manifest shows that this project reads them."""
    shown = _switched_on() if kind == SECRETS else _asks(ASKING[kind])
    return {"if": shown, "then": {"properties": {"vars": _ref(VARIABLES[kind].__name__)}}}


def _switched_on() -> Schema:
    on = {"not": {"const": False}}
    variables = {"properties": dict.fromkeys(SWITCHES, on)}
    return {"properties": {"metadata": {"properties": {"enabled": on}}, "vars": variables}}


def _asks(names: Sequence[str]) -> Schema:
    asked = {"not": {"enum": [None, False]}}
    own = {"anyOf": [{"required": [name], "properties": {name: asked}} for name in names]}
    settings = {"required": ["secrets_pipeline"], "properties": {"secrets_pipeline": own}}
    return {"required": ["settings"], "properties": {"settings": settings}}


def _taken(model: Schema, *, root: bool = False) -> Schema:
    """What is taken where pydantic says what the value has to be in the end; that a root is a map is Atmos's to say."""
    shown = {key: model[key] for key in _SHOWN if model.get(key) is not None}
    given = [one for one in model.get("anyOf", [model]) if one.get("type") != "null"]
    taken = [_one(one) for one in given]
    if len(taken) > 1 and all("type" in one for one in taken):
        return {**_merged(taken), **shown}
    whole = taken[0] if len(taken) == 1 else {"anyOf": taken}
    return {**{key: value for key, value in whole.items() if not root or key not in ("type", "pattern")}, **shown}


def _one(model: Schema) -> Schema:
    if "$ref" in model:
        return {"$ref": model["$ref"]}
    if values := model.get("enum", [model["const"]] if "const" in model else None):
        return {"anyOf": [{"enum": values}, {"type": ["string", "null"], "pattern": LATER}]}
    kind = model.get("type")
    if kind is None:
        return {}
    taken = {key: value for key, value in model.items() if key not in (*_SHOWN, "title", "required")}
    for key in ("items", "additionalProperties"):
        if isinstance(taken.get(key), dict):
            taken[key] = _taken(taken[key])
    if "properties" in taken:
        taken["properties"] = {name: _taken(one) for name, one in taken["properties"].items()}
    if kind == "string":
        pattern = {"pattern": f"{taken['pattern']}|{LATER}"} if "pattern" in taken else {}
        return {**taken, "type": ["string", "null"], **pattern}
    return {**taken, "type": [kind, "string", "null"], "pattern": _AS_TEXT[kind]}


def _merged(taken: Sequence[Schema]) -> Schema:
    """One schema for several types: keywords hold for the values of one type alone."""
    types = dict.fromkeys(kind for one in taken for kind in one["type"])
    merged = {key: value for one in taken for key, value in one.items()} | {"type": list(types)}
    if any(one["type"][0] == "string" and "pattern" not in one for one in taken):
        merged.pop("pattern", None)
    return merged
