"""A run of checks fails only if none of its steps could ask AWS."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.errors import NoAnswerError
from secrets_pipeline.orchestration.checks import DECLARED_CHECKS
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.verification.definitions import check_definitions
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.stack import Stack
from tests.embedded import lead_to
from tests.orchestration.conftest import Repository

STACK = "shop-dev"


class Outage:
    """AWS, which answers only some of the looks.

    Attributes:
        answers: whether it does, look by look.
    """

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    def find(self, _stack: Stack, _deep: bool) -> list[Finding]:
        if self.answers.pop(0):
            return [Finding("token", Verdict.RIGHT, "as declared")]
        raise NoAnswerError("ListSecrets failed: ConnectTimeoutError")


@pytest.mark.parametrize(
    ("answers", "succeeds"), [((False, True), True), ((True, False), True), ((False, False), False)]
)
def test_a_run_of_two_steps_fails_at_its_last_one_if_neither_could_ask(
    repository: Repository,
    instance: dg.DagsterInstance,
    aws: emulator.LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    *,
    answers: tuple[bool, ...],
    succeeds: bool,
) -> None:
    lead_to(aws, monkeypatch)
    place = {"environment": "dev", "region": aws.region, "account_id": aws.account_id, "context_name": "shop"}
    repository.tree = {STACK: {"secretsmanager": {**place, "secrets": {"t": {"generate_random_password": True}}}}}
    instance.add_dynamic_partitions(PLAIN.of("stacks"), [STACK])
    outage = Outage(*answers)
    checks = check_definitions(PLAIN, [replace(one, find=outage.find) for one in DECLARED_CHECKS[:2]])
    built = dg.Definitions(
        asset_checks=checks,
        jobs=[dg.define_asset_job("look", dg.AssetSelection.all_asset_checks())],
        resources={"secrets_pipeline_stacks": repository.stacks()},
    )
    done = built.resolve_job_def("look").execute_in_process(
        instance=instance, tags={PARTITION_TAG: STACK}, raise_on_error=False
    )
    assert done.success is succeeds
    assert len(done.get_asset_check_evaluations()) == len(answers)
    assert [one.is_step_failure for one in done.all_events if one.is_step_success or one.is_step_failure] == [
        False,
        not succeeds,
    ]
