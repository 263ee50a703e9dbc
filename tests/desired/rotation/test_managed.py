from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.rotation.function import function_name
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec, RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ARN = "arn:aws:lambda:eu-west-2:111122223333:function:rotate"
TOP = """\
components:
  terraform:
    secretsmanager/other:
      vars:
        context_name: other
        secrets:
          admin.user: {generate_random_password: true, username: admin, engine: postgres, host: db}
          nowhere: {generate_random_password: true, username: admin}
          token: {generate_random_password: true}
    secretsmanager/app:
      vars:
        context_name: myapp
        secrets:
          master: {generate_random_password: true, username: root, engine: postgres, host: db}
          key:
"""
DATABASE = "generate_random_password: true\nusername: app\nengine: postgres\nhost: db\n"
TOKEN = "generate_random_password: true\n"


def stack(entry: str) -> str:
    return TOP + indent(entry, " " * 12)


def secret(bench: Bench, entry: str) -> SecretSpec:
    found = next(one for one in bench.spec(stack(entry)).secrets if one.ref.key == "key")
    assert found.rotation is not None
    return found


def rotation(bench: Bench, entry: str) -> RotationSpec:
    found = secret(bench, entry).rotation
    assert found is not None
    return found


def test_a_database_s_user_rotates_alone_where_nothing_else_is_said(bench: Bench) -> None:
    assert rotation(bench, f"{DATABASE}rotation: {{managed: true}}") == RotationSpec(
        managed=True, strategy=RotationStrategy.SINGLE_USER, automatically_after_days=30
    )


def test_what_no_database_knows_gets_a_random_value(bench: Bench) -> None:
    assert rotation(bench, f"{TOKEN}rotation: {{managed: true, schedule_expression: rate(10 days)}}") == RotationSpec(
        managed=True, strategy=RotationStrategy.RANDOM, schedule_expression="rate(10 days)"
    )


@pytest.mark.parametrize(
    ("value", "more", "key"),
    [
        ("generate_random_password: true\nusername: app\n", "", "password"),
        ("secret_data: {token: h7Gk2pQ9x}\n", "", "token"),
        ("secret_data: {token: h7Gk2pQ9x, url: there}\n", ", json_key: token", "token"),
        ("secret_data: {token: h7Gk2pQ9x, password: there}\n", "", "password"),
        ("secret_data: abcdef\n", "", None),
    ],
)
def test_of_a_json_value_one_key_rotates(bench: Bench, value: str, more: str, key: str | None) -> None:
    assert rotation(bench, f"{value}rotation: {{managed: true{more}}}").json_key == key


@pytest.mark.parametrize(
    ("named", "ref"),
    [
        ("master", SecretRef(component="secretsmanager/app", key="master")),
        ("secretsmanager/app.master", SecretRef(component="secretsmanager/app", key="master")),
        ("secretsmanager/other.admin.user", SecretRef(component="secretsmanager/other", key="admin.user")),
    ],
)
def test_a_superuser_makes_two_users_alternate(bench: Bench, named: str, ref: SecretRef) -> None:
    found = secret(bench, f"{DATABASE}rotation: {{managed: true, superuser_secret: {named}}}")
    assert found.rotation is not None
    assert (found.rotation.strategy, found.rotation.superuser_secret) == (RotationStrategy.ALTERNATING_USERS, ref)
    assert isinstance(found.value, GeneratedValue)
    assert found.value.fields["masterarn"] == Output(ref.component, ("secret_arns", ref.key))
    assert found.value.initial == ("username",), "the function changes it at each rotation"
    assert found.depends_on == (ref,)


def test_aws_s_own_function_for_alternating_users_finds_its_superuser_too(bench: Bench) -> None:
    found = secret(bench, f"{DATABASE}rotation: {{lambda_arn: '{ARN}', superuser_secret: master}}")
    assert isinstance(found.value, GeneratedValue)
    assert "masterarn" in found.value.fields
    assert found.rotation is not None
    assert (found.rotation.managed, found.rotation.lambda_arn) == (False, ARN)


def test_tls_is_switched_off_by_an_explicit_key_alone(bench: Bench) -> None:
    off, silent = secret(bench, f"{DATABASE}ssl: false\nrotation: {{managed: true}}").value, None
    assert isinstance(off, GeneratedValue)
    assert off.fields["ssl"] is False
    silent = secret(bench, f"{DATABASE}rotation: {{managed: true}}").value
    assert isinstance(silent, GeneratedValue)
    assert "ssl" not in silent.fields


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (f"{TOKEN}rotation: {{managed: true, lambda_arn: '{ARN}'}}", "managed: true stands beside lambda_arn"),
        (f"{TOKEN}rotation: {{automatically_after_days: 3}}", "no function is named"),
        (f"{TOKEN}rotation: {{managed: false}}", "no function is named"),
        (f"{TOKEN}rotation: {{managed: maybe}}", "managed is text"),
        (f"{TOKEN}rotation: {{managed: true, strategy: both}}", "single-user, alternating-users, random"),
        (f"{TOKEN}rotation: {{managed: true, superusers: x}}", "Did you mean superuser_secret?"),
        (f"{DATABASE}rotation: {{managed: true, strategy: alternating-users}}", "needs a superuser"),
        (f"{DATABASE}rotation: {{managed: true, superuser_secret: mater}}", "Did you mean master?"),
        (f"{DATABASE}rotation: {{managed: true, superuser_secret: key}}", "named as its own superuser"),
        (
            f"{DATABASE}rotation: {{managed: true, superuser_secret: secretsmanager/other.token}}",
            "secret other/token has no key engine and no host and no username and no password",
        ),
        (
            f"{DATABASE}rotation: {{managed: true, superuser_secret: secretsmanager/other.nowhere}}",
            "secret other/nowhere has no key engine and no host to log in with",
        ),
        (
            f"{DATABASE}rotation: {{managed: true, strategy: single-user, superuser_secret: master}}",
            "strategy single-user does without a superuser",
        ),
        (f"{DATABASE}rotation: {{managed: true, strategy: random}}", "nobody could log in afterwards"),
        (f"{TOKEN}rotation: {{managed: true, strategy: single-user}}", "the value is plain text"),
        (
            "generate_random_password: true\nusername: app\nrotation: {managed: true, strategy: single-user}",
            "the value has no engine and no host",
        ),
        (
            "generate_random_password: true\nusername: app\nengine: oracle\nhost: db\nrotation: {managed: true}",
            "does not rotate users of oracle",
        ),
        ("secret_data: {one: a, two: b}\nrotation: {managed: true}", "which of the keys one, two rotates is not said"),
        ("secret_data: {one: a}\nrotation: {managed: true, json_key: two}", "the value has no key two"),
        ("secret_data: one\nrotation: {managed: true, json_key: two}", "plain text without keys"),
        (f"{DATABASE}rotation: {{managed: true, json_key: password}}", "json_key means nothing with strategy single"),
        (
            "secret_data:\n  url: ${output.secretsmanager/other.secret_values.token}\nrotation: {managed: true}",
            "it would replace what a rotation made",
        ),
        ("secret_data: {cert: abc}\ntype: certificate\nrotation: {managed: true}", "the secret is a certificate"),
    ],
)
def test_a_rotation_that_cannot_work_is_an_error(bench: Bench, entry: str, problem: str) -> None:
    found = bench.only_error(stack(entry))
    assert problem in found
    assert "component secretsmanager/app, key vars.secrets.key.rotation" in found


def test_a_master_password_has_no_second_user(bench: Bench) -> None:
    text = """\
components:
  terraform:
    rds:
      vars: {identifier: db, engine: postgres, password: "${output.secretsmanager.generated_passwords.key}"}
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
          other: {generate_random_password: true, username: root, engine: postgres, host: db}
          key: {generate_random_password: true, rotation: {managed: true, superuser_secret: other}}
"""
    assert "the master password of component rds" in bench.only_error(text.replace("key: {", "key: {username: app, "))


def test_a_master_password_rotates_by_itself(bench: Bench) -> None:
    text = """\
components:
  terraform:
    rds:
      vars:
        identifier: db
        engine: aurora-mysql
        username: app
        password: "${output.secretsmanager.generated_passwords.key}"
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
          key: {generate_random_password: true, username: app, rotation: {managed: true}}
"""
    found = bench.spec(text).secrets[0].rotation
    assert found is not None
    assert found.strategy is RotationStrategy.SINGLE_USER


FUNCTION = """\
settings:
  secrets_pipeline:
    rotation_function: {setting}
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
          key: {{generate_random_password: true{rotation}}}
"""
MANAGED = ", rotation: {managed: true}"


def test_a_stack_has_one_function_where_a_secret_asks_for_it(bench: Bench) -> None:
    setting = "{subnet_ids: [subnet-0a1b2c3d], security_group_ids: [sg-0a1b2c3d], log_retention_in_days: 90}"
    spec = bench.spec(FUNCTION.format(setting=setting, rotation=MANAGED))
    assert spec.rotation_function == RotationFunctionSpec(
        name="secrets-pipeline-rotation-dev",
        subnet_ids=("subnet-0a1b2c3d",),
        security_group_ids=("sg-0a1b2c3d",),
        log_retention_in_days=90,
    )
    silent = bench.spec(FUNCTION.format(setting="{}", rotation=MANAGED))
    assert silent.rotation_function == RotationFunctionSpec(
        name="secrets-pipeline-rotation-dev", log_retention_in_days=30
    )
    assert bench.spec(FUNCTION.format(setting=setting, rotation="")).rotation_function is None


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("{subnet_ids: [subnet-0a1b2c3d]}", "subnet_ids stands without security_group_ids"),
        ("{subnet_ids: [here], security_group_ids: [sg-0a1b2c3d]}", "subnet_ids holds 'here'"),
        ("{log_retention_in_days: 31}", "takes one of 1, 3, 5"),
        ("{name: a/b}", "name is 'a/b'"),
        ("{retention: 3}", "unknown key retention"),
        ("yes please", "is text, not a map"),
    ],
)
def test_a_wrong_setting_of_the_function_is_an_error(bench: Bench, setting: str, problem: str) -> None:
    found = bench.only_error(FUNCTION.format(setting=setting, rotation=MANAGED))
    assert problem in found
    assert "settings.secrets_pipeline.rotation_function" in found


def test_components_that_say_different_things_of_the_function_are_an_error(bench: Bench) -> None:
    other = """\
    kms:
      settings: {secrets_pipeline: {rotation_function: {log_retention_in_days: 60}}}
      vars: {alias: alias/x}
"""
    found = bench.only_error(FUNCTION.format(setting="{log_retention_in_days: 30}", rotation=MANAGED) + other)
    assert "rotation_function differs from that of component" in found


def test_two_stacks_of_an_account_do_not_share_a_function(bench: Bench) -> None:
    one = FUNCTION.format(setting="{name: rotate}", rotation=MANAGED)
    built = bench.build(dev=one, prod=one.replace("context_name: myapp", "context_name: other"))
    (contested,) = built.specs["dev"].contested
    assert (contested.kind, contested.name, contested.stacks) == ("rotation function", "rotate", ("prod",))


def test_names_of_functions_are_as_different_as_those_of_stacks() -> None:
    names = [function_name(stack) for stack in ("dev", "a.b", "a-b", "x" * 80, "x" * 81)]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 64
