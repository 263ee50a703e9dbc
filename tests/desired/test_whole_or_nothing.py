"""A reference that nobody can resolve blocks its secret, whole, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.outputs import OUTPUTS
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.errors import ExpressionError, Where
from secrets_pipeline.references.model import Output, Path
from secrets_pipeline.references.resolve import Pending, Plain, Secret, resolve
from secrets_pipeline.stacks import AtmosStack, Component
from secrets_pipeline.values.content import text_of
from secrets_pipeline.values.render import render
from tests.desired.one_stack import build_spec
from tests.grants import TRUSTED

if TYPE_CHECKING:
    from secrets_pipeline.references.model import Json
    from secrets_pipeline.references.resolve import Resolved

CANARY = "canary-5f1d"
SETTINGS = OperatorSettings(
    grants=TRUSTED,
    targets=(TargetRule(stacks="*", account_id="111122223333", region="eu-west-2"),),
)
SOUND = (
    CANARY,
    f"{CANARY}-${{stage}}",
    "${chain}",
    "${output.rds.address}",
    "${output.sm.secret_values.key}",
    "${ssm:/path}",
    "${output.kms.key_id | default('sound')}",
    "${nobody | default(1)}",
)
UNSOUND = (
    "${nobody}",
    "${round}",
    "${output.kms.key_id}",
    "${output.rds.nothing}",
    "${output.sm.secret_values.nothing}",
    "${keys(output.vpc.subnets)}",
    "${output.elsewhere:kms.key_arn}",
    "${env:NOT_ALLOWED}",
    "${file:../outside}",
)
VALUES = st.lists(st.sampled_from(SOUND + UNSOUND), min_size=1, max_size=4)


def stack_of(values: list[list[str]]) -> AtmosStack:
    """A stack with a secret for each list of texts: a map with one leaf for each, and all of them in one text."""
    declared = {
        f"s{index}": {"secret_data": {"all": "-".join(texts), **{f"v{n}": text for n, text in enumerate(texts)}}}
        for index, texts in enumerate(values)
    }
    variables = {
        "context_name": "myapp",
        "stage": "dev",
        "chain": "${link}",
        "link": "${stage}",
        "round": "${about}",
        "about": "${round}",
        "secrets": {"key": {"generate_random_password": True}, **declared},
    }
    sections = {
        "sm": {"component": "secretsmanager", "vars": variables},
        "rds": {"component": "rds", "vars": {"identifier": "orders"}},
        "vpc": {"component": "vpc", "vars": {}},
    }
    settings = {"secrets_pipeline": {"dialect": "tf-atmos"}}
    components = {
        name: Component(name, "terraform", "dev", {"settings": settings, **one}, "stacks/dev.yaml")
        for name, one in sections.items()
    }
    return AtmosStack("dev", ("stacks/dev.yaml",), {"terraform": components})


def built(stack: AtmosStack) -> StackSpec:
    return build_spec(stack, lambda component, path: Where(file=component.manifest, line=len(path)), SETTINGS)


class Outside:
    """AWS, where everything that the stack declares exists."""

    def variable(self, path: Path) -> Json:
        raise KeyError(path)

    def environment(self, name: str) -> Resolved:
        raise ExpressionError(f"environment variable {name} is not allowed")

    def file(self, path: str) -> str:
        raise ExpressionError(f"file {path} lies outside the repository")

    def output(self, output: Output) -> Resolved:
        exists = output.stack is None and output.component in ("sm", "rds") and "nothing" not in output.path
        if not exists or output.name not in OUTPUTS["rds"] | OUTPUTS["secretsmanager"]:
            return Pending(f"there is no {output}")
        return Secret(SecretStr(f"{CANARY}-{output.name}"))

    def ssm(self, name: str) -> Resolved:
        return Plain(f"value of {name}")


def rendered(stack: AtmosStack, secret: SecretSpec) -> str:
    assert isinstance(secret.value, DeclaredValue)
    value = render(
        secret.value,
        lambda leaf: resolve(leaf_expression(stack, secret.ref.component, leaf), Outside()),
        SecretStr(f'{{"kept": "{CANARY}"}}'),
    )
    return text_of(value).get_secret_value()


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_secret_is_made_whole_or_not_at_all(values: list[list[str]]) -> None:
    stack = stack_of(values)
    spec = built(stack)
    assert len(spec.secrets) == len(values) + 1
    for index, texts in enumerate(values):
        secret = spec.secret(SecretRef(component="sm", key=f"s{index}"))
        assert secret.blocked == any(text in UNSOUND for text in texts)
        if secret.blocked:
            with pytest.raises(ExpressionError) as caught:
                rendered(stack, secret)
            assert CANARY not in caught.value.diagnostics()
        else:
            assert "${" not in rendered(stack, secret)


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_desired_state_holds_the_text_of_no_value(values: list[list[str]]) -> None:
    assert CANARY not in built(stack_of(values)).model_dump_json()


@pytest.mark.parametrize("text", UNSOUND)
def test_each_reason_is_told_with_its_place_and_expression(text: str) -> None:
    secret = built(stack_of([[text]])).secret(SecretRef(component="sm", key="s0"))
    assert {one.key for one in secret.unresolved} == {f"vars.secrets.s0.secret_data.{key}" for key in ("all", "v0")}
    for one in secret.unresolved:
        assert one.expression.removeprefix("${").removesuffix("}") in text
        assert one.problem
        assert one.remedy
        assert one.where.startswith("stacks/dev.yaml:5, stack dev, component sm, key vars.secrets.s0.secret_data.")
