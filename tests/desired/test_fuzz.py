"""What the fuzzer does for hours, for a moment: see `tests.desired.fuzz`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import InternalError, Where
from secrets_pipeline.stacks import AtmosRepository, Component, Resolution
from tests.desired.conftest import ATMOS, HERE
from tests.desired.fuzz import ENVIRONMENT, fuzz, repository
from tests.grants import TRUSTED
from tests.sweep import SEED, size

SECRET = "hunter2"
STACK = """\
components:
  terraform:
    secretsmanager:
      settings: {{secrets_pipeline: {{references: tf-atmos}}}}
      vars: {{context_name: {context}, secrets: {{key: {{secret_data: hunter2}}}}}}
"""


def test_a_repository_with_mistakes_gives_errors_of_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    counts, findings = fuzz(SEED, iter(range(size(100, 5_000))), math.inf)
    assert not findings
    assert counts["read"] >= 100
    assert counts["read"] > counts["without error"] > 0


def test_a_seed_and_a_number_give_the_same_repository_again(tmp_path: Path) -> None:
    for folder, number in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / folder).mkdir()
        repository(1, number, tmp_path / folder)
    first, again, other = (
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in (tmp_path / folder).rglob("*.yaml")}
        for folder in "abc"
    )
    assert first == again != other


class Faulty(AtmosRepository):
    """A repository whose `locate` fails in one stack."""

    def locate(self, component: Component, path: Sequence[str | int]) -> Where:
        """The place of a key, unless it is in stack odd."""
        if component.stack == "odd":
            raise ZeroDivisionError(SECRET)
        return super().locate(component, path)


def test_a_bug_in_one_stack_stops_that_stack_alone_and_quotes_nothing(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "atmos.yaml").write_text(ATMOS)
    for name, context in (("odd", "[]"), ("dev", "dev"), ("wrong", "[]")):
        (tmp_path / "stacks" / f"{name}.yaml").write_text(dedent(STACK.format(context=context)))
    source = Faulty.open(tmp_path, env={})
    built = build_specs(source, OperatorSettings(targets=(HERE,), grants=TRUSTED), base_path=tmp_path)
    assert set(built.specs) == {"dev"}
    assert set(built.errors) == {"odd", "wrong"}
    (bug,) = built.errors["odd"]
    assert isinstance(bug, InternalError)
    assert bug.message.startswith("this stack cannot be read: ZeroDivisionError in test_fuzz.py, line ")
    assert bug.where == Where(stack="odd")
    assert SECRET not in bug.diagnostics()
    assert isinstance(source.resolve(), Resolution)
