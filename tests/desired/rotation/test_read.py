from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.limits import schedule_problem
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ARN = "arn:aws:lambda:eu-west-2:111122223333:function:rotate"
TOP = """\
components:
  terraform:
    lambda/rotation: {vars: {function_name: rotate}}
    secretsmanager:
      vars:
        context_name: myapp
"""


def stack(entry: str, variables: str = "") -> str:
    secret = indent(f"key:\n  generate_random_password: true\n{indent(entry, '  ')}", " " * 10)
    return f"{TOP}{indent(variables, ' ' * 8)}        secrets:\n{secret}"


def rotation(bench: Bench, entry: str, variables: str = "") -> RotationSpec | None:
    return bench.spec(stack(entry, variables)).secrets[0].rotation


def error(bench: Bench, entry: str, variables: str = "") -> str:
    return bench.only_error(stack(entry, variables))


def test_the_nested_form_is_read(bench: Bench) -> None:
    entry = """\
rotation:
  lambda_arn: "${output.lambda/rotation.function_arn}"
  schedule_expression: cron(0 4 ? * SUN *)
  duration: 3h
  rotate_immediately: true
"""
    assert rotation(bench, entry) == RotationSpec(
        lambda_arn=Output("lambda/rotation", ("function_arn",)),
        schedule_expression="cron(0 4 ? * SUN *)",
        duration="3h",
        rotate_immediately=True,
    )


def test_days_default_to_those_of_the_component_and_nothing_rotates_at_once(bench: Bench) -> None:
    found = rotation(bench, f"rotation: {{lambda_arn: '{ARN}'}}", "default_rotation_days: 14\n")
    assert found == RotationSpec(lambda_arn=ARN, automatically_after_days=14, rotate_immediately=False)


@pytest.mark.parametrize(
    ("entry", "variables", "days"),
    [
        ("rotation_automatically: true", "", 30),
        ("rotation_days: 7", "", 7),
        ("rotation_automatically_after_days: 400", "", 400),
        ("description: x", "default_rotation_automatically: true\n", 30),
        ("rotation_automatically: true", "default_rotation_days: 90\n", 90),
    ],
)
def test_the_flat_form_of_tf_atmos_is_read(bench: Bench, entry: str, variables: str, days: int) -> None:
    found = rotation(bench, f"{entry}\nrotation_lambda_arn: '{ARN}'", variables)
    assert found == RotationSpec(lambda_arn=ARN, automatically_after_days=days)


@pytest.mark.parametrize(
    ("entry", "variables"),
    [
        (f"rotation_lambda_arn: '{ARN}'", ""),
        (f"rotation_lambda_arn: '{ARN}'\nrotation_automatically: false", "default_rotation_automatically: true\n"),
        ("description: x", "default_rotation_automatically: true\n"),
        (f"rotation_lambda_arn: '{ARN}'\nrotation_days: 3\nrotation_managed_externally: true", ""),
    ],
)
def test_nothing_rotates_that_tf_atmos_would_not_rotate(bench: Bench, entry: str, variables: str) -> None:
    assert rotation(bench, entry, variables) is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("rotation: {automatically_after_days: 3}", "no function is named"),
        ("rotation: {lambda_arn: rotate}", "lambda_arn is 'rotate'"),
        (f"rotation: {{lambda_arn: '{ARN}', automatically_after_days: 0}}", "Write a number from 1 to 1000."),
        (f"rotation: {{lambda_arn: '{ARN}', automatically_after_days: 1001}}", "Write a number from 1 to 1000."),
        (f"rotation: {{lambda_arn: '{ARN}', schedule_expression: daily}}", "'daily' is neither rate(…) nor cron(…)"),
        (f"rotation: {{lambda_arn: '{ARN}', duration: 25h}}", "duration '25h' is not a number of hours"),
        (f"rotation: {{lambda_arn: '{ARN}', durations: 3h}}", "Did you mean duration?"),
        (
            f"rotation: {{lambda_arn: '{ARN}', automatically_after_days: 3, schedule_expression: rate(3 days)}}",
            "schedule_expression stands beside automatically_after_days",
        ),
        (f"rotation: {{lambda_arn: '{ARN}'}}\nrotation_days: 3", "rotation stands beside rotation_days"),
        ("rotation_automatically: true", "no function is named"),
    ],
)
def test_a_wrong_rotation_is_an_error(bench: Bench, entry: str, problem: str) -> None:
    found = error(bench, entry)
    assert problem in found
    assert "component secretsmanager, key vars.secrets.key.rotation" in found


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("lambda/none.function_arn", "component lambda/none does not exist"),
        ("lambda/rotation.arn", "has no output arn"),
    ],
)
def test_a_function_that_is_nowhere_blocks_the_secret(bench: Bench, output: str, problem: str) -> None:
    found = bench.only_unresolved(stack(f"rotation: {{lambda_arn: '${{output.{output}}}'}}"))
    assert problem in found
    assert "key vars.secrets.key.rotation.lambda_arn" in found


def test_the_components_days_have_bounds(bench: Bench) -> None:
    assert "Write a number from 1 to 365." in error(bench, "", "default_rotation_days: 366\n")


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(10 days)", None),
        ("rate(1 day)", None),
        ("rate(4 hours)", None),
        ("rate(3 hours)", "rotates more often than every 4 hours"),
        ("rate(999 days)", None),
        ("rate(1000 days)", "rotates less often than every 999 days"),
        ("cron(0 0/4 * * ? *)", None),
        ("cron(0 * * * ? *)", "rotates more often than every 4 hours"),
        ("cron(0 8,10 * * ? *)", "rotates more often than every 4 hours"),
        ("cron(0 25 * * ? *)", "has a field that is none of Secrets Manager's"),
        ("cron(0 8 ? * FUN *)", "has a field that is none of Secrets Manager's"),
        ("cron(0 8 L * ? *)", None),
        ("cron(0 8 ? * SUN#1 *)", None),
        ("rate(0 days)", "is neither rate(…) nor cron(…)"),
        ("rate(10 minutes)", "is neither rate(…) nor cron(…)"),
        ("cron(0 8 1 * ? *)", None),
        ("cron(0 /4 * * ? *)", None),
        ("cron(0 8 1 * ?)", "has 5 fields, not 6"),
        ("cron(5 8 1 * ? *)", "has minutes other than 0"),
        ("cron(0 8 1 * ? 2030)", "names a year"),
        ("cron(0 8 1 * 2 *)", "must have `?` as day of month or as day of week"),
        ("cron(0 8 ? * ? *)", "must have `?` as day of month or as day of week"),
    ],
)
def test_a_schedule_is_checked_as_secrets_manager_checks_it(expression: str, problem: str | None) -> None:
    assert schedule_problem(expression) == problem
