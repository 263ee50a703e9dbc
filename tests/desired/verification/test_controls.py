from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.verification.model import ControlParameters

if TYPE_CHECKING:
    from tests.desired.conftest import Bench


def manifest(stack: str = "{}", component: str = "{}") -> str:
    """A stack with two components, one of which has settings of its own."""
    return f"""\
settings: {{secrets_pipeline: {{security_hub: {stack}}}}}
components:
  terraform:
    secretsmanager:
      settings: {{secrets_pipeline: {{security_hub: {component}}}}}
      vars: {{context_name: myapp, secrets: {{key: {{secret_data: x-9}}}}}}
    secretsmanager/other:
      vars: {{context_name: other, secrets: {{key: {{secret_data: x-9}}}}}}
    kms:
      vars: {{alias: alias/x}}
"""


def test_only_a_component_whose_settings_ask_for_the_controls_has_parameters(bench: Bench) -> None:
    of_stack = "settings: {secrets_pipeline: {security_hub: {}}}\n"
    text = manifest()
    assert text.startswith(of_stack)
    assert set(bench.spec(text).controls) == {"secretsmanager", "secretsmanager/other"}
    assert set(bench.spec(text.removeprefix(of_stack)).controls) == {"secretsmanager"}


def test_an_empty_setting_asks_with_the_parameters_of_security_hub(bench: Bench) -> None:
    assert bench.spec(manifest()).controls["secretsmanager/other"] == ControlParameters(
        maximum_allowed_rotation_frequency=None,
        unused_for_days=90,
        max_days_since_rotation=90,
        required_tag_keys=(),
        disabled_controls=(),
    )


def test_a_component_says_more_than_its_stack_and_wins(bench: Bench) -> None:
    stack = "{max_days_since_rotation: 30, unused_for_days: 365, required_tag_keys: [Owner, owner]}"
    own = "{max_days_since_rotation: 180, maximum_allowed_rotation_frequency: 1, disabled_controls: [SecretsManager.3]}"
    controls = bench.spec(manifest(stack, own)).controls
    assert set(controls) == {"secretsmanager", "secretsmanager/other"}
    assert controls["secretsmanager/other"] == ControlParameters(
        max_days_since_rotation=30, unused_for_days=365, required_tag_keys=("Owner", "owner")
    )
    assert controls["secretsmanager"] == ControlParameters(
        max_days_since_rotation=180,
        unused_for_days=365,
        required_tag_keys=("Owner", "owner"),
        maximum_allowed_rotation_frequency=1,
        disabled_controls=("SecretsManager.3",),
    )


@pytest.mark.parametrize(
    ("key", "least", "most"),
    [
        ("maximum_allowed_rotation_frequency", 1, 365),
        ("unused_for_days", 1, 365),
        ("max_days_since_rotation", 1, 180),
    ],
)
def test_numbers_have_the_ranges_of_security_hub(bench: Bench, key: str, least: int, most: int) -> None:
    for number in (least, most):
        parameters: Any = bench.spec(manifest(component=f"{{{key}: {number}}}")).controls["secretsmanager"]
        assert getattr(parameters, key) == number
    for number in (least - 1, most + 1):
        error = bench.only_error(manifest(component=f"{{{key}: {number}}}"))
        assert f"component secretsmanager, key settings.secrets_pipeline.security_hub.{key}" in error
        assert f"{key} is {number}" in error
        assert f"Write a number from {least} to {most}." in error


@pytest.mark.parametrize(
    ("settings", "problem", "remedy"),
    [
        ("{unusedForDays: 30}", "unknown key unusedForDays", "Write unused_for_days."),
        ("{unused_days: 30}", "unknown key unused_days", "Did you mean unused_for_days?"),
        ("{unused_for_days: soon}", "unused_for_days is text", "Write a number from 1 to 365."),
        ("{unused_for_days: true}", "unused_for_days is true or false", "Write a number from 1 to 365."),
        ("30", "security_hub is a number, not a map", "Write keys under security_hub."),
        ("{required_tag_keys: Owner}", "required_tag_keys is text, not a list", "Write required_tag_keys: ["),
        ("{required_tag_keys: [a, b, c, d, e, f, g]}", "has 7 keys", "Security Hub takes 1 to 6."),
        ("{required_tag_keys: [Owner, Owner]}", "names Owner twice", "Write each key once."),
        ("{required_tag_keys: ['aws:owner']}", "begins with 'aws:', which is reserved", "Name keys that"),
        ("{required_tag_keys: ['secrets-pipeline:stack']}", "begins with 'secrets-pipeline:'", "Name keys that"),
        ("{required_tag_keys: ['a*']}", "a key has 1 to 128 letters", "Name keys that"),
        ("{disabled_controls: [SecretsManager.6]}", "names 'SecretsManager.6'", "Write any of SecretsManager.1, "),
        ("{disabled_controls: [3]}", "is a number, not text", "Put it in quotes"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(
    bench: Bench, settings: str, problem: str, remedy: str
) -> None:
    error = bench.only_error(manifest(component=settings))
    assert "stacks/dev.yaml:5, stack dev, component secretsmanager, key settings.secrets_pipeline.security_hub" in error
    assert problem in error
    assert remedy in error


def test_everything_that_is_wrong_is_said_at_once(bench: Bench) -> None:
    wrong = "{unused_for_days: 0, max_days_since_rotation: 181, requiredTagKeys: [a], disabled_controls: [x, y]}"
    assert len(bench.errors(manifest(component=wrong))) == 5
    assert len(bench.errors(manifest(stack=wrong))) == 10


def test_an_empty_list_of_tags_takes_back_what_the_stack_asks_for(bench: Bench) -> None:
    controls = bench.spec(manifest("{required_tag_keys: [Owner]}", "{required_tag_keys: []}")).controls
    assert controls["secretsmanager"].required_tag_keys == ()
    assert controls["secretsmanager/other"].required_tag_keys == ("Owner",)


def test_a_number_may_come_from_a_variable(bench: Bench) -> None:
    text = manifest(component="{unused_for_days: '${vars.days}'}, dialect: tf-atmos").replace(
        "context_name: myapp", "context_name: a, days: 7"
    )
    assert bench.spec(text).controls["secretsmanager"].unused_for_days == 7


def test_an_entry_behind_the_end_of_a_list_is_no_variable(bench: Bench) -> None:
    text = manifest(component="{unused_for_days: '${vars.days[0]}'}, dialect: tf-atmos").replace(
        "context_name: myapp", "context_name: a, days: [7]"
    )
    assert bench.spec(text).controls["secretsmanager"].unused_for_days == 7
    assert "days[1]" in bench.only_error(text.replace("days[0]", "days[1]"))
