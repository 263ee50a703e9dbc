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
    "cli": {"reconcilers", "engine", "access", "rotation", "aws", "values", "spec", "references", "stacks", "local"}
    | {"own_folder"},
}


def modules_of(text: str) -> set[str]:
    """Everything that a module imports, in whatever way."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules |= {f"{node.module}.{one.name}" for one in node.names}
    return modules


def imported(text: str) -> set[str]:
    """Packages of ours among that."""
    packages = set()
    for path in (one.split(".")[1:] for one in modules_of(text) if one.startswith("secrets_pipeline.")):
        alone = path[:2] == ["rotation", "lambda_function"]
        packages.add("rotation/lambda_function" if alone else path[0])
    return packages


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from secrets_pipeline.aws.paging import pages", "aws"),
        ("from secrets_pipeline.aws import pages", "aws"),
        ("from secrets_pipeline import aws", "aws"),
        ("import secrets_pipeline.aws", "aws"),
        ("import secrets_pipeline.aws.paging as paging", "aws"),
        ("def late():\n    import secrets_pipeline.aws", "aws"),
        ("from secrets_pipeline.rotation.lambda_function.tls import verifying", "rotation/lambda_function"),
        ("from secrets_pipeline.rotation.lambda_function import tls", "rotation/lambda_function"),
        ("from secrets_pipeline.rotation import package", "rotation"),
    ],
)
def test_every_way_to_import_is_seen(text: str, found: str) -> None:
    assert imported(text) == {found}


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_imports_point_down(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        beneath = imported(file.read_text()) - {package, "__version__", "errors", "rotation/lambda_function"}
        assert beneath <= LAYERS[package], f"{file.relative_to(ROOT)} imports {sorted(beneath - LAYERS[package])}"


def test_nothing_but_the_command_line_knows_dagster() -> None:
    for file in ROOT.rglob("*.py"):
        if file.relative_to(ROOT).parts[0] != "cli":
            assert not {"dagster", "definitions"} & {one.split(".")[0] for one in modules_of(file.read_text())}, file


def test_no_package_is_left_out() -> None:
    assert {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == {
        package for package in LAYERS if "/" not in package
    }
