"""The jobs of a rotation: what follows comes in order, and outcomes are kept where one failed."""

from __future__ import annotations

import uuid
from pathlib import Path

import dagster as dg
import pytest

from definitions import defs
from secrets_pipeline.orchestration.provisioning.options import ASSETS
from secrets_pipeline.orchestration.provisioning.selections import FOLLOWING
from secrets_pipeline.orchestration.rotation.rotated import followed
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG
from tests.orchestration.conftest import Repository

EXAMPLES = Path(__file__).parents[3] / "examples"
PLACE = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}
GENERATED = {"generate_random_password": True}


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


@pytest.mark.parametrize("later", FOLLOWING)
def test_what_follows_a_rotation_keeps_the_order_of_a_whole_run(later: str) -> None:
    # What is before a step by lineage is before it by priority, too (tests/orchestration/test_graph.py).
    before = needs(defs.resolve_job_def("on_rotation"))
    for earlier in before[later] & set(ASSETS):
        assert ASSETS.index(earlier) < ASSETS.index(later)


def test_a_rotation_without_a_name_is_refused_before_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATMOS_BASE_PATH", str(EXAMPLES))
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        instance.add_dynamic_partitions("stacks", ["myapp-dev"])
        result = defs.resolve_job_def("rotate_secrets").execute_in_process(
            instance=instance,
            run_config={"ops": {"rotate": {"config": {"secrets": []}}}},
            tags={PARTITION_TAG: "myapp-dev"},
            raise_on_error=False,
        )
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    (said,) = [failure.description for failure in failures if failure]
    assert said is not None
    assert said.startswith("no secret is named: name them in ops.rotate.config.secrets in the launchpad")


@pytest.mark.parametrize("in_part", [False, True])
def test_secrets_that_a_daemon_rotated_are_followed_in_their_stack_and_in_those_behind_it(
    in_part: bool, repository: Repository
) -> None:
    leader, follower = "lead-dev", "behind-dev"
    repository.tree = {
        leader: {"secretsmanager": {**PLACE, "context_name": "lead", "secrets": {"one": GENERATED}}},
        follower: {
            "secretsmanager": {
                **PLACE,
                "context_name": "behind",
                "secrets": {
                    "two": {"secret_data": {"one": f"!terraform.output secretsmanager {leader} secret_values.one"}}
                },
            }
        },
    }
    desired = repository.desired()
    status = dg.DagsterRunStatus.FAILURE if in_part else dg.DagsterRunStatus.SUCCESS

    def after(*secrets: str, stack: str | None = leader) -> tuple[str, list[dg.RunRequest]]:
        """The id of a run that rotated secrets, and what it is followed by."""
        run = dg.DagsterRun(
            job_name="rotate_secrets",
            run_id=str(uuid.uuid4()),
            run_config={"ops": {"rotate": {"config": {"secrets": list(secrets)}}}},
            tags={PARTITION_TAG: stack} if stack else {},
            status=status,
        )
        return run.run_id, list(followed(run, desired, "on_rotation"))

    run_id, requests = after("lead/dev/one")
    assert [(one.job_name, one.tags[PARTITION_TAG], one.run_key) for one in requests] == [
        ("on_rotation", leader, f"{run_id}:on_rotation:{leader}"),
        ("on_rotation", follower, f"{run_id}:on_rotation:{follower}"),
    ]
    assert {one.tags[SECRETS_TAG] for one in requests} == {"lead/dev/one"}
    # A run that named none was refused: without names, what follows would be everything.
    assert after()[1] == []
    # One that was launched without a stack has rotated nothing.
    assert after("lead/dev/one", stack=None)[1] == []
