"""A note about the dialect is for those who ask for a stack that leaves it open."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository

ATMOS = 'base_path: "."\nstacks: {base_path: stacks, included_paths: ["*"]}\n'
STACK = """\
vars: {region: eu-west-2, account_id: "111122223333"}
components:
  terraform:
    secretsmanager:
      vars:
        context_name: "shop/STACK"
        environment: STACK
        secrets: {key: {generate_random_password: true}, url: {secret_data: "TEXT"}}
"""
SETTINGS = OperatorSettings.model_validate({"grants": [{"stacks": "*", "preset": "single-team"}]})
REFERENCE = "x://${output.secretsmanager.secret_values.key}"


@pytest.fixture
def opened(tmp_path: Path) -> OpenRepository:
    """Stacks `old-dev`, in the dialect, and `new-dev` and `new-prod`, without."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text(ATMOS)
    for name, text in (("old-dev", REFERENCE), ("new-dev", "https://a-9.example"), ("new-prod", "https://b-9.example")):
        (tmp_path / "stacks" / f"{name}.yaml").write_text(STACK.replace("STACK", name).replace("TEXT", text))
    found = open_repository(tmp_path, settings=SETTINGS)
    assert not found.errors
    return found


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (None, True),
        (["old-dev"], True),
        (["new-dev", "old-*"], True),
        (["new-dev,old-dev"], True),
        (["new-*, old-*"], True),
        (["new-dev"], False),
        (["new-*"], False),
        (["new-dev,new-*"], False),
        ([], False),
    ],
)
def test_the_note_is_for_who_asks_for_a_stack_that_leaves_it_open(
    opened: OpenRepository, names: list[str] | None, *, said: bool
) -> None:
    found = [one for one in opened.notices_for(names) if "in the dialect of tf-atmos" in one]
    assert len(found) == said


def test_what_stacks_contest_is_said_to_who_asks_for_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text(ATMOS)
    # Component `c` of stack `a-b` and component `b/c` of stack `a` share one place, for Atmos itself.
    for name, component, environment in (("a", "b/c", "dev"), ("a-b", "c", "dev"), ("other", "c", "prod")):
        (tmp_path / "stacks" / f"{name}.yaml").write_text(f"""\
vars: {{region: eu-west-2, environment: {environment}}}
components:
  terraform:
    {component}:
      metadata: {{component: secretsmanager}}
      vars: {{context_name: shop, secrets: {{key: {{generate_random_password: true}}}}}}
""")
    found = open_repository(tmp_path, settings=SETTINGS)
    assert not found.errors
    every = found.notices_for(None)
    assert ["secret shop/dev/key is declared by" in every[0], "Atmos looks for the outputs" in every[1]] == [True, True]
    assert [found.notices_for([names]) for names in ("a", "a-*", "other")] == [every, every, ()]
