"""A repository of one or more stacks, written to disk and resolved for real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from secrets_pipeline.desired.build import SpecSet, build_specs
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.alone import compare_alone
from tests.grants import TRUSTED

ATMOS = 'base_path: "."\nstacks:\n  base_path: stacks\n  included_paths: ["*"]\n'
HERE = TargetRule(stacks="*", account_id="111122223333", region="eu-west-2")


class Bench:
    """Builds desired state from YAML.

    Args:
        folder: where the repository is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = OperatorSettings(targets=(HERE,), grants=TRUSTED)
        self.environment: Mapping[str, str] = {}
        self.atmos = ATMOS

    def allow(self, *variables: str | Mapping[str, object]) -> None:
        """Let the operator allow environment variables, as the settings file writes them."""
        self.settings = OperatorSettings.model_validate(
            {"targets": [HERE], "grants": TRUSTED, "environment_allowed": variables}
        )

    def build(self, **stacks: str) -> SpecSet:
        """Stack name → manifest text, written and built."""
        (self.folder / "stacks").mkdir(exist_ok=True)
        (self.folder / "atmos.yaml").write_text(self.atmos)
        for name, text in stacks.items():
            (self.folder / "stacks" / f"{name}.yaml").write_text(dedent(text))
        repository = AtmosRepository.open(self.folder, env={})
        built = build_specs(repository, self.settings, base_path=self.folder, environment=self.environment)

        def again(index: RepositoryIndex) -> AtmosRepository:
            return AtmosRepository.open(self.folder, env={}, known=index.manifests)

        compare_alone(built, self.settings, again, base_path=self.folder, environment=self.environment)
        return built

    def spec(self, text: str) -> StackSpec:
        """The desired state of a stack named dev without errors."""
        built = self.build(dev=text)
        assert not built.errors, "\n".join(e.diagnostics() for errors in built.errors.values() for e in errors)
        return built.specs["dev"]

    def only_unresolved(self, text: str) -> str:
        """What is wrong with the single reference of a stack named dev that nobody can resolve."""
        spec = self.spec(text)
        found = [one for secret in spec.secrets for one in secret.unresolved if one.is_cause]
        causes = {one.problem: one for one in reversed(found)}
        assert len(causes) == 1, causes
        return next(iter(causes.values())).diagnostics()

    def errors(self, text: str) -> list[str]:
        """Every error of a stack named dev, as it is shown."""
        return [error.diagnostics() for error in self.build(dev=text).errors.get("dev", ())]

    def only_error(self, text: str) -> str:
        """The single error of a stack named dev."""
        errors = self.errors(text)
        assert len(errors) == 1, "\n".join(errors) or "no error"
        return errors[0]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty repository."""
    return Bench(tmp_path)
