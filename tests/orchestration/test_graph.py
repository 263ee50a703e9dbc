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
from secrets_pipeline.orchestration.provisioning.options import ASSETS
from secrets_pipeline.orchestration.provisioning.selections import assets
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
    "access_matrix",
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


def test_the_graph_reads_from_the_left_to_the_right_in_six_groups_with_operations_apart() -> None:
    graph = build_definitions().resolve_asset_graph()
    between = {
        (parent.group_name, node.group_name)
        for node in graph.asset_nodes
        for parent in map(graph.get, node.parent_keys)
        if parent.group_name != node.group_name
    }
    order = ["declaration", "values", "databases", "access", "rotation", "delivery"]
    assert {str(node.group_name) for node in graph.asset_nodes} == {*order, "operations"}
    assert not any("operations" in pair for pair in between)
    assert all(order.index(before) < order.index(after) for before, after in between)
    # Neither waits for the other: they stand above each other.
    assert ("access", "rotation") not in between


def test_no_edge_of_the_graph_is_told_by_others_already() -> None:
    graph = build_definitions().resolve_asset_graph()
    edges = 0
    for node in graph.asset_nodes:
        edges += len(node.parent_keys)
        for parent in node.parent_keys:
            others = node.parent_keys - {parent}
            # `secrets` takes the passwords themselves, and is rendered from.
            assert parent.path[-1] == "secrets" or not any(parent in graph.get_ancestor_asset_keys(o) for o in others)
    assert edges <= 25


def test_every_stage_comes_before_the_report_so_that_one_that_breaks_leaves_it_out() -> None:
    graph = build_definitions().resolve_asset_graph()
    before = {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey("stack_report"))}
    # Who can read is looked at where something changed alone.
    assert before == {*ORDER, "atmos_stack"} - {"stack_report", "access_matrix"}


def test_the_priorities_of_the_steps_keep_the_order_of_the_design() -> None:
    # In a run: tests/orchestration/provisioning/test_order.py.
    priority = {one.key.to_user_string(): int(one.op.tags["dagster/priority"]) for one in assets(PLAIN, CHECKS)}
    assert sorted(priority, key=lambda name: -priority[name]) == ORDER
    assert len(set(priority.values())) == len(ORDER)
    # Checks that are steps of a run have none, and come behind.
    assert min(priority.values()) > 0


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
        name = asset.key.to_user_string()
        if name == "generated_passwords":
            assert asset.op.output_defs[0].io_manager_key == "secrets_pipeline_seals"
        elif name == "stack_report":
            assert produced == Iterator[dg.MaterializeResult[None] | dg.AssetCheckEvaluation]
        elif name == "stack_config":
            assert produced == dg.MaterializeResult[None]
        else:
            assert produced == Iterator[dg.MaterializeResult[None]]


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


@pytest.mark.parametrize("module", ["access_matrix", "assets", "configuration", "report"])
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


def test_every_resource_key_begins_with_the_name_of_the_package() -> None:
    defs = build_definitions()
    assert sorted(defs.resources or ()) == [
        "secrets_pipeline_alerting",
        "secrets_pipeline_applying",
        "secrets_pipeline_seals",
        "secrets_pipeline_stacks",
    ]
    needed = {key for job in defs.resolve_all_job_defs() for key in job.required_resource_keys}
    # Dagster's own default is also its own key.
    assert needed - {"io_manager"} <= set(defs.resources or ())


def test_the_runs_that_hold_the_lease_of_their_stack_are_known_by_job_and_asset() -> None:
    defs = build_definitions()
    requires = {
        job.name: "secrets_pipeline_applying" in job.required_resource_keys for job in defs.resolve_all_job_defs()
    }
    needing = {name for name, needs in requires.items() if needs and not name.startswith("__")}
    assert needing == LEASED_JOBS
    assert all("secrets_pipeline_applying" in asset.required_resource_keys for asset in assets(PLAIN, CHECKS))
