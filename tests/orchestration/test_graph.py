import ast
import inspect
import warnings
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

import definitions
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.provisioning.selections import ASSETS

ROOT = Path(definitions.__file__).parent.parent
ORDER = [
    "stack_config",
    "generated_passwords",
    "kms_keys",
    "secrets",
    "rds_instances",
    "rds_endpoints",
    "connection_secrets",
    "secret_policies",
    "rotation_functions",
    "rotation_event_queue",
    "secret_rotation",
    "secret_replicas",
    "consumer_policies",
    "consumer_arns",
    "consumer_refresh",
    "stack_report",
]


def test_the_asset_graph_is_as_reviewed(snapshot: SnapshotAssertion) -> None:
    graph = build_definitions().resolve_asset_graph()
    described = {
        node.key.to_user_string(): {
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "checks": sorted(check.name for check in node.check_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds),
            "partitions": node.partitions_def.name
            if isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)
            else None,
        }
        for node in graph.asset_nodes
    }
    assert described == snapshot


def test_the_assets_run_in_the_order_of_the_design() -> None:
    graph = build_definitions().resolve_asset_graph()
    position = {
        key.to_user_string(): level for level, keys in enumerate(graph.toposorted_asset_keys_by_level) for key in keys
    }
    levels = [position[name] for name in ORDER]
    assert sorted(position) == sorted(ORDER)
    assert levels == sorted(levels)
    assert len(set(levels)) == len(levels)


def test_every_definition_loads_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built = build_definitions()
        dg.Definitions.validate_loadable(built)


def test_nothing_but_the_passwords_passes_through_storage() -> None:
    for asset in ASSETS:
        produced = inspect.signature(asset.op.compute_fn.decorated_fn).return_annotation  # type: ignore[union-attr] # decorated by dg.asset
        if asset.key.to_user_string() == "generated_passwords":
            assert asset.op.output_defs[0].io_manager_key == "sealed"
        else:
            assert produced == dg.MaterializeResult[None]


def test_checks_never_block() -> None:
    specs = [spec for check in CHECKS for spec in check.check_specs]
    assert specs
    assert not any(spec.blocking for spec in specs)


@pytest.mark.parametrize("module", ["assets", "configuration", "report"])
def test_asset_bodies_are_thin(module: str) -> None:
    file = ROOT / "secrets_pipeline" / "orchestration" / "provisioning" / f"{module}.py"
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert lines <= 17, f"{node.name} has {lines} lines"


def test_both_ways_of_loading_name_the_same_module() -> None:
    assert "module_name: definitions" in (ROOT / "workspace.yaml").read_text()
    assert 'code_location_target_module = "definitions"' in (ROOT / "pyproject.toml").read_text()
