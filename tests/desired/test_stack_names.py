"""One rule for names of stacks: what AWS or Dagster cannot take is refused before anything is planned."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.names import STACK_NAME_LENGTH, named_after, stack_name_problem
from secrets_pipeline.errors import SpecError
from secrets_pipeline.orchestration.shared.partitions import check_key
from tests.desired.conftest import Bench

SECRET = """
components:
  terraform:
    secretsmanager:
      vars:
        context_name: acme
        secrets: {key: {generate_random_password: true}}
"""
WRONG = (
    "é", "\u0440rod", "a:b", ".", "..", "a..b", "a/b", "a\\b", "a b", " a", "-a", "a-", "_a", "a.", "a\nb",
    "a\x1b[31mb", "a\u202eb", "a\u200bb", "a,b", "a=b", "a@b", "a+b", "a" * (STACK_NAME_LENGTH + 1),
)  # fmt: skip
RIGHT = ("a", "A1", "myapp-dev", "testenv-01-fnx", "plat_ue2_prod", "v1.2-dev", "a" * STACK_NAME_LENGTH)


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_aws_or_dagster_cannot_take_is_an_error_of_its_stack_alone(bench: Bench, name: str) -> None:
    escaped = name.encode("unicode_escape").decode("ascii").replace('"', '\\"') if not name.isprintable() else name
    quoted = escaped if escaped != name else name.replace("\\", "\\\\")
    built = bench.build(odd=f'name: "{quoted}"{SECRET}', dev=SECRET.replace("acme", "other"))
    assert set(built.specs) == {"dev"}
    (error,) = built.errors[name]
    assert "ASCII letters, digits" in error.diagnostics()
    assert "stacks/odd.yaml" in error.diagnostics()
    assert error.diagnostics().replace("\n", "").isprintable()
    with pytest.raises(SpecError, match="stack name"):
        check_key(name)


@pytest.mark.parametrize("name", RIGHT)
def test_a_name_that_everybody_takes_is_used(bench: Bench, name: str) -> None:
    built = bench.build(odd=f'name: "{name}"{SECRET}')
    assert not built.errors
    assert set(built.specs) == {name}
    assert check_key(name) == name


@given(st.text(min_size=1) | st.text("aZ0._-/ é\n", min_size=1, max_size=6))
def test_whatever_passes_is_within_what_each_service_takes(name: str) -> None:
    if stack_name_problem(name) is None:
        assert re.fullmatch(r"[\w+=,.@-]{1,100}", name, re.ASCII)
        assert ".." not in name
        assert not {name[0], name[-1]} & {".", "-", "_"}


def test_a_stack_without_components_of_ours_may_be_called_anything(bench: Bench) -> None:
    built = bench.build(odd='name: "a/b"\ncomponents: {terraform: {vpc: {vars: {}}}}')
    assert not built.errors


@pytest.mark.parametrize(
    ("name", "stacks", "owners"),
    [
        ("myapp/prod/db/password", ["myapp-prod", "evil-myapp-prod"], "myapp-prod"),
        ("myapp/prod/db/password", ["evil-myapp-prod"], ""),
        ("myapp/prod/db/password", ["myapp-prod-db", "myapp-prod"], "myapp-prod"),
        ("myapp/prod/db/password", ["myapp_prod", "myapp-prod"], "myapp-prod myapp_prod"),
        ("myapp/prod/db/password", ["myapp"], ""),
        ("myapp/production/password", ["myapp-prod"], ""),
        ("myapp-prod/password", ["myapp-prod"], "myapp-prod"),
        ("myapp-prod-db", ["myapp-prod", "evil-myapp-prod"], "myapp-prod"),
        ("alias/myapp-prod", ["myapp-prod", "evil-myapp-prod"], "myapp-prod"),
        ("alias/secrets/myapp/prod/x", ["myapp-prod", "evil-myapp-prod"], "myapp-prod"),
        ("secrets-pipeline-rotation-myapp-prod", ["myapp-prod", "prod"], "myapp-prod"),
    ],
)
def test_a_name_is_named_after_the_stack_whose_words_begin_it(name: str, stacks: list[str], owners: str) -> None:
    assert named_after(name, stacks) == tuple(owners.split())
