from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.unresolved import UnresolvedReason
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.references.model import Call, Expression, Literal, Output, WithDefault
from secrets_pipeline.stacks import AtmosRepository

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

TOP = """\
components:
  terraform:
    vpc: {vars: {}}
    base: {metadata: {type: abstract}, vars: {}}
    off: {metadata: {enabled: false}, vars: {}}
    lambda/nameless: {vars: {}}
    kms: {vars: {alias: x}}
    rds: {vars: {identifier: orders}}
    secretsmanager/a:
      vars:
        context_name: myapp
        secrets:
"""


def stack(*values: str) -> str:
    secrets = "".join(f"s{index}: {{secret_data: '{value}'}}\n" for index, value in enumerate(values))
    return TOP + indent("api_key: {generate_random_password: true}\n" + secrets, " " * 10)


@pytest.mark.parametrize(
    ("value", "problem", "remedy"),
    [
        (
            "${output.nope.x}",
            "component nope does not exist in stack dev",
            "Components: base, kms, lambda/nameless, off, rds",
        ),
        ("${output.rd.address}", "component rd does not exist", "Did you mean rds?"),
        ("${output.vpc.vpc_id}", "only Terraform knows output vpc_id of component vpc", "write !store.get STORE KEY"),
        ("${output.base.x}", "component base is abstract", "Refer to a component that inherits from it."),
        ("${output.off.x}", "component off is switched off", "Switch it on"),
        ("${output.rds.adress}", "component rds (rds) has no output adress", "Did you mean address?"),
        ("${output.rds.address.x}", "goes on after address, which is not a map", "Write ${output.rds.address}."),
        ("${output.lambda/nameless.function_arn}", "it has no function_name", "Set vars.function_name"),
        ("${output.secretsmanager/a.secret_arns}", "is a map of all secrets", "with one of api_key, s0"),
        (
            "${output.secretsmanager/a.secret_arns.api-key}",
            "has no secret with the key api-key",
            "Did you mean api_key?",
        ),
        ("${output.secretsmanager/a.secret_arns.api_key.x}", "goes on after the key", "secret_arns.api_key}."),
        ("${output.secretsmanager/a.kms_key_arn}", "makes no KMS key", "Set vars.create_kms_key: true"),
        ("${output.other:rds.address}", "stack other does not exist", "Stacks: dev."),
        ("${x} ${output.rds.id}", "variable x has no value", "give a default: ${x | default('…')}"),
        ("${eks.outputs.cluster_name} ${output.rds.port}", "component eks does not exist", "Components: base, kms"),
    ],
)
def test_a_reference_to_what_does_not_exist_lists_what_does(
    bench: Bench, value: str, problem: str, remedy: str
) -> None:
    found = bench.only_unresolved(stack(value))
    assert problem in found
    assert remedy in found
    assert "stacks/dev.yaml:" in found
    assert "key vars.secrets.s0.secret_data" in found


def test_the_name_of_a_secret_in_the_place_of_its_key_gives_the_key(bench: Bench) -> None:
    named = stack("${output.secretsmanager/a.secret_arns.api-token}").replace(
        "api_key: {", "api_key: {name: api-token, "
    )
    found = bench.only_unresolved(named)
    assert "The key in the map is meant, not the name. Did you mean api_key?" in found


def test_a_malformed_reference_is_an_error_with_its_place_and_text(bench: Bench) -> None:
    found = bench.only_error(stack("${output.rds address}"))
    assert "stacks/dev.yaml:" in found
    assert "key vars.secrets.s0.secret_data: cannot read the reference at column 1" in found
    assert "expected the name of an output after `${output.rds`" in found
    assert "Write for example ${output.rds.address}" in found


def test_keys_of_all_secrets_may_be_asked_for_but_not_their_values(bench: Bench) -> None:
    bench.spec(stack("${keys(output.secretsmanager/a.secret_arns)}".replace("s0", "x")))
    found = bench.only_unresolved(stack("${keys(output.secretsmanager/a.secret_values)}"))
    assert "is a map of all secrets" in found


def test_another_stack_may_be_referred_to(bench: Bench) -> None:
    shared = "components: {terraform: {kms: {vars: {alias: shared}}}}"
    built = bench.build(dev=stack("${output.shared:kms.key_arn}"), shared=shared)
    assert not built.errors
    value = built.specs["dev"].secret(SecretRef(component="secretsmanager/a", key="s0")).value
    assert isinstance(value, DeclaredValue)
    assert value.outputs == (Output("kms", ("key_arn",), "shared"),)


def test_what_another_stack_lacks_blocks_the_secret_that_refers_to_it(bench: Bench) -> None:
    shared = "components: {terraform: {kms: {vars: {alias: shared}}}}"
    built = bench.build(dev=stack("${output.shared:kms.key_arm}"), shared=shared)
    assert not built.errors
    blocked = built.specs["dev"].secret(SecretRef(component="secretsmanager/a", key="s0"))
    assert "has no output key_arm" in blocked.unresolved[0].problem


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("description", "description: '${output.secretsmanager/a.secret_values.api_key}'"),
        ("tags.x", "tags: {x: '${output.secretsmanager/a.generated_passwords.api_key}'}"),
        ("kms_key_id", "kms_key_id: '${output.secretsmanager/a.secret_values.api_key}'"),
        ("username", "username: '${output.secretsmanager/a.generated_passwords.api_key}'"),
    ],
)
def test_a_secret_value_is_refused_wherever_it_would_show(bench: Bench, where: str, text: str) -> None:
    secret = f"x:\n  generate_random_password: true\n  {text}\n"
    found = bench.only_error(stack() + indent(secret, " " * 10))
    assert f"key vars.secrets.x.{where}" in found
    assert "is a secret value and must not be used here" in found
    assert "write secret_arns and let the reader fetch it" in found


def test_a_component_that_makes_its_own_key_has_its_arn(bench: Bench) -> None:
    text = stack("${output.secretsmanager/a.kms_key_arn}").replace(
        "context_name", "create_kms_key: true\n        context_name"
    )
    assert not bench.spec(text).secret(SecretRef(component="secretsmanager/a", key="s0")).unresolved


def test_secrets_come_after_what_they_are_rendered_from(bench: Bench) -> None:
    spec = bench.spec(
        stack(
            "${output.secretsmanager/a.secret_values.s1}!",
            "${output.secretsmanager/a.secret_values.s2}!",
            "${output.secretsmanager/a.secret_values.api_key}!",
        )
    )
    assert [secret.ref.key for secret in spec.secrets] == ["api_key", "s2", "s1", "s0"]
    assert [ref.key for ref in spec.secrets[-1].depends_on] == ["api_key", "s2", "s1"]


def test_a_secret_waits_for_a_database_through_another_secret(bench: Bench) -> None:
    spec = bench.spec(stack("${output.rds.address}", "${output.secretsmanager/a.secret_values.s0}", "x-9"))
    waits = {secret.ref.key: secret.needs_endpoint for secret in spec.secrets}
    assert waits == {"api_key": False, "s0": True, "s1": True, "s2": False}


def test_a_cycle_between_secrets_is_named_in_full_and_blocks_those_in_it(bench: Bench) -> None:
    values = ("${output.secretsmanager/a.secret_values.s1}", "${output.secretsmanager/a.secret_values.s0}", "x-9")
    found = bench.only_unresolved(stack(*values))
    chain = "secretsmanager/a.s0 → secretsmanager/a.s1 → secretsmanager/a.s0"
    assert f"key vars.secrets.s0.secret_data: circular reference: {chain}" in found
    assert "Take one of these references out" in found
    spec = bench.spec(stack(*values))
    assert {secret.ref.key for secret in spec.secrets if secret.blocked} == {"s0", "s1"}


def test_a_secret_that_refers_to_itself_is_a_cycle(bench: Bench) -> None:
    found = bench.only_unresolved(stack("${output.secretsmanager/a.secret_values.s0}"))
    assert "circular reference: secretsmanager/a.s0 → secretsmanager/a.s0" in found


def test_a_secret_that_needs_a_blocked_one_is_blocked_to_the_end(bench: Bench) -> None:
    values = (
        "${output.nope.x}",
        "${output.secretsmanager/a.secret_values.s0}",
        "a ${output.secretsmanager/a.secret_values.s1}",
    )
    spec = bench.spec(stack(*values))
    reasons = {secret.ref.key: [one.reason for one in secret.unresolved] for secret in spec.secrets}
    blocked = UnresolvedReason.BLOCKED
    assert reasons == {"api_key": [], "s0": [UnresolvedReason.COMPONENT], "s1": [blocked], "s2": [blocked]}


def test_a_key_that_does_not_exist_blocks_every_secret_under_it_and_no_other(bench: Bench) -> None:
    own = "own: {kms_key_id: alias/mine, generate_random_password: true}\n"
    text = (stack("x-9") + indent(own, " " * 10)).replace(
        "context_name: myapp", "context_name: myapp\n        default_kms_key_id: '${output.kmss.key_arn}'"
    )
    spec = bench.spec(text)
    assert {secret.ref.key: secret.blocked for secret in spec.secrets} == {"api_key": True, "s0": True, "own": False}
    assert "key vars.default_kms_key_id: component kmss does not exist in stack dev" in bench.only_unresolved(text)


@pytest.mark.parametrize("key", ["name", "path"])
def test_a_name_that_nobody_can_resolve_is_an_error_and_not_a_guess(bench: Bench, key: str) -> None:
    secret = f"x: {{generate_random_password: true, {key}: '${{nowhere}}'}}\n"
    assert f"key vars.secrets.x.{key}: variable nowhere has no value" in bench.only_error(
        stack() + indent(secret, " " * 10)
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${output.nope.x | default('d')}", Literal("d")),
        ("${keys(output.nope.x) | []}", Literal([])),
        ("${output.rds.nothing | default(3)}", Literal(3)),
        (
            "${keys(output.secretsmanager/a.secret_arns) | []}",
            WithDefault(Call("keys", Output("secretsmanager/a", ("secret_arns",))), []),
        ),
        ("${output.rds.port | default(3)}", WithDefault(Output("rds", ("port",)), 3)),
        ("a-${output.nope.x | default('d')}-${output.rds.port}", "a-d-${output.rds.port}"),
    ],
)
def test_a_default_serves_where_an_output_will_never_exist(
    bench: Bench, value: str, expected: Expression | str
) -> None:
    spec = bench.spec(stack(value.replace("'", "''")))
    secret = spec.secret(SecretRef(component="secretsmanager/a", key="s0"))
    assert not secret.blocked
    assert isinstance(secret.value, DeclaredValue)
    resolved = AtmosRepository.open(bench.folder, env={}).stack("dev")
    written = leaf_expression(resolved, "secretsmanager/a", secret.value.leaves[0])
    assert (str(written) if isinstance(expected, str) else written) == expected


def test_variables_that_refer_to_each_other_are_named_by_their_chain(bench: Bench) -> None:
    text = stack("${one}").replace(
        "context_name: myapp", "context_name: myapp\n        one: '${vars.two}'\n        two: '${vars.one}'"
    )
    assert "circular variables: one → two → one" in bench.only_unresolved(text)


def test_a_variable_that_is_a_map_of_references_is_an_error(bench: Bench) -> None:
    text = stack("${one}").replace("context_name: myapp", "context_name: myapp\n        one: {x: '${ssm:/p}'}")
    assert "variable one is a map or list that holds references itself" in bench.only_error(text)


def test_settings_and_metadata_serve_as_variables_too(bench: Bench) -> None:
    text = stack("${settings.x.y}").replace(
        "      vars:\n        context_name", "      settings: {x: {y: z}}\n      vars:\n        context_name"
    )
    bench.spec(text)


@pytest.mark.parametrize("value", ["<no value>", "postgres://<no value>:5432/x", "${output.rds.address}/<no value>"])
def test_what_a_template_left_without_a_value_is_never_written_into_a_secret(bench: Bench, value: str) -> None:
    secret = bench.spec(stack(value, "fine")).secrets
    blocked = {one.ref.key: [reason.reason for reason in one.unresolved] for one in secret}
    assert blocked == {"api_key": [], "s0": [UnresolvedReason.TEMPLATE], "s1": []}


def test_a_name_that_a_template_left_without_a_value_is_an_error(bench: Bench) -> None:
    built = bench.build(dev=TOP.replace("context_name: myapp", "context_name: '<no value>'") + " " * 10 + "s: {}")
    assert "a Go template here gave <no value>" in built.errors["dev"][0].message
