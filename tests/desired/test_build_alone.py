"""A stack that is read alone, by an index, is the stack of a whole reading; so every `Bench.build` compares it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, assume, given, settings

from benchmarks.code_server import generated
from benchmarks.stacks import Generator, Shape
from secrets_pipeline.desired.build import SpecSet, build_specs
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.desired.settings.operator import OperatorSettings, load_settings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.stacks import AtmosRepository
from tests.desired.alone import compare_alone, index_of
from tests.desired.conftest import HERE, Bench
from tests.desired.fuzz import ENVIRONMENT, repository
from tests.grants import TRUSTED
from tests.strategies.small_repositories import SmallRepository, small_repositories
from tests.sweep import SEED, examples, size

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT_OF_STACKS: Final = {"A": "from the environment"}
OPERATOR: Final = OperatorSettings(targets=(HERE,), grants=TRUSTED)


def compared(folder: Path, operator: OperatorSettings) -> tuple[SpecSet, int]:
    """A whole reading of a folder, and how many of its stacks are the same alone."""

    def opened(index: RepositoryIndex | None = None) -> AtmosRepository:
        known = None if index is None else index.manifests
        return AtmosRepository.open(folder, env={}, admits=operator.admits, known=known)

    built = build_specs(opened(), operator, base_path=folder)
    return built, compare_alone(built, operator, opened, base_path=folder)


def test_the_examples_and_repositories_of_others_are_read_alone_as_whole() -> None:
    built, same = compared(ROOT / "examples", load_settings(ROOT / "examples" / "operator.yaml"))
    assert same == len(built.specs) == 3
    for name in ("tf_atmos", "aurora"):
        built, same = compared(ROOT / "tests" / "fixtures" / name, OPERATOR)
        assert built.errors or same == len(built.specs) > 0


def test_the_repositories_of_benchmarks_are_read_alone_as_whole(tmp_path: Path) -> None:
    built, same = compared(generated(tmp_path / "of a worker", 12, 5), OperatorSettings(grants=TRUSTED))
    assert same == len(built.specs) == 12
    Generator(tmp_path / "large", Shape.at(0.05), templates=True).write()
    require_same_stacks(tmp_path / "large")


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(small_repositories())
def test_every_stack_is_resolved_from_its_own_manifests_as_from_all(small: SmallRepository) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = small.write(Path(folder))
        assume(not AtmosRepository.open(root, env=ENVIRONMENT_OF_STACKS).resolve(keep_failing=True).errors)
        require_same_stacks(root)


def require_same_stacks(folder: Path) -> None:
    """Resolve each stack from all manifests, and from those that an index names."""
    whole = AtmosRepository.open(folder, env=ENVIRONMENT_OF_STACKS)
    resolved = whole.resolve(keep_failing=True)
    assert not resolved.errors
    with index_of(build_specs(whole, OPERATOR)) as index:
        assert index.names() == tuple(resolved.stacks)
        for name, stack in resolved.stacks.items():
            alone = AtmosRepository.open(folder, env=ENVIRONMENT_OF_STACKS, known=index.manifests)
            assert alone.stack(name) == stack


def test_repositories_of_the_fuzzer_without_errors_are_read_alone_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    same = 0
    for number in range(size(60, 2_000)):
        folder = tmp_path / str(number)
        folder.mkdir()
        repository(SEED, number, folder)
        try:
            same += compared(folder, OPERATOR)[1]
        except SecretsPipelineError:
            continue
    assert same


def test_a_stack_that_only_another_one_refers_to_has_its_components_by_the_index(bench: Bench) -> None:
    """References of another stack may decide which components are this project's; `bench` compares both readings."""
    place = "context_name: shop, region: eu-west-2"
    bench.settings = OperatorSettings.model_validate(
        {
            "targets": [HERE],
            "grants": [{"preset": "single-team", "readers": "*"}, {"stacks": "app", "outputs": "data"}],
        }
    )
    built = bench.build(
        data=f"""
        components:
          terraform:
            rds/main: {{vars: {{identifier: main, engine: postgres, username: admin, {place}}}}}
        """,
        app=f"""
        components:
          terraform:
            secretsmanager:
              vars:
                environment: app
                {place.replace(", ", chr(10) + " " * 16)}
                secrets: {{url: {{secret_data: !terraform.output rds/main data address}}}}
        """,
    )
    assert built.specs["data"].components == {"rds/main": "rds"}
