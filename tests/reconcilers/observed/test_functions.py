"""Functions are read once a run, however they are spelled, and again once they are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.reconcilers.observed.functions import Functions

if TYPE_CHECKING:
    from tests.bench import Bench


@pytest.fixture
def functions(bench: Bench) -> Functions:
    """The account's functions, one of which is called as the bench's stack."""
    role = f"arn:aws:iam::{bench.aws.account_id}:role/{bench.stack}"
    stand_in(bench.aws, [StandInRole(role, "lambda.amazonaws.com"), StandInFunction(bench.stack, role)])
    return bench.context(bench.spec(), writing=False).observed.functions


def arn(bench: Bench) -> str:
    return f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"


def test_a_function_is_one_by_its_name_and_by_its_arn(bench: Bench, functions: Functions) -> None:
    bench.reset_calls()
    for spelled in (bench.stack, arn(bench)):
        configuration, state = functions.configuration(spelled), functions.function(spelled)
        assert configuration is not None
        assert state is not None
        assert configuration["FunctionArn"] == state.configuration["FunctionArn"] == arn(bench)
        assert functions.policy(spelled) is None
    # It has no tags, which GetFunction does not tell from tags that it withholds.
    reads = ("GetFunctionConfiguration", "GetFunction", "ListTags", "GetPolicy")
    assert bench.calls("awslambda") == dict.fromkeys(reads, 1)


def test_a_function_that_changed_is_forgotten_by_either_spelling(bench: Bench, functions: Functions) -> None:
    for forgotten, description in ((bench.stack, "one"), (arn(bench), "two")):
        functions.function(bench.stack)
        functions.configuration(bench.stack)
        bench.session.client("lambda").update_function_configuration(FunctionName=bench.stack, Description=description)
        functions.forget(forgotten)
        configuration, state = functions.configuration(bench.stack), functions.function(arn(bench))
        assert configuration is not None
        assert state is not None
        assert configuration["Description"] == state.configuration["Description"] == description


def test_the_tags_of_a_function_are_those_of_the_moment(bench: Bench, functions: Functions) -> None:
    assert functions.tags_now(bench.stack) == {}
    bench.session.client("lambda").tag_resource(Resource=arn(bench), Tags={"team": "a"})
    assert functions.tags_now(arn(bench)) == {"team": "a"}
    assert functions.tags_now(f"{bench.stack}-none") is None


def test_who_asks_for_tags_leaves_nothing_that_others_plan_by(bench: Bench, functions: Functions) -> None:
    lambda_ = bench.session.client("lambda")
    assert functions.tags_now(bench.stack) == {}
    lambda_.update_function_configuration(FunctionName=bench.stack, Description="changed")
    configuration = functions.configuration(bench.stack)
    assert configuration is not None
    assert configuration["Description"] == "changed"
