"""Copies of examples/ for emulators: whole, and stripped to what every one of them has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
MANIFESTS = Path("stacks", "orgs", "acme")
DEFAULTS, PROD, SHARED = "myapp/_defaults.yaml", "myapp/prod.yaml", "infra/shared.yaml"


def whole(folder: Path) -> Path:
    """Copy the repository without its network: nobody may choose a subnet's id, and nobody is behind an endpoint."""
    shutil.copytree(EXAMPLES, folder)
    edit(folder / "operator.yaml", lambda settings: settings | {"database_logins": False})
    edit(folder / MANIFESTS / PROD, lambda manifest: manifest.pop("settings") and manifest)
    # What rotates outside of a VPC reaches no private database; ministack gives all of them one endpoint.
    components(folder, DEFAULTS, lambda found: found["rds"]["vars"].update(publicly_accessible=True))
    return folder


def core(folder: Path) -> Path:
    """Copy it without keys of its own, rotation, functions and services; who reads from elsewhere needs such a key."""
    whole(folder)
    components(folder, DEFAULTS, _without_keys_and_consumers)
    components(folder, PROD, _without_rotation)
    components(folder, SHARED, lambda found: found["secretsmanager/network"]["vars"].pop("create_kms_key"))
    return folder


class _Function(str):
    """A YAML function of Atmos, which stays what it is."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Reads manifests with functions in them."""


class _Dumper(yaml.SafeDumper):
    """Writes them again."""


def _tagged(dumper: yaml.SafeDumper, function: _Function) -> yaml.ScalarNode:
    tag, _, args = function.partition(" ")
    return dumper.represent_scalar(tag, args)


_Loader.add_multi_constructor("!", lambda _loader, tag, node: _Function(f"!{tag} {node.value}"))
_Dumper.add_representer(_Function, _tagged)


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite a YAML file with what a change returns, or has made of it."""
    text = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a safe one
    changed = change(text)
    file.write_text(yaml.dump(changed if isinstance(changed, dict) else text, Dumper=_Dumper, sort_keys=False))


def components(folder: Path, manifest: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite the components of a manifest."""

    def changed(text: dict[str, Any]) -> None:
        change(text["components"]["terraform"])

    edit(folder / MANIFESTS / manifest, changed)


def _without_keys_and_consumers(found: dict[str, Any]) -> None:
    for gone in ("kms", "lambda/worker", "ecs"):
        del found[gone]
    for secrets in ("secretsmanager/database", "secretsmanager/api"):
        del found[secrets]["vars"]["default_kms_key_id"]
    del found["secretsmanager/database"]["vars"]["consumers"]["reports"]
    del found["apigateway"]["vars"]["stage_variables"]["worker"]


def _without_rotation(found: dict[str, Any]) -> None:
    del found["secretsmanager/database"]["vars"]["secrets"]["credentials"]["rotation"]
    del found["secretsmanager/api"]["vars"]["secrets"]["api_key"]["rotation"]
