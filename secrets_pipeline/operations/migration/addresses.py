"""Parse and write the addresses that Terraform gives resources.

Source: https://developer.hashicorp.com/terraform/cli/state/resource-addressing
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = int | str | None
"""Of an instance: a number with `count`, a text with `for_each`, None with neither."""

_STEP = re.compile(r'module\.(?P<name>[^\W\d][\w-]*)(?:\[(?P<key>\d+|"(?:[^"\\]|\\.)*")\])?(?:\.|$)')


@dataclass(frozen=True, slots=True)
class Address:
    """Where Terraform keeps a resource instance; `str()` is its absolute address, with all instance keys.

    Attributes:
        modules: calls that lead there, each with its instance key; empty for the root module.
        type: for example `aws_secretsmanager_secret`.
        name: of the resource block.
        key: of the instance.
    """

    modules: tuple[tuple[str, Key], ...]
    type: str
    name: str
    key: Key = None

    @property
    def module(self) -> tuple[str, ...]:
        """The module calls without instance keys: the module as the configuration has it."""
        return tuple(name for name, _ in self.modules)

    @property
    def config(self) -> str:
        """The address of the resource block: no instance keys, as `removed` blocks and `dependencies` name it."""
        return ".".join((*(f"module.{name}" for name in self.module), self.type, self.name))

    @property
    def resource(self) -> str:
        """The address of the resource in its module instance: that of all its instances there."""
        return ".".join((*(f"module.{name}{_index(key)}" for name, key in self.modules), self.type, self.name))

    def __str__(self) -> str:
        return f"{self.resource}{_index(self.key)}"


def parse_modules(text: str) -> tuple[tuple[str, Key], ...] | None:
    """The module calls of an address such as `module.a["x"].module.b[0]`; none for `""`, None for any other text."""
    steps: list[tuple[str, Key]] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        key = step["key"]
        steps.append((step["name"], None if key is None else _parsed(key)))
        at = step.end()
    return tuple(steps)


def _parsed(key: str) -> Key:
    if not key.startswith('"'):
        return int(key)
    try:
        parsed: str = json.loads(key)
    except ValueError:
        return key[1:-1]
    return parsed


def _index(key: Key) -> str:
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    # HCL escapes a quote as JSON does, and the beginning of a template by doubling it.
    quoted = json.dumps(key, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return f"[{quoted}]"
