"""Manifests as an editor has them, and as Atmos has them; what the schema says of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # no stubs among our pins
from referencing import Registry, Resource

from secrets_pipeline.cli.schema.document import manifest_schema
from secrets_pipeline.golang.yaml.tags import FunctionCall

ROOT: Final = Path(__file__).parents[3]
REPOSITORIES: Final = ("examples", "tests/fixtures/aurora", "tests/fixtures/tf_atmos")
ATMOS: Final = Path(__file__).parent / "atmos-manifest.json"
Read = Callable[[str, str], str]
"""A YAML function as text: of its tag and its arguments."""


def in_editor(_: str, arguments: str) -> str:
    """The language server drops the tag."""
    return arguments


def in_atmos(tag: str, arguments: str) -> str:
    """Atmos puts it in front, before it validates."""
    return f"{tag} {arguments}".strip()


def manifests() -> list[Path]:
    """Every manifest of examples/ and of the fixtures."""
    return [path for name in REPOSITORIES for path in sorted((ROOT / name / "stacks").rglob("*.yaml"))]


def parsed(text: str, read: Read = in_editor) -> Any:  # noqa: ANN401 - YAML of any shape
    """A manifest, with YAML functions as text."""

    class _Loader(yaml.SafeLoader):
        pass

    def scalar(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> str:
        assert isinstance(node, yaml.ScalarNode)
        return read(f"!{tag}", str(loader.construct_scalar(node)))

    _Loader.add_multi_constructor("!", scalar)
    return yaml.load(text, _Loader)  # noqa: S506 - it is a SafeLoader


def plain(value: Any, read: Read = in_editor) -> Any:  # noqa: ANN401 - YAML of any shape
    """A resolved section, with YAML functions as text."""
    if isinstance(value, dict):
        return {key: plain(one, read) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one, read) for one in value]
    return read(value.tag, value.args) if isinstance(value, FunctionCall) else value


@cache
def validator(beside: str | None = None) -> Draft202012Validator:
    """What validates a manifest by our schema, and by Atmos's where it is beside it."""
    known: Registry[Any] = Registry()
    if beside:
        known = known.with_resource(beside, Resource.from_contents(json.loads(ATMOS.read_text())))
    return Draft202012Validator(manifest_schema(beside), registry=known)


def complaints(manifest: object, beside: str | None = None) -> list[str]:
    """What is wrong with a manifest, each with its place."""
    return [f"{error.json_path}: {error.message}" for error in validator(beside).iter_errors(manifest)]
