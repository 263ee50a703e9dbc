"""README is short, and its YAML is what it says: a component of a stack that needs no grant."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import indent
from typing import Final

import pytest

from secrets_pipeline.operations.open_repository import open_repository

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
STACK: Final = "infra-shared"


def yaml_block(begins: str) -> str:
    (found,) = re.findall(rf"```yaml\n({re.escape(begins)}.*?)```", README, re.DOTALL)
    return str(found)


def test_the_component_of_the_page_declares_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path, dirs_exist_ok=True)
    (tmp_path / "operator.yaml").write_text('targets: [{stacks: "*", account_id: "111122223333"}]')
    stack = tmp_path / "stacks" / "orgs" / "acme" / "infra" / "shared.yaml"
    stack.write_text(stack.read_text() + indent(yaml_block("secretsmanager/orders:"), "    "))
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    spec = open_repository(tmp_path).specs[STACK]
    assert {"infra/shared/orders/password", "infra/shared/orders/login"} <= {one.name for one in spec.secrets}
    (consumer,) = [one for one in spec.consumers if one.name == "api"]
    assert list(consumer.readers) == ["arn:aws:iam::111122223333:role/orders"]


def test_the_page_is_read_in_one_go() -> None:
    assert 6_000 <= len(README.encode()) <= 8_000
