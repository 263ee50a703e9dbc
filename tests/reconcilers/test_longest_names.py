"""The longest names that are accepted make no request that AWS's models refuse; `tests/plugins/models.py` looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.limits import ALIAS, DESCRIPTION_LENGTH, SECRET_NAME_LENGTH
from secrets_pipeline.desired.names import STACK_NAME_LENGTH
from secrets_pipeline.desired.rotation.function import function_name
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.tags import TAG_KEY_LENGTH, TAG_VALUE_LENGTH
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.bench import Bench

LONGEST_ALIAS = 256


def test_a_stack_with_the_longest_names_is_applied_by_requests_that_aws_takes(bench: Bench) -> None:
    bench.stack = bench.stack.ljust(STACK_NAME_LENGTH, "s")
    alias = bench.alias.ljust(LONGEST_ALIAS, "k")
    assert ALIAS.fullmatch(alias)
    assert not ALIAS.fullmatch(f"{alias}k")
    secret = bench.generated(
        "a" * TAG_VALUE_LENGTH,
        kms_key=Output("kms", ("key_arn",)),
        description="d" * DESCRIPTION_LENGTH,
        tags={"T" * TAG_KEY_LENGTH: "v" * TAG_VALUE_LENGTH},
        rotation=RotationSpec(managed=True, strategy=RotationStrategy.RANDOM, automatically_after_days=30),
    )
    secret = secret.model_copy(update={"name": secret.name.ljust(SECRET_NAME_LENGTH, "n")})
    key = bench.key().model_copy(update={"alias": alias})
    function = RotationFunctionSpec(name=function_name(bench.stack))
    spec = bench.create(secret, keys=(key,), rotation_function=function)
    assert {change.action.value for change in bench.plan(spec).values()} == {"none"}
