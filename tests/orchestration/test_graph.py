import ast
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

import definitions
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.provisioning.selections import ASSETS, assets
from secrets_pipeline.orchestration.sensors import LEASED_JOBS
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.verification.definitions import check_definitions

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
    made = assets(PLAIN, CHECKS)
    assert [asset.key.to_user_string() for asset in made] == list(ASSETS) == ORDER
    for asset in made:
        produced = inspect.signature(asset.op.compute_fn.decorated_fn).return_annotation  # type: ignore[union-attr] # decorated by dg.asset
        if asset.key.to_user_string() == "generated_passwords":
            assert asset.op.output_defs[0].io_manager_key == "sealed"
        elif asset.key.to_user_string() == "stack_report":
            assert produced == Iterator[dg.MaterializeResult[None] | dg.AssetCheckEvaluation]
        else:
            assert produced == dg.MaterializeResult[None]


def test_several_code_locations_share_an_instance_by_their_names() -> None:
    plain, named = build_definitions(), build_definitions(names=Names("payments"))

    def said(built: dg.Definitions) -> dict[str, set[str]]:
        graph = built.resolve_asset_graph()
        sets = {node.partitions_def.name for node in graph.asset_nodes if node.partitions_def is not None}  # type: ignore[attr-defined] # dynamic
        return {
            "assets": {key.to_user_string() for key in graph.get_all_asset_keys()},
            "checks": {key.to_user_string() for key in graph.asset_check_keys},
            "groups": {str(node.group_name) for node in graph.asset_nodes},
            "jobs": {job.name for job in built.jobs or ()},
            "sensors": {one.name for one in built.sensors or ()},
            "schedules": {one.name for one in built.schedules or ()},
            "partitions": sets,
        }

    for kind, names in said(named).items():
        assert names, kind
        assert names.isdisjoint(said(plain)[kind]), kind
        separator = "/" if kind in ("assets", "checks") else "_"
        assert {name.removeprefix(f"payments{separator}") for name in names} == said(plain)[kind]


def test_checks_never_block() -> None:
    made = check_definitions(PLAIN, CHECKS)
    specs = [spec for one in made for spec in one.check_specs]
    assert len(specs) == len(CHECKS)
    # The checks of an asset are one step.
    assert len(made) == len({check.stage for check in CHECKS})
    assert not any(spec.blocking for spec in specs)


@pytest.mark.parametrize("module", ["assets", "configuration", "report"])
def test_asset_bodies_are_thin(module: str) -> None:
    file = ROOT / "secrets_pipeline" / "orchestration" / "provisioning" / f"{module}.py"
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    for node in functions:
        # One that defines an asset has its body inside.
        if not any(isinstance(one, ast.FunctionDef) for one in node.body):
            lines = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert lines <= 17, f"{node.name} has {lines} lines"


def test_both_ways_of_loading_name_the_same_module() -> None:
    assert "module_name: definitions" in (ROOT / "workspace.yaml").read_text()
    assert 'code_location_target_module = "definitions"' in (ROOT / "pyproject.toml").read_text()


def test_the_runs_that_hold_the_lease_of_their_stack_are_known_by_job_and_asset() -> None:
    defs = build_definitions()
    requires = {job.name: "applying" in job.required_resource_keys for job in defs.resolve_all_job_defs()}
    needing = {name for name, needs in requires.items() if needs and not name.startswith("__")}
    assert needing == LEASED_JOBS
    assert all("applying" in asset.required_resource_keys for asset in assets(PLAIN, CHECKS))
