"""Lambda withholds a function's tags from callers without lambda:ListTags; that never makes a function a stranger's.

botocore's model of GetFunction says of Tags: "Lambda returns tag data only if you have explicit allow permissions for
lambda:ListTags". Its answer has TagsError as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.errors import AwsError
from secrets_pipeline.operations.stages import STAGES
from tests.bench import Interruption

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench

STAGE = "rotation_functions"
RANDOM = RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30)
DENIED = {"ErrorCode": "AccessDeniedException", "Message": "not authorized to perform: lambda:ListTags"}


def applied(bench: Bench) -> StackSpec:
    """A stack whose function is made, and marked as ours."""
    function = RotationFunctionSpec(name=f"{bench.stack}-rotation")
    wanted = bench.spec(bench.generated(rotation=RANDOM), rotation_function=function)
    bench.provision(wanted)
    return wanted


def withholding(bench: Bench, wanted: StackSpec, *, error: dict[str, str] | None) -> Stack:
    """A new run, to which GetFunction shows no tags."""
    # With clients of its own, which hear of what is registered here.
    context = bench.context(wanted, writing=False, interruption=Interruption())

    def withhold(parsed: dict[str, Any], **_: object) -> None:
        parsed.pop("Tags", None)
        parsed |= {"TagsError": error} if error else {}

    context.account.botocore_session.get_component("event_emitter").register("after-call.lambda.GetFunction", withhold)
    return context


@pytest.mark.parametrize("error", [DENIED, None])
def test_tags_that_get_function_leaves_out_are_listed(bench: Bench, error: dict[str, str] | None) -> None:
    wanted = applied(bench)
    context = withholding(bench, wanted, error=error)
    [function] = STAGES[STAGE](context).plan()
    assert (function.action, str(function.reason)) == (ChangeClass.NONE, "")


def test_a_denied_list_of_tags_is_an_error_that_names_the_action_and_nothing_is_called_a_strangers(
    bench: Bench,
) -> None:
    wanted = applied(bench)
    context = withholding(bench, wanted, error=DENIED)
    arn = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}-rotation"
    text = f"User: arn:aws:iam::111122223333:user/x is not authorized to perform: lambda:ListTags on resource: {arn}"

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": text}}, "ListTags")

    context.account.botocore_session.get_component("event_emitter").register("before-call.lambda.ListTags", refuse)
    [function] = STAGES[STAGE](context).plan()
    assert "exists without our tags" not in str(function.reason)
    assert isinstance(function.error, AwsError)
    assert function.error.denied
    assert "lambda:ListTags" in function.error.message
