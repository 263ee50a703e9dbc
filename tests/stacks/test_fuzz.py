"""Repositories with mistakes: whatever they are, the answer is stacks or errors of our own, each with a place."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.settings.operator import OperatorSettings, TargetRule
from secrets_pipeline.errors import SecretsPipelineError, StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks import AtmosRepository, AtmosStack
from tests.grants import TRUSTED
from tests.strategies.small_repositories import MutatedRepository, mutated_repositories
from tests.sweep import examples

OPERATOR = OperatorSettings(
    grants=TRUSTED,
    targets=(TargetRule(stacks="*", account_id="111122223333", region="eu-west-2"),),
)
PATHS = [("vars",), ("vars", "a", 0, "b"), ("metadata", "inherits", 1), ("nothing",)]


def is_plain(value: Value) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(is_plain(inner) for inner in value)
    return value is None or isinstance(value, str | int | float)


def require_place(error: SecretsPipelineError, folder: Path) -> None:
    """The error says something, of a file that is there."""
    assert error.message.strip()
    assert error.where is not None, error
    assert error.where.file is not None, error
    assert (folder / error.where.file).is_file(), error
    for step in error.chain:
        assert (folder / step).is_file(), error


def require_whole(stack: AtmosStack, repository: AtmosRepository, folder: Path) -> None:
    """Everything of a stack can be read and located."""
    for kind, components in stack.components.items():
        for name, component in components.items():
            assert (component.kind, component.name, component.stack) == (kind, name, stack.name)
            assert is_plain(component.resolved)
            for section in (component.vars, component.settings, component.env, component.metadata):
                assert isinstance(section, dict)
            for path in PATHS:
                place = repository.locate(component, path).file
                assert place is not None
                assert (folder / place).is_file()


def exercise(files: MutatedRepository, folder: Path) -> None:
    """Use the repository in every way there is."""
    root = files.write(folder)
    try:
        repository = AtmosRepository.open(root, env={"A": "from the environment"})
        found = repository.resolve()
        names = repository.stack_names()
    except StackError as error:
        require_place(error, root)
        return
    for problem in found.errors:
        require_place(problem, root)
    assert set(found.stacks) <= set(names)
    for stack in found.stacks.values():
        require_whole(stack, repository, root)
    for problems in build_specs(repository, OPERATOR, base_path=root, environment={}).errors.values():
        assert all(problem.message.strip() for problem in problems)


@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated_repositories())
def test_a_repository_with_mistakes_gives_stacks_or_errors_of_ours(repository: MutatedRepository) -> None:
    with tempfile.TemporaryDirectory() as folder:
        exercise(repository, Path(folder))
