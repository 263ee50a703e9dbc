"""Name logical stacks and Terraform workspaces (Atmos `resolveStackName`, `BuildTerraformWorkspace`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.template.template import DELIMITERS
from secrets_pipeline.golang.values import MissingKey, Value
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.templates.templates import Renderer

_NAME_TOKENS: Final = ("namespace", "tenant", "environment", "stage")
_WORKSPACE_TOKENS: Final = (*_NAME_TOKENS, "region", "attributes")
_TEMPLATE_SECTIONS: Final = (
    "vars",
    "metadata",
    "settings",
    "env",
    "auth",
    "secrets",
    "providers",
    "hooks",
    "overrides",
    "backend",
    "backend_type",
    "component",
)
_TOKEN: Final = re.compile(r"\{([a-z-]+)\}")
_ACTION: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_FIELD: Final = re.compile(r"\.(vars|settings|env)\.([A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z0-9_.]+)?")


@dataclass(frozen=True, slots=True)
class Origin:
    """The manifest that a name is wanted for.

    Attributes:
        file_name: its path below the stacks folder, without extension.
        name: its `name:`, or empty.
    """

    file_name: str
    name: str


class StackNames:
    """Gives components the logical name of their stack.

    Args:
        config: the repository's configuration.
        renderer: renders name_template.
    """

    def __init__(self, config: AtmosConfig, renderer: Renderer) -> None:
        self._config = config
        self._renderer = renderer
        self._fields = _fields(config)
        self._keys = frozenset(key for _, key in self._fields or ())

    def depend_on(self, layers: Mapping[str, Sequence[Section]]) -> bool:
        """Whether sections of a component, each in layers, have anything that names are made of."""
        if self._fields is None:
            return True
        return any(key in layer for section, key in self._fields for layer in layers.get(section, ()))

    def depend_on_component(self, own: Value) -> bool:
        """Whether a component as written has anything that names are made of."""
        if self._fields is None or not isinstance(own, dict):
            return True
        holders = (own, own.get("overrides"))
        sections = (
            holder.get(section) for holder in holders if isinstance(holder, dict) for section, _ in self._fields
        )
        return not self._keys.isdisjoint(key for section in sections if isinstance(section, dict) for key in section)

    def of(self, origin: Origin, sections: Section) -> str:
        """The stack that a component belongs to: `name`, name_template, name_pattern, file name.

        Raises:
            TemplateError: if name_template refers to what the component does not have, or fails otherwise.
        """
        if origin.name:
            return origin.name
        if self._config.name_template:
            context = {name: sections.get(name, {}) for name in _TEMPLATE_SECTIONS}
            missing = MissingKey.NO_VALUE if self._config.templates.ignore_missing else MissingKey.ERROR
            return self._renderer.render(self._config.name_template, context, missing) or origin.file_name
        if self._config.name_pattern:
            return _by_pattern(self._config.name_pattern, sections["vars"]) or origin.file_name
        return origin.file_name


def _fields(config: AtmosConfig) -> tuple[tuple[str, str], ...] | None:
    """Section and key of all that names are made of; `None` if that cannot be told."""
    if not config.name_template:
        return tuple(("vars", token) for token in _NAME_TOKENS)
    actions = _ACTION.findall(config.name_template)
    fields = [_FIELD.fullmatch(action) for action in actions]
    if len(actions) != config.name_template.count(DELIMITERS[0]):
        return None
    return None if None in fields else tuple((field[1], field[2]) for field in fields if field)


def _by_pattern(pattern: str, variables: Mapping[str, Value]) -> str:
    """The pattern's known tokens, joined; empty if a variable is missing. Literals and other tokens drop out."""
    parts: list[str] = []
    for element in pattern.split("-"):
        token = element.removeprefix("{").removesuffix("}")
        if element == f"{{{token}}}" and token in _NAME_TOKENS:
            value = variables.get(token)
            if not isinstance(value, str) or not value:
                return ""
            parts.append(value)
    return "-".join(parts)


def workspace(name: str, stack: str, sections: Section, config: AtmosConfig, renderer: Renderer) -> str:
    """The Terraform workspace of a component as `atmos describe stacks` gives it.

    That is the stack's name unless `metadata` says otherwise; `atmos terraform` itself appends the component's name
    where the component has another base.

    Raises:
        TemplateError: if `metadata.terraform_workspace_template` fails.
    """
    terraform = config.kind("terraform")
    if sections.get("backend_type") == "http" or terraform.get("workspaces_enabled") is False:
        return "default"
    metadata = sections["metadata"]
    for key in ("terraform_workspace", "terraform_workspace_template", "terraform_workspace_pattern"):
        value = metadata.get(key)
        if not isinstance(value, str):
            continue
        if key == "terraform_workspace_template":
            value = renderer.render(value, {**sections, "stack": stack, "atmos_stack": stack}, MissingKey.ERROR)
        elif key == "terraform_workspace_pattern":
            value = _replaced(
                value,
                {**sections["vars"], "component": name, "base-component": sections["component"], "workspace": stack},
            )
        return value.replace("/", "-")
    return stack.replace("/", "-")


def _replaced(pattern: str, tokens: Mapping[str, Value]) -> str:
    known = {*_WORKSPACE_TOKENS, "component", "base-component", "workspace"}
    return _TOKEN.sub(lambda m: as_text(tokens.get(m[1], "")) if m[1] in known else m[0], pattern)
