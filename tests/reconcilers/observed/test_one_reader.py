"""Each of these calls of AWS is made in one module: what one place forgets, no other one remembers."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import secrets_pipeline

ROOT = Path(secrets_pipeline.__file__).parent
READERS = {
    "describe_services": "ecs_services",
    "describe_task_definition": "ecs_services",
    "get_function": "functions",
    "get_function_configuration": "functions",
    "get_key_policy": "kms_keys",
    "get_key_rotation_status": "kms_keys",
    "get_parameter": "parameters",
    "get_parameters_by_path": "parameters",
    "get_resource_policy": "secrets",
    "get_rest_apis": "api_stages",
    "get_role": "roles",
    "get_role_policy": "roles",
    "get_stage": "api_stages",
    "list_secret_version_ids": "secrets",
    "list_secrets": "secrets",
}
"""boto3's name of a call → module of `observed/`. Snapshots of access read in bulk, and beneath the reconcilers."""


@cache
def called() -> dict[str, set[str]]:
    """boto3's name of a call → modules that make it, itself or page by page."""
    found = defaultdict(set)
    for folder in ("reconcilers", "operations", "orchestration", "cli"):
        # The experiment looks at nothing that a stack has.
        for path in (one for one in (ROOT / folder).rglob("*.py") if "experiment" not in one.parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    found[node.attr].add(str(path.relative_to(ROOT)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found[node.value].add(str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize(("call", "reader"), READERS.items())
def test_a_call_is_made_by_its_reader_alone(call: str, reader: str) -> None:
    assert called()[call] == {f"reconcilers/observed/{reader}.py"}
