"""What an operator and a stack say about acting without being asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.stacks import SourceChoice


def described(folder: Path, **settings: object) -> Path:
    """A stack with two components, the first of which has settings of ours."""
    where = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333"}

    def component(path: str, ours: dict[str, Any]) -> dict[str, Any]:
        secrets = {"token": {"path": path, "generate_random_password": True}}
        return {
            "vars": {"context_name": "shop", **where, "secrets": secrets},
            "settings": {"secrets_pipeline": ours},
        }

    tree = {"secretsmanager/a": component("a", settings), "secretsmanager/b": component("b", {})}
    file = folder / "stacks.json"
    file.write_text(json.dumps({"shop-dev": {"components": {"terraform": tree}}}))
    return file


@pytest.mark.parametrize(("settings", "healing"), [({"self_heal": True}, ("secretsmanager/a",)), ({}, ())])
def test_only_the_components_that_say_so_are_healed(
    tmp_path: Path, settings: dict[str, bool], healing: tuple[str, ...]
) -> None:
    desired = open_repository(tmp_path, origin=SourceChoice(str(described(tmp_path, **settings))))
    assert desired.specs["shop-dev"].self_heal == healing


def test_self_heal_is_true_or_false(tmp_path: Path) -> None:
    desired = open_repository(tmp_path, origin=SourceChoice(str(described(tmp_path, self_heal="yes"))))
    (error,) = desired.errors["shop-dev"]
    assert "self_heal is neither true nor false" in error.diagnostics()
    assert "secretsmanager/a" in error.diagnostics()


@pytest.mark.parametrize(
    ("said", "applied"),
    [("", set()), ("apply_on_change: true", {"a-dev", "a-prod"}), ('apply_on_change: ["*-dev"]', {"a-dev"})],
)
def test_nothing_is_applied_by_itself_unless_the_operator_says_which(
    tmp_path: Path, said: str, applied: set[str]
) -> None:
    (tmp_path / "operator.yaml").write_text(said)
    settings = load_settings(tmp_path / "operator.yaml")
    assert {stack for stack in ("a-dev", "a-prod") if settings.applies_changes(stack)} == applied


@pytest.mark.parametrize(
    "said",
    [
        "alerts: {topic_arn: my-topic}",
        "alerts: {dagster_url: dagster}",
        "alerts: {webhook: {environment: HOOK}}",
    ],
)
def test_alerts_that_could_never_arrive_are_refused_before_anything_runs(tmp_path: Path, said: str) -> None:
    (tmp_path / "operator.yaml").write_text(said)
    with pytest.raises(SpecError, match=said.partition("{")[2].partition(":")[0]):
        load_settings(tmp_path / "operator.yaml")
