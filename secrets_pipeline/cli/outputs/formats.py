"""Write ARNs in the form that their consumers read: shell, Terraform, ECS. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from secrets_pipeline.golang.values import Value

Outputs: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""component → output name → key → value; for example `secretsmanager/api` → `secret_arns` → `api_key` → ARN."""

ARNS = "secret_arns"
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def as_env(outputs: Outputs) -> str:
    """Write `NAME_ARN=…` lines for a shell; a key that two components use gets the component's name before it."""
    return "\n".join(f"{name}_ARN={shlex.quote(arn)}" for name, arn in _named(outputs))


def as_ecs(outputs: Outputs) -> list[dict[str, str]]:
    """Return the `secrets` of an ECS container definition."""
    return [{"name": name, "valueFrom": arn} for name, arn in _named(outputs)]


def as_tfvars(outputs: Outputs) -> str:
    """Write one HCL variable an output: component → key → value."""
    names = list(dict.fromkeys(name for component in outputs.values() for name in component))
    by_name = {name: {component: found[name] for component, found in outputs.items()} for name in names}
    return "\n".join(f"{name} = {_hcl(value)}" for name, value in by_name.items())


def _named(outputs: Outputs) -> Sequence[tuple[str, str]]:
    keys = Counter(_upper(key) for component in outputs.values() for key in component[ARNS])

    def names() -> Iterator[tuple[str, str]]:
        for component, found in outputs.items():
            for key, arn in found[ARNS].items():
                name = _upper(key)
                yield (name if keys[name] == 1 else f"{_upper(component)}_{name}"), arn

    return sorted(names())


def _upper(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()
    return f"_{name}" if name[:1].isdigit() else name


def _hcl(value: Value, indent: str = "") -> str:
    if isinstance(value, Mapping):
        inner = indent + "  "
        lines = [f"{inner}{_key(key)} = {_hcl(member, inner)}" for key, member in value.items()]
        return "\n".join(["{", *lines, f"{indent}}}"]) if lines else "{}"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are HCL's, but a template marker has to be doubled.
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
