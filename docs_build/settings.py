"""Write a reference of settings from the pydantic models that read them, by their JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs_build.markdown import anchor, escaped, table
from secrets_pipeline.desired.base import AssumedRole
from secrets_pipeline.desired.database.keys import NEW_DATABASE, RdsVariables
from secrets_pipeline.desired.database.parameters import PASSED_ON
from secrets_pipeline.desired.kinds import SECRETS
from secrets_pipeline.desired.manifests.stack_settings import StackSettings
from secrets_pipeline.desired.manifests.vocabulary import places
from secrets_pipeline.desired.reading.keys import CommonVariables
from secrets_pipeline.desired.secret.keys import PasswordRules, SecretEntry, SecretsmanagerVariables
from secrets_pipeline.desired.settings.access import AccessSettings
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
_NUMBERS: Final = {10: "ten"}
_OPERATOR: Final = """\
# The operator's settings, key by key

<!-- `make docs` writes this page from the models that read the settings; a test compares them. -->

These are the keys of the YAML file that `--config` or `SECRETS_PIPELINE_CONFIG` names. A single team needs three of
them: `targets`, `repository` and `grants`. You may leave out every key that is not required, and a key that is not on
this page is an error. [The operator's settings](../operator.md) explains them, with a file that has most of them.
`secrets-pipeline config` shows which ones you have set.

"""
_STACKS: Final = """\
# Stack manifests, key by key

<!-- `make docs` writes this page from the models that read the manifests; a test compares them. -->

The pipeline reads these keys of Atmos's manifests and leaves everything else to Terraform. [Secrets](../secrets.md) and
[rotation](../rotation.md) explain them. `secrets-pipeline schema` prints them as a JSON Schema for an
[editor](../editor.md).

"""
_CREATE_INSTANCE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html"
_CREATE_CLUSTER: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html"


class First(NamedTuple):
    """A setting that most teams need, shown before all others.

    Attributes:
        model: the model that has the key.
        key: as the YAML has it.
    """

    model: type[BaseModel]
    key: str


class Group(NamedTuple):
    """Keys of a model that share one row.

    Attributes:
        keys: as the YAML has them.
        type: what their values are, in Markdown.
        text: their description, in Markdown.
    """

    keys: Collection[str]
    type: str
    text: str


OPERATOR_FIRST: Final = (
    First(OperatorSettings, "targets"),
    First(OperatorSettings, "repository"),
    First(OperatorSettings, "grants"),
    First(OperatorSettings, "environment_allowed"),
    First(OperatorSettings, "components"),
    First(AccessSettings, "allowed_readers"),
    First(OperatorSettings, "events"),
    First(OperatorSettings, "alerts"),
    First(OperatorSettings, "apply_on_change"),
    First(OperatorSettings, "leases"),
)
STACK_FIRST: Final = (
    First(SecretsmanagerVariables, "context_name"),
    First(SecretsmanagerVariables, "secrets"),
    First(SecretEntry, "path"),
    First(SecretEntry, "generate_random_password"),
    First(SecretEntry, "secret_data"),
    First(SecretEntry, "username"),
    First(SecretEntry, "rotation"),
    First(SecretsmanagerVariables, "consumers"),
    First(StackSettings, "attach_policies"),
    First(StackSettings, "deliver"),
)
_FLAT_ROTATION: Final = Group(
    (
        "rotation_lambda_arn",
        "rotation_automatically_after_days",
        "rotation_schedule_expression",
        "rotation_duration",
        "rotate_immediately",
    ),
    "as in `rotation`",
    "Names that tf-atmos's component has for the keys of [`rotation`](#secretsnamerotation).",
)
_RDS: Final = Group(
    PASSED_ON.keys(),
    "as RDS takes it",
    f"Passed to RDS unchanged: [CreateDBInstance]({_CREATE_INSTANCE}) and [CreateDBCluster]({_CREATE_CLUSTER}) "
    "explain them. A database that is made here has, unless you set them, "
    + ", ".join(f"`{key}` {value}" for key, value in NEW_DATABASE.items())
    + ".",
)


def operator_page() -> str:
    """Write the page of the operator's settings."""
    return _OPERATOR + reference(
        [("The file", OperatorSettings)], OPERATOR_FIRST, shared={"Roles to assume": AssumedRole}
    )


def stack_page() -> str:
    """Write the page of what stack manifests may say."""
    # Most readers come for the secrets, whose keys may also stand under settings.
    some = sorted(places(), key=lambda one: SECRETS not in one.path)
    return _STACKS + reference(
        [(one.path, one.model) for one in some],
        STACK_FIRST,
        shared={"Every component": CommonVariables, "Generated passwords": PasswordRules},
        groups={RdsVariables.__name__: _RDS, SecretEntry.__name__: _FLAT_ROTATION},
    )


def reference(
    sections: Iterable[tuple[str, type[BaseModel]]],
    first: Sequence[First] = (),
    *,
    shared: Mapping[str, type[BaseModel]] | None = None,
    groups: Mapping[str, Group] | None = None,
) -> str:
    """Write a section for each model, and for each model nested in one. Keys that are marked deprecated are left out.

    Args:
        sections: heading → model, in order.
        first: settings that a table before all sections shows.
        shared: heading → base class whose keys have one section, instead of rows in each model that inherits them.
        groups: name of a model → its keys that share one row.

    Raises:
        KeyError: if `first` names a key or model that no section has.
    """
    lines: list[str] = []
    headings: dict[str, str] = {}
    bases = shared or {}
    classes: dict[str, type[BaseModel]] = {}
    some = [*sections, *bases.items()]
    for heading, model in some:
        schema = model.model_json_schema(mode="validation")
        classes |= _classes(model)
        headings.setdefault(model.__name__, heading)
        lines += _Models(schema.get("$defs", {}), classes, headings, bases, groups or {}).section(heading, "", schema)
    return "\n".join([*_first(first, headings), *lines]).rstrip() + "\n"


def _first(first: Sequence[First], headings: Mapping[str, str]) -> Iterator[str]:
    if not first:
        return
    yield from (f"## The {_NUMBERS.get(len(first), len(first))} that most teams need", "")
    yield from table(
        ["key", "where", "what it says"],
        (
            (
                f"`{one.key}`",
                f"[{headings[one.model.__name__]}](#{anchor(headings[one.model.__name__])})",
                escaped(" ".join((_fields(one.model)[one.key].description or "").split())),
            )
            for one in first
        ),
    )


@dataclass(frozen=True, slots=True)
class _Models:
    """The models that are nested in one.

    Attributes:
        schemas: theirs, by name; also those of enumerations.
        classes: theirs, by name.
        headings: name of a model that is on the page → its heading; one that stands in several places has one section.
        shared: heading → base class with a section of its own.
        groups: name of a model → its keys that share one row.
    """

    schemas: Mapping[str, Any]
    classes: Mapping[str, type[BaseModel]]
    headings: dict[str, str]
    shared: Mapping[str, type[BaseModel]]
    groups: Mapping[str, Group]

    def section(self, heading: str, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """Yield the lines of a model's section, then those of the models in it.

        Args:
            heading: of the section, in Markdown.
            path: what its keys are below, with dots; empty at the top.
            schema: of the model.
        """
        within: list[tuple[str, str, Mapping[str, Any]]] = []
        model = self.classes[schema["title"]]
        bases = {name: base for name, base in self.shared.items() if issubclass(model, base) and model is not base}
        elsewhere = {key for base in bases.values() for key in _inherited(model, base)}
        group = self.groups.get(schema["title"], Group((), "", ""))
        properties: Mapping[str, Mapping[str, Any]] = {
            key: one
            for key, one in schema.get("properties", {}).items()
            if key not in elsewhere and not one.get("deprecated")
        }
        for key, one in properties.items():
            for name, place, label in self._nested(one, f"{path}.{key}" if path else key):
                if name not in self.headings:
                    self.headings[name] = label
                    within.append((label, place, self.schemas[name]))
        yield from (f"## {heading}", "")
        for paragraph in schema.get("description", "").split("\n\n"):
            yield from (escaped(" ".join(paragraph.split())), "")
        if bases:
            links = " and ".join(f"[{name}](#{anchor(name)})" for name in bases)
            yield from (f"The keys of {links} may stand here, too.", "")
        required, own = schema.get("required", []), _own_keys(model)
        rows = [
            (
                f"`{key}`",
                self._type(one),
                "**required**" if key in required else _default(one.get("default")),
                escaped(" ".join(one.get("description", "").split())),
            )
            for key, one in sorted(properties.items(), key=lambda item: (item[0] not in required, item[0] not in own))
            if key not in group.keys
        ]
        if group.keys:
            rows.append((", ".join(f"`{key}`" for key in group.keys), group.type, "", group.text))
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


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By the key that the YAML has."""
    return {one.alias or name: one for name, one in model.model_fields.items()}


def _own_keys(model: type[BaseModel]) -> frozenset[str]:
    """The keys that a model has beyond those of its bases; the reference lists them first."""
    own = model.__annotations__.keys()
    return frozenset(one.alias or name for name, one in model.model_fields.items() if name in own)


def _inherited(model: type[BaseModel], base: type[BaseModel]) -> Iterator[str]:
    """Yield the keys of a base class that the model does not describe otherwise."""
    fields = _fields(model)
    return (key for key, one in _fields(base).items() if fields[key].description == one.description)


def _classes(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    found = {model.__name__: model}
    for one in model.model_fields.values():
        for nested in _models(one.annotation):
            found |= _classes(nested)
    return found


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
