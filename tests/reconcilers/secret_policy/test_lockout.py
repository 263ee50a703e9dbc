"""A policy that would shut the pipeline out of its own secret is never put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.engine.model import Applied, Failed

if TYPE_CHECKING:
    from tests.bench import Bench

ONE = "arn:aws:iam::111122223333:role/orders"


def deny(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - elements of a statement
    return {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*", **more}


def without(statement: dict[str, Any], element: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != element}


@pytest.mark.parametrize(
    "statement",
    [
        without(deny(NotPrincipal={"AWS": ONE}), "Principal"),
        deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ONE}}),
        deny(Condition={"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}),
        deny(Action="secretsmanager:PutResourcePolicy"),
        without(deny(NotAction="secretsmanager:GetSecretValue"), "Action"),
    ],
    ids=["all but one role", "the same by a condition", "by a pattern", "one call", "all but one call"],
)
def test_a_deny_that_shuts_the_pipeline_out_is_refused(bench: Bench, statement: dict[str, Any]) -> None:
    bench.reset_calls()
    outcomes = bench.provision(bench.spec(bench.declared(policy=(statement,))))
    assert bench.calls()["PutResourcePolicy"] == 0
    (failed, *_) = [one for one in outcomes.values() if isinstance(one, Failed)]
    assert "denies the pipeline (arn:aws:iam::111122223333:user/" in failed.error.message
    assert "Except the pipeline's role from the Deny" in failed.error.remedy


@pytest.mark.parametrize(
    "statement",
    [
        deny(Action="secretsmanager:GetSecretValue", Condition={"ArnNotEquals": {"aws:PrincipalArn": ONE}}),
        deny(Principal={"AWS": ONE}),
        deny(Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [ONE, "arn:aws:iam::111122223333:user/*"]}}),
    ],
    ids=["values alone", "somebody else", "without TLS", "the pipeline is excepted"],
)
def test_a_deny_that_leaves_the_pipeline_in_is_put(bench: Bench, statement: dict[str, Any]) -> None:
    spec = bench.spec(bench.declared(policy=(statement,)))
    assert isinstance(bench.provision(spec)[f"secret_policies {bench.name('api')}"], Applied)
