"""Logical stack names and Terraform workspaces (Atmos `resolveStackName`, `BuildTerraformWorkspace`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.stacks.config import AtmosConfig
from secrets_pipeline.stacks.markers import Value
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.scalars import as_text
from secrets_pipeline.stacks.templates import DELIMITERS, Missing, render

_NAME_TOKENS: Final = ("namespace", "tenant", "environment", "stage")
_WORKSPACE_TOKENS: Final = (*_NAME_TOKENS, "region", "attributes")
_TEMPLATE_SECTIONS: Final = (
    "vars",
    "metadata",
    "settings",
    "env",
    "auth",
    "providers",
    "hooks",
    "overrides",
    "backend",
    "backend_type",
    "component",
)
_TOKEN: Final = re.compile(r"\{([a-z-]+)\}")
_ACTION: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_FIELD: Final = re.compile(r"(?:\.[A-Za-z_][A-Za-z0-9_]*){2,}")


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
    """

    def __init__(self, config: AtmosConfig) -> None:
        self._config = config
        self._known: dict[tuple[Value, ...], str] = {}
        self._fields = _fields(config.name_template)

    def of(self, origin: Origin, sections: Section) -> str:
        """The stack that a component belongs to: `name`, name_template, name_pattern, file name.

        Raises:
            TemplateError: if name_template refers to what the component does not have, or fails otherwise.
        """
        if origin.name:
            return origin.name
        if self._config.name_template:
            return self._by_template(sections) or origin.file_name
        if self._config.name_pattern:
            return _by_pattern(self._config.name_pattern, sections["vars"]) or origin.file_name
        return origin.file_name

    def _by_template(self, sections: Section) -> str:
        """The rendered template; the same fields give the same name."""
        key = None if self._fields is None else tuple(_at(sections, field) for field in self._fields)
        if key is None or not all(isinstance(value, str) for value in key):
            return self._rendered(sections)
        if key not in self._known:
            self._known[key] = self._rendered(sections)
        return self._known[key]

    def _rendered(self, sections: Section) -> str:
        context = {name: sections.get(name, {}) for name in _TEMPLATE_SECTIONS}
        return render(self._config.name_template, context, _missing(self._config))


def _fields(template: str) -> tuple[tuple[str, ...], ...] | None:
    """The fields that a template depends on; `None` if it has more than fields in it."""
    actions = _ACTION.findall(template)
    if len(actions) != template.count(DELIMITERS[0]) or not all(_FIELD.fullmatch(action) for action in actions):
        return None
    return tuple(tuple(action.split(".")[1:]) for action in actions)


def _at(value: Value, field: tuple[str, ...]) -> Value:
    for name in field:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _by_pattern(pattern: str, variables: Mapping[str, Value]) -> str:
    """The pattern's known tokens, joined; empty if a variable is missing. Literals and other tokens drop out."""
    parts: list[str] = []
    for element in pattern.split("-"):
        token = element.removeprefix("{").removesuffix("}")
        if element == f"{{{token}}}" and token in _NAME_TOKENS:
            value = variables.get(token)
            if not value:
                return ""
            parts.append(as_text(value))
    return "-".join(parts)


def workspace(name: str, stack: str, sections: Section, config: AtmosConfig) -> str:
    """The Terraform workspace of a component as `atmos describe stacks` gives it.

    That is the stack's name unless `metadata` says otherwise; `atmos terraform` itself appends the component's name
    where the component has another base.

    Raises:
        TemplateError: if `metadata.terraform_workspace_template` fails.
        TemplateUnsupported: if it is more than field chains and text.
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
            value = render(value, {**sections, "stack": stack, "atmos_stack": stack}, Missing.ERROR)
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


def _missing(config: AtmosConfig) -> Missing:
    return Missing.NO_VALUE if config.templates.ignore_missing else Missing.ERROR
