"""Beliefs about rotation: when the first one is possible, what its test shows to others, and what rules come back."""

from __future__ import annotations

from typing import Any

from secrets_pipeline.operations.experiment.beliefs.model import (
    LABELS,
    PENDING,
    Belief,
    active,
    described,
    function,
    listening,
    named,
    permission,
    received,
    role,
    role_policy,
    secret,
    told,
)
from secrets_pipeline.operations.experiment.contract import Step

_ROTATE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html"
_RULES = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html"
_TERRAFORM = (
    "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/secretsmanager/secret_rotation.go"
)
_FUNCTION_ARN = "<arn>:lambda:<region>:<account>:function:"
_TELLS = """import time
import boto3


def handler(event, context):
    if event["Step"] == "testSecret":
        client = boto3.client("secretsmanager")
        seen = client.describe_secret(SecretId=event["SecretId"])
        told = str(seen.get("RotationEnabled", "missing"))
        client.tag_resource(SecretId=event["SecretId"], Tags=[{"Key": "seen", "Value": told}])
        time.sleep(3)
"""
"""Tells, by a tag, what the function sees during the test, and is slow enough to be seen at it."""
_SEEN = "Tags[?Key=='seen']"
_FAILS = """def handler(event, context):
    raise RuntimeError("refused")
"""


_OF_THE_FAILING = {"eventName": ["TestRotationFailed"], "additionalEventData": {"SecretId": ["<failing_arn>"]}}


def _rotate(what: str, function_name: str, *, measures: str = "", until: str = "ARN", **rules: Any) -> Step:  # noqa: ANN401 - numbers and texts
    return Step(
        "secretsmanager",
        "RotateSecret",
        {
            "SecretId": named(what),
            "RotationLambdaARN": f"{_FUNCTION_ARN}{named(function_name)}",
            "RotationRules": rules or {"AutomaticallyAfterDays": 30},
            "RotateImmediately": False,
        },
        until=until,
        measures=measures,
        refused=not until,
    )


def _ready(what: str, text: str) -> tuple[Step, ...]:
    return (
        role(what, "lambda.amazonaws.com"),
        role_policy(what, "secretsmanager:DescribeSecret", "secretsmanager:TagResource"),
        function(what, text),
        active(what),
        secret(what),
        described(what),
        permission(what),
    )


def _settled(what: str) -> Step:
    return described(what, until=f"!{PENDING}", seconds=180, labels=LABELS, enabled="RotationEnabled")


BELIEFS = (
    Belief(
        "rotation-after-permission",
        "RotateSecret is refused with AccessDeniedException for up to two minutes after AddPermission",
        _TERRAFORM,
        (*_ready("allowed", _TELLS), _rotate("allowed", "allowed", measures="AddPermission to RotateSecret")),
    ),
    Belief(
        "rotation-by-a-missing-function",
        "RotateSecret refuses a function that does not exist as it refuses a function that it may not invoke",
        _ROTATE,
        (secret("missing"), described("missing"), _rotate("missing", "nowhere", until="")),
    ),
    Belief(
        "first-test",
        "RotateSecret with RotateImmediately false tests a version that everybody sees as AWSPENDING, and removes it",
        _ROTATE,
        (
            *_ready("tested", _TELLS),
            _rotate("tested", "tested"),
            described(
                "tested",
                until=f"!{PENDING}",
                seconds=180,
                measures="trial version of RotateImmediately: false",
                labels=LABELS,
                enabled="RotationEnabled",
            ),
            described("tested", until=_SEEN, seconds=60, enabled_as_the_function_sees_it=f"{_SEEN}[0].Value"),
        ),
    ),
    Belief(
        "first-test-that-fails",
        "A test that fails leaves rotation switched on and the pending version gone, and is told by TestRotationFailed",
        _ROTATE,
        (
            *_ready("failing", _FAILS),
            *listening("failures"),
            *told("failures", "aws.secretsmanager", _OF_THE_FAILING, queue="failures"),
            _rotate("failing", "failing"),
            _settled("failing"),
            *received(
                "failures",
                1,
                events="sort(Messages[].join(' ', [Body.\"detail-type\", Body.detail.eventName]))",
                members="Messages[0].Body.detail.{members: sort(keys(@)), data: sort(keys(additionalEventData))}",
            ),
        ),
    ),
    Belief(
        "rotation-rules",
        "DescribeSecret says the rules as they were given; days beside an expression are calculated after a rotation",
        _RULES,
        (
            *_ready("ruled", _TELLS),
            *(
                step
                for rules in (
                    {"AutomaticallyAfterDays": 30},
                    {"AutomaticallyAfterDays": 30, "Duration": "3h"},
                    {"ScheduleExpression": "rate(10 days)"},
                    {"ScheduleExpression": "cron(0 16 1 * ? *)", "Duration": "2h"},
                )
                for step in (
                    _rotate("ruled", "ruled", **rules),
                    described("ruled", until=f"!{PENDING}", seconds=180, rules="RotationRules"),
                )
            ),
        ),
    ),
)
