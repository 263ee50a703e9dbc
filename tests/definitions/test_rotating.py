"""The jobs of a rotation: what follows comes in order, and outcomes are kept where one failed."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from definitions import defs
from definitions.assets import FOLLOWING
from secrets_pipeline.reconcilers import STAGES

EXAMPLES = Path(__file__).parents[2] / "examples"


def needs(job: dg.JobDefinition) -> dict[str, set[str]]:
    """Each step with the steps that it waits for, directly or not."""
    direct = {
        node: {output.node_name for outputs in inputs.values() for output in outputs}
        for node, inputs in (
            (name, job.graph.dependency_structure.input_to_upstream_outputs_for_node(name))
            for name in job.graph.node_names()
        )
    }
    found: dict[str, set[str]] = {}
    for node, first in direct.items():
        seen, waiting = set[str](), [*first]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting.extend(direct.get(one, ()))
        found[node] = seen
    return found


@pytest.mark.parametrize("later", [asset.key.to_user_string() for asset in FOLLOWING])
def test_what_follows_a_rotation_keeps_the_order_of_a_whole_run(later: str) -> None:
    order = [*STAGES, "stack_report"]
    before = needs(defs.resolve_job_def("follow_rotation"))
    values = {"secrets", "connection_secrets", "rds_endpoints"}
    if later in ("consumer_refresh", "stack_report"):
        assert values <= before[later]
    for earlier in before[later] & set(order):
        assert order.index(earlier) < order.index(later)


def test_a_rotation_without_a_name_is_refused_before_any_call(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        instance.add_dynamic_partitions("stacks", ["myapp-dev"])
        result = defs.resolve_job_def("rotate_secrets").execute_in_process(
            instance=instance,
            partition_key="myapp-dev",
            raise_on_error=False,
            run_config={"resources": {"stacks": {"config": {"base_path": str(EXAMPLES)}}}},
        )
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    assert [failure.description for failure in failures if failure] == [
        "no secret is named: set ops.rotate.config.secrets in the launchpad"
    ]
