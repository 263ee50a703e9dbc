"""Imports point one way (README, "Architecture")."""

import ast
from pathlib import Path

import pytest

import secrets_pipeline

ROOT = Path(secrets_pipeline.__file__).parent
LAYERS = {
    # What runs in AWS Lambda stands alone; its pure modules serve whoever needs them.
    "rotation/lambda_function": set(),
    "stacks": set(),
    "references": set(),
    "spec": {"stacks", "references"},
    "engine": set(),
    "rotation": {"aws", "spec"},
    "access": {"aws", "spec"},
    "aws": {"spec"},
    "values": {"aws", "spec", "references"},
    "local": {"access"},
    "reconcilers": {"engine", "access", "rotation", "aws", "values", "spec", "references", "stacks"},
    "cli": {"reconcilers", "engine", "access", "rotation", "aws", "values", "spec", "references", "stacks", "local"},
}


def imported(file: Path) -> set[str]:
    packages = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("secrets_pipeline."):
            module = (node.module or "").removeprefix("secrets_pipeline.").replace(".", "/")
            alone = module.startswith("rotation/lambda_function/")
            packages.add("rotation/lambda_function" if alone else module.split("/")[0])
    return packages


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_imports_point_down(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        beneath = imported(file) - {package, "errors", "rotation/lambda_function"}
        assert beneath <= LAYERS[package], f"{file.relative_to(ROOT)} imports {sorted(beneath - LAYERS[package])}"


def test_no_package_is_left_out() -> None:
    assert {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == {
        package for package in LAYERS if "/" not in package
    }
