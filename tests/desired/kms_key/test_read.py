from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.kms_key.model import KeySpec

if TYPE_CHECKING:
    from tests.desired.conftest import Bench


def stack(variables: str) -> str:
    made = "      settings: {secrets_pipeline: {create: true}}\n"
    return f"components:\n  terraform:\n    kms/app:\n{made}      vars: {variables}\n"


def test_a_key_is_read_with_its_defaults(bench: Bench) -> None:
    (key,) = bench.spec(stack("{alias: myapp-dev}")).keys
    assert key == KeySpec(components=("kms/app",), alias="alias/myapp-dev", create=True)


def test_every_variable_of_a_key_is_read(bench: Bench) -> None:
    variables = (
        "{alias: alias/x, description: d, enable_key_rotation: false, rotation_period_in_days: 90, "
        "deletion_window_in_days: 7, tags: {a: b}, policy: [{Effect: Deny, Principal: p, Action: a, Resource: r}]}"
    )
    (key,) = bench.spec(stack(variables)).keys
    assert key == KeySpec(
        components=("kms/app",),
        alias="alias/x",
        description="d",
        enable_key_rotation=False,
        rotation_period_in_days=90,
        deletion_window_in_days=7,
        tags={"a": "b"},
        policy=({"Effect": "Deny", "Principal": "p", "Action": "a", "Resource": "r"},),
        create=True,
    )


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("{}", "alias is missing"),
        ("{alias: aws/secretsmanager}", "do not begin with aws/"),
        ("{alias: 'a b'}", "alias is 'a b'"),
        ("{alias: x, deletion_window_in_days: 6}", "Write a number from 7 to 30."),
        ("{alias: x, rotation_period_in_days: 89}", "Write a number from 90 to 2560."),
        ("{alias: x, policy: [{Effect: Allow}]}", "statement 1 of policy has no Principal or NotPrincipal, no Action"),
        ("{alias: x, enable_key_rotation: maybe}", "Write enable_key_rotation: true or enable_key_rotation: false"),
    ],
)
def test_a_wrong_key_is_an_error(bench: Bench, variables: str, problem: str) -> None:
    found = bench.only_error(stack(variables))
    assert problem in found
    assert "stack dev, component kms/app, key vars." in found


def test_two_stacks_of_an_account_do_not_share_an_alias(bench: Bench) -> None:
    made = "components: {terraform: {secretsmanager: {vars: {context_name: x, create_kms_key: true, secrets: {}}}}}"
    built = bench.build(one=stack("{alias: secrets/x}"), two=made, three=stack("{alias: secrets/y}"))
    assert not built.errors
    for name, other, component in (("one", "two", "kms/app"), ("two", "one", "secretsmanager")):
        (contested,) = built.specs[name].contested
        assert (contested.kind, contested.name, contested.stacks) == ("KMS key", "alias/secrets/x", (other,))
        assert contested.where == f"stack {name}, component {component}"
    assert not built.specs["three"].contested


def test_two_keys_of_one_alias_are_an_error(bench: Bench) -> None:
    made = "settings: {secrets_pipeline: {create: true}}, vars: {alias: x}"
    text = f"components: {{terraform: {{kms/a: {{{made}}}, kms/b: {{{made}}}}}}}"
    assert "component kms/b, key vars.alias: alias/x is also the alias of component kms/a" in bench.only_error(text)
