"""Roles of the pipeline itself are no consumers that a stack may attach policies to; see `own_roles`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.checks.attached_policies import consumers_as_own_roles
from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
from secrets_pipeline.desired.settings.operator import EventSettings, OperatorSettings
from secrets_pipeline.desired.stack import StackSpec

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

SETTINGS = OperatorSettings(events=EventSettings(queue="secret-events", region="eu-west-2"))
TARGET = Target(region="eu-west-2", account_id="111122223333")


def reading(role: str, *, attach: bool = True) -> StackSpec:
    consumer = ConsumerSpec(
        component="secretsmanager/app",
        name="reader",
        type=ReaderType.APP,
        principals={"role": f"arn:aws:iam::111122223333:role/{role}"},
        attach_policies=attach,
        secrets=(),
    )
    return StackSpec(stack="rotation", target=TARGET, consumers=(consumer,), components={})


def prod(function: str) -> StackSpec:
    return StackSpec(stack="prod", target=TARGET, components={}, rotation_function=RotationFunctionSpec(name=function))


@pytest.mark.parametrize(
    "role",
    [
        "secrets-pipeline-rotation-myapp-prod",
        "secrets-pipeline-rotation-of-another-repository",
        "some/path/Secrets-Pipeline-Rotation-myapp-prod",
        "turner",
        "TURNER",
        "secret-events-events",
    ],
)
def test_a_role_of_the_pipeline_is_refused_by_its_name(role: str) -> None:
    specs = {"rotation": reading(role), "prod": prod("turner")}
    found = consumers_as_own_roles(specs, SETTINGS)
    assert list(found) == ["rotation"]
    (error,) = found["rotation"]
    assert error.diagnostics() == (
        f"stack rotation, component secretsmanager/app, key settings.secrets_pipeline: consumer reader: role "
        f"arn:aws:iam::111122223333:role/{role} is one of the pipeline's own, and attach_policies would change what it "
        "may do\n  Let another role read."
    )


@pytest.mark.parametrize(("role", "attach"), [("turner", False), ("orders", True), ("secret-events", True)])
def test_any_other_role_and_one_that_nothing_is_attached_to_is_not(role: str, attach: bool) -> None:
    specs = {"rotation": reading(role, attach=attach), "prod": prod("turner")}
    assert consumers_as_own_roles(specs, SETTINGS) == {}


def test_without_a_queue_there_is_no_role_of_its_rules() -> None:
    assert consumers_as_own_roles({"rotation": reading("secret-events-events")}, OperatorSettings()) == {}


def test_a_stack_called_rotation_is_an_error_where_it_would_write_to_a_rotation_role(bench: Bench) -> None:
    stack = """\
components:
  terraform:
    secretsmanager:
      settings: {secrets_pipeline: {attach_policies: true}}
      vars:
        context_name: evil
        secrets: {key: {generate_random_password: true}}
        consumers: {x: {type: app, role_arn: "arn:aws:iam::111122223333:role/ROLE", secrets: [key]}}
"""
    function = "secrets-pipeline-rotation-myapp-prod"
    innocent = stack.replace("ROLE", "orders").replace("evil", "good")
    built = bench.build(rotation=stack.replace("ROLE", function), innocent=innocent)
    assert (set(built.errors), set(built.specs)) == ({"rotation"}, {"innocent"})
    assert f"role/{function} is one of the pipeline's own" in built.errors["rotation"][0].diagnostics()
