from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.build import SpecSet
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.references.model import Literal
from secrets_pipeline.stacks import AtmosRepository

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

OURS = "${output.sm.secret_values.key}"


def manifest(value: str, settings: str = "", *, context: str = "myapp", component: str = "") -> str:
    """A stack whose component sm has one generated secret and one with the declared value."""
    component_settings = f"      settings: {{secrets_pipeline: {{{component}}}}}\n" if component else ""
    return (
        f"settings: {{secrets_pipeline: {{{settings}}}}}\n"
        "vars: {stage: dev}\n"
        "components:\n"
        "  terraform:\n"
        "    eks: {vars: {}}\n"
        "    sm:\n"
        "      metadata: {component: secretsmanager}\n"
        f"{component_settings}"
        "      vars:\n"
        f"        context_name: {context}\n"
        "        secrets:\n"
        "          key: {generate_random_password: true}\n"
        f"          text: {{secret_data: '{value}'}}\n"
    )


def written(bench: Bench, built: SpecSet, stack: str = "dev", component: str = "sm") -> str:
    """What would be written for the secret `text`, its literals as they stand."""
    assert not built.errors, built.errors
    secret = built.specs[stack].secret(SecretRef(component=component, key="text"))
    assert isinstance(secret.value, DeclaredValue)
    expression = leaf_expression(
        AtmosRepository.open(bench.folder, env={}).stack(stack), component, secret.value.leaves[0]
    )
    return str(expression.value if isinstance(expression, Literal) else expression)


@pytest.mark.parametrize(
    "text",
    [
        "${HOME}/bin",
        "${HOME:-/root}",
        "${env:-x}",
        "${file:0:3}",
        "${stage}",
        "${var.stage}",
        "${aws_kms_key.main.arn}",
        "${data.terraform_remote_state.vpc.outputs.id}",
        "${dependency.vpc.outputs.id}",
        "${module.eks.outputs}",
        "${{ secrets.TOKEN }}",
        "$${output.sm.secret_values.key}",
        "${unfinished",
        "a}b${",
    ],
)
def test_what_belongs_to_others_does_not_switch_the_dialect_on_and_stays_as_it_is(bench: Bench, text: str) -> None:
    built = bench.build(dev=manifest(text))
    assert written(bench, built) == text
    said = [one for one in built.notices if "kept as text" in one]
    assert len(said) == (0 if "$${" in text else 1)


@pytest.mark.parametrize(
    "text",
    [
        OURS,
        "a ${ output.sm.secret_arns.key } b",
        "${vars.stage}",
        "${env:STAGE}",
        "${ssm:/myapp/key}",
        "${file:certs/tls.crt}",
        "${eks.outputs.name}",
        "${keys(output.sm.secret_arns)}",
        "${!vars.stage}",
        "${stage | default(dev)}",
        "${stage | default('dev')}",
    ],
)
def test_a_form_that_only_the_dialect_has_switches_it_on_for_the_whole_repository(bench: Bench, text: str) -> None:
    built = bench.build(one=manifest(text.replace("'", "''"), context="one"), two=manifest("${stage}", context="two"))
    assert written(bench, SpecSet(built.specs, {}), "two") == "dev"
    (notice,) = built.notices
    assert built.notices_of == {notice: {"one", "two"}}
    assert notice.startswith(
        "${…} is read as a reference, in the dialect of tf-atmos (first: stacks/one.yaml:12, stack one"
    )
    assert "component sm, vars.secrets.text.secret_data" in notice
    assert "Set settings.secrets_pipeline.dialect to tf-atmos to ask for it, or to off" in notice


@pytest.mark.parametrize(("key", "value"), [("path", "${stage}/x"), ("name", "${stage}-x")])
def test_in_a_name_everything_is_a_reference_as_aws_takes_no_dollar_there(bench: Bench, key: str, value: str) -> None:
    text = manifest("x-9").replace("secret_data: 'x-9'", f"secret_data: x-9, {key}: '{value}'")
    assert bench.spec(text).secrets[1].name == ("myapp/dev/x/text" if key == "path" else "myapp/dev-x")


def test_a_reference_in_context_name_counts_too(bench: Bench) -> None:
    assert bench.spec(manifest("x-9", context="'${stage}'")).secrets[0].name == "dev/key"


def test_components_that_are_not_ours_do_not_count(bench: Bench) -> None:
    built = bench.build(dev=manifest("${stage}") + indent(f"vpc: {{vars: {{user_data: '{OURS}'}}}}\n", " " * 4))
    assert written(bench, built) == "${stage}"


@pytest.mark.parametrize("setting", ["off", "'off'", "atmos", "false"])
def test_it_can_be_switched_off_and_says_nothing_then(bench: Bench, setting: str) -> None:
    built = bench.build(dev=manifest(OURS, f"dialect: {setting}"))
    assert written(bench, built) == OURS
    assert built.notices == ()


def test_it_can_be_switched_on_and_says_nothing_then(bench: Bench) -> None:
    built = bench.build(dev=manifest("${stage}", "dialect: tf-atmos"))
    assert written(bench, built) == "dev"
    assert built.notices == ()


def test_a_component_may_differ_from_its_stack(bench: Bench) -> None:
    built = bench.build(
        off=manifest("${stage}", "dialect: tf-atmos", component="dialect: off", context="a"),
        on=manifest("${stage}", "dialect: off", component="dialect: tf-atmos", context="b"),
    )
    assert written(bench, built, "off") == "${stage}"
    assert written(bench, built, "on") == "dev"


def test_yaml_functions_are_references_all_the_same(bench: Bench) -> None:
    text = manifest("x", "dialect: off").replace("'x'", "!terraform.output sm secret_values.key")
    assert written(bench, bench.build(dev=text)) == OURS


def test_policy_variables_stay_as_they_are_where_it_is_off(bench: Bench) -> None:
    policy = "policy: [{Effect: Deny, Principal: '*', Action: '*', Resource: '${aws:username}-${x}'}]"
    text = manifest("x-9", "dialect: off").replace("secret_data: 'x-9'", f"secret_data: x-9, {policy}")
    assert bench.spec(text).secrets[1].policy[0]["Resource"] == "${aws:username}-${x}"


def test_another_setting_is_an_error(bench: Bench) -> None:
    found = bench.errors(manifest("x-9", "dialect: terraform"))
    assert any("dialect is 'terraform'" in one and "Write dialect: tf-atmos, or off" in one for one in found)
    assert any(
        "stacks/dev.yaml:1, stack dev, component sm, key settings.secrets_pipeline.dialect" in one for one in found
    )


@pytest.mark.parametrize("value", ["false", "'${enabled_here | default(false)}'", "'${vars.here}'", "'false'"])
@pytest.mark.parametrize("switch", ["enabled", "secrets_enabled"])
def test_a_component_is_switched_off_by_a_reference_too(bench: Bench, switch: str, value: str) -> None:
    text = manifest("x-9", "dialect: tf-atmos").replace(
        "context_name: myapp", f"context_name: myapp\n        here: false\n        {switch}: {value}"
    )
    assert not bench.build(dev=text).specs


def test_a_switch_is_true_or_false(bench: Bench) -> None:
    text = manifest("x-9").replace("context_name: myapp", "context_name: myapp\n        secrets_enabled: 3")
    assert "key vars.secrets_enabled: secrets_enabled is a number" in bench.only_error(text)
