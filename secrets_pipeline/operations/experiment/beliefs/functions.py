"""Beliefs about Lambda: states of a function, and what is not visible yet after it was made or permitted."""

from __future__ import annotations

from secrets_pipeline.operations.experiment.beliefs.model import (
    Belief,
    active,
    function,
    named,
    permission,
    role,
)
from secrets_pipeline.operations.experiment.contract import Step

_STATES = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
_TERRAFORM = "https://github.com/hashicorp/terraform-provider-aws/issues/7214"
_CODE = "def handler(event, context): pass"


def _get(what: str, **shows: str) -> Step:
    return Step("lambda", "GetFunctionConfiguration", {"FunctionName": named(what)}, shows=shows)


def _update(what: str, seconds: int, *, refused: bool = False) -> Step:
    return Step(
        "lambda",
        "UpdateFunctionConfiguration",
        {"FunctionName": named(what), "Timeout": seconds},
        shows={"update": "LastUpdateStatus", "same_revision": "RevisionId == '<before>'"},
        keeps={} if refused else {"during": "RevisionId"},
        refused=refused,
    )


BELIEFS = (
    Belief(
        "new-function-by-name",
        "GetFunctionConfiguration may not know a function that was just made, and says Pending until it can be invoked",
        _STATES,
        (
            role("pending", "lambda.amazonaws.com"),
            function("pending", _CODE),
            Step(
                "lambda",
                "GetFunction",
                {"FunctionName": named("pending")},
                until="Configuration.State",
                shows={"state": "Configuration.State"},
                measures="CreateFunction to its name",
            ),
            active("pending", measures="function Pending"),
        ),
    ),
    Belief(
        "permission-in-the-policy",
        "GetPolicy may not show a permission that was just added",
        _TERRAFORM,
        (
            role("permitted", "lambda.amazonaws.com"),
            function("permitted", _CODE),
            active("permitted"),
            permission("permitted"),
            Step(
                "lambda",
                "GetPolicy",
                {"FunctionName": named("permitted")},
                until="Policy",
                shows={"statements": "Policy.Statement"},
                measures="AddPermission to GetPolicy",
            ),
        ),
    ),
    Belief(
        "update-in-progress",
        "UpdateFunctionConfiguration is refused with ResourceConflictException while another one is in progress, and "
        "the RevisionId changes once more as it ends",
        _STATES,
        (
            role("updated", "lambda.amazonaws.com"),
            function("updated", _CODE),
            active("updated"),
            Step(
                "lambda",
                "GetFunctionConfiguration",
                {"FunctionName": named("updated")},
                keeps={"before": "RevisionId"},
            ),
            _update("updated", 31),
            _update("updated", 32, refused=True),
            active("updated", measures="function InProgress"),
            _get("updated", revision_of_the_update="RevisionId == '<during>'"),
            Step(
                "lambda",
                "UpdateFunctionConfiguration",
                {"FunctionName": named("updated"), "Timeout": 33, "RevisionId": "<before>"},
                refused=True,
            ),
        ),
    ),
)
