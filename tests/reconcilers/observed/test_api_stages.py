"""Stages are read once a run, and again by whoever is about to change one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.emulator import StandInStage, stand_in
from secrets_pipeline.reconcilers.observed.api_stages import ApiStages

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef

    from tests.bench import Bench


@pytest.fixture
def stages(bench: Bench) -> ApiStages:
    """The account's stages: `dev` of an API that is called as the bench's stack."""
    stand_in(bench.aws, [StandInStage(bench.stack, "dev")])
    return bench.context(bench.spec(), writing=False).observed.stages


def set_variable(bench: Bench, value: str) -> None:
    api = bench.session.client("apigateway")
    ids = (one["id"] for one in api.get_rest_apis(limit=500)["items"] if one["name"] == bench.stack)
    patch: list[PatchOperationTypeDef] = [{"op": "replace", "path": "/variables/key", "value": value}]
    api.update_stage(restApiId=next(ids), stageName="dev", patchOperations=patch)


def variables(stages: ApiStages, bench: Bench) -> dict[str, str]:
    found = stages.get(bench.stack, "dev")
    assert found is not None
    return dict(found.variables)


def test_who_looks_at_every_stage_of_a_name_leaves_nothing_that_others_plan_by(bench: Bench, stages: ApiStages) -> None:
    (found,) = stages.every_now(bench.stack, "dev")
    assert found.variables == {}
    set_variable(bench, "changed")
    assert variables(stages, bench) == {"key": "changed"}
    set_variable(bench, "again")
    assert variables(stages, bench) == {"key": "changed"}
    stages.forget(bench.stack, "dev")
    assert variables(stages, bench) == {"key": "again"}


def test_an_api_of_that_name_that_came_meanwhile_is_seen_by_who_is_about_to_change_one(
    bench: Bench, stages: ApiStages
) -> None:
    assert stages.now(bench.stack, "dev") is not None
    bench.session.client("apigateway").create_rest_api(name=bench.stack)
    assert stages.now(bench.stack, "dev") is None
    assert [one.variables for one in stages.every_now(bench.stack, "dev")] == [{}]
