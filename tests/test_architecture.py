"""Imports point one way (README, "Architecture")."""

import ast
from pathlib import Path

import pytest

import secrets_pipeline

ROOT = Path(secrets_pipeline.__file__).parent
LAYERS = {
    "stacks": set(),
    "references": set(),
    "spec": {"stacks", "references"},
    "engine": set(),
    "access": {"aws", "spec"},
    "aws": {"spec"},
    "values": {"aws", "spec", "references"},
    "local": {"access"},
    "reconcilers": {"engine", "access", "aws", "values", "spec", "references", "stacks"},
    "cli": {"reconcilers", "engine", "access", "aws", "values", "spec", "references", "stacks", "local"},
}


def imported(file: Path) -> set[str]:
    packages = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("secrets_pipeline."):
            packages.add((node.module or "").split(".")[1])
    return packages


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_imports_point_down(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        beneath = imported(file) - {package, "errors"}
        assert beneath <= LAYERS[package], f"{file.relative_to(ROOT)} imports {sorted(beneath - LAYERS[package])}"


def test_no_package_is_left_out() -> None:
    assert {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(LAYERS)
