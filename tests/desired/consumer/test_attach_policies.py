"""Whose roles get a policy, and which organisation readers elsewhere have to belong to."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from secrets_pipeline.desired.settings.access import AccessSettings

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ROLE = "arn:aws:iam::111122223333:role/orders"
FOREIGN = "arn:aws:iam::444455556666:role/reports"
OURS, THEIRS = "o-a1b2c3d4e5", "o-z9y8x7w6v5"


def stack(*settings: str, consumers: str = f"{{api: {{type: app, role_arn: '{ROLE}', secrets: [key]}}}}") -> str:
    """Two components with secrets, each with its settings, of which the first has consumers."""
    one, other = (*settings, "{}", "{}")[:2]
    return f"""\
components:
  terraform:
    secretsmanager/one:
      settings: {{secrets_pipeline: {one}}}
      vars:
        context_name: one
        create_kms_key: true
        secrets: {{key: {{generate_random_password: true}}}}
        consumers: {consumers}
    secretsmanager/two:
      settings: {{secrets_pipeline: {other}}}
      vars:
        context_name: two
        secrets: {{key: {{generate_random_password: true}}}}
        consumers: {{other: {{type: app, role_arn: '{ROLE}', secrets: [key]}}}}
"""


def worker(settings: str) -> str:
    """A function that fetches a secret, found by its reference."""
    text = f"""\
lambda/worker:
  settings: {{secrets_pipeline: {settings}}}
  vars:
    function_name: worker
    role_arn: {ROLE}
    environment_variables: {{ARN: "${{output.secretsmanager/one.secret_arns.key}}"}}
"""
    return stack() + indent(text, " " * 4)


def attaching(bench: Bench, text: str) -> dict[str, bool]:
    return {consumer.name: consumer.attach_policies for consumer in bench.spec(text).consumers}


def test_the_component_of_a_consumer_decides_whether_its_role_gets_a_policy(bench: Bench) -> None:
    assert attaching(bench, stack()) == {"api": False, "other": False}
    assert attaching(bench, stack("{attach_policies: true}")) == {"api": True, "other": False}
    found = attaching(bench, worker("{deliver: true, attach_policies: true}"))
    assert found == {"api": False, "other": False, "lambda/worker": True}
    assert attaching(bench, worker("{deliver: true}"))["lambda/worker"] is False


def test_attach_policies_is_true_or_false(bench: Bench) -> None:
    found = bench.only_error(stack("{attach_policies: 'yes please'}"))
    assert "attach_policies is neither true nor false" in found
    assert "key settings.secrets_pipeline.attach_policies" in found


def test_a_role_that_is_to_get_a_policy_must_be_known(bench: Bench) -> None:
    nameless = worker("{deliver: true, attach_policies: true}").replace(f"        role_arn: {ROLE}\n", "")
    found = bench.only_error(nameless)
    assert "which role reads secretsmanager/one#key is not known" in found
    assert "key settings.secrets_pipeline.attach_policies" in found
    assert "Write vars.role_arn" in found
    assert "lambda/worker" not in attaching(bench, nameless.replace("deliver: true, attach_policies", "deliver"))


def test_the_organisation_is_the_stacks_where_the_operator_has_none(bench: Bench) -> None:
    assert bench.spec(stack()).organization_id is None
    assert bench.spec(stack(f"{{organization_id: {OURS}}}")).organization_id == OURS
    assert bench.spec(stack("{}", f"{{organization_id: {OURS}}}")).organization_id == OURS


def test_a_stack_cannot_change_the_organisation_of_the_operator(bench: Bench) -> None:
    access = AccessSettings(organization_id=OURS)
    bench.settings = bench.settings.model_copy(update={"access": access})
    assert bench.spec(stack()).organization_id == OURS
    assert bench.spec(stack(f"{{organization_id: {OURS}}}")).organization_id == OURS
    found = bench.only_error(stack(f"{{organization_id: {THEIRS}}}"))
    assert f"organization_id is {THEIRS} here and {OURS} in the operator's settings" in found
    assert "component secretsmanager/one, key settings.secrets_pipeline.organization_id" in found


def test_a_stack_has_one_organisation(bench: Bench) -> None:
    found = bench.only_error(stack(f"{{organization_id: {OURS}}}", f"{{organization_id: {THEIRS}}}"))
    assert f"organization_id is {THEIRS} here and {OURS} in component secretsmanager/one" in found


@pytest.mark.parametrize(
    "written", ["'*'", "r-ab12", "o-short", "O-A1B2C3D4E5", "12", "[o-a1b2c3d4e5]", "'o-a1b2c3d4e5*'"]
)
def test_what_is_no_id_of_an_organisation_is_an_error(bench: Bench, written: str) -> None:
    found = bench.only_error(stack(f"{{organization_id: {written}}}"))
    assert 'Write organization_id: "o-a1b2c3d4e5", as Organizations shows it.' in found


def test_an_operator_cannot_write_a_pattern_for_an_organisation() -> None:
    with pytest.raises(ValidationError):
        AccessSettings(organization_id="o-*")


def test_only_the_role_that_reads_is_named_to_another_account(bench: Bench) -> None:
    both = f"type: ecs, execution_role_arn: '{FOREIGN}-exec', task_role_arn: '{FOREIGN}-task', secrets: [key]"
    for delivery, reader in (("secrets", f"{FOREIGN}-exec"), ("arn", f"{FOREIGN}-task")):
        spec = bench.spec(stack(consumers=f"{{api: {{{both}, delivery: {delivery}}}}}"))
        assert [secret.readers for secret in spec.secrets if secret.readers] == [(reader,)]
        assert [key.readers for key in spec.keys] == [(reader,)]


def many(count: int, *, role: str = ROLE, settings: str = "{attach_policies: true}") -> str:
    keys = [f"{'k' * 100}{number:03}" for number in range(count)]
    secrets = ", ".join(f"{key}: {{generate_random_password: true}}" for key in keys)
    return f"""\
components:
  terraform:
    secretsmanager:
      settings: {{secrets_pipeline: {settings}}}
      vars:
        context_name: one
        secrets: {{{secrets}}}
        consumers:
          first: {{type: app, role_arn: '{role}', secrets: [{", ".join(keys[: count // 2])}]}}
          second: {{type: app, role_arn: '{role}', secrets: [{", ".join(keys[count // 2 :])}]}}
"""


def test_a_policy_that_iam_would_not_take_is_an_error_that_names_consumer_and_role(bench: Bench) -> None:
    found = bench.only_error(many(70))
    assert f"consumer second: a policy that lets {ROLE} read 70 secrets has more than the 10240 characters" in found
    assert "component secretsmanager, key settings.secrets_pipeline.attach_policies" in found
    assert "Let several roles read" in found


def test_the_size_of_a_policy_that_nobody_attaches_is_no_error(bench: Bench) -> None:
    bench.spec(many(70, settings="{}"))
    bench.spec(many(40))
