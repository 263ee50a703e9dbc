"""Build the desired state of one stack; an index answers the questions about all stacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from secrets_pipeline.desired.atmos_secrets.components import with_declared
from secrets_pipeline.desired.build import build_stack, check_outside, locating
from secrets_pipeline.desired.reading.interpolation import Dialect
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.repository_index import RepositoryIndex
from secrets_pipeline.stacks import AtmosStack, StackSource

if TYPE_CHECKING:
    from secrets_pipeline.desired.settings.operator import OperatorSettings
    from secrets_pipeline.desired.stack import StackSpec


def build_alone(
    repository: StackSource,
    settings: OperatorSettings,
    name: str,
    index: RepositoryIndex,
    *,
    base_path: FilePath | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[StackSpec, tuple[str, ...]]:
    """Build the desired state of one stack, and of no other one; see `build_specs`.

    Args:
        repository: of which the stack is resolved, and those that it refers to.
        settings: the operator's.
        name: of the stack.
        index: what a reading of all stacks, under the same settings, has found.
        base_path: see `build_specs`.
        environment: see `build_specs`.

    Returns:
        The desired state, and the notices of the stack.

    Raises:
        SecretsPipelineError: if the stack has an error; the index was made of a repository without any.
    """
    stacks = _Resolved(repository, settings, index)
    ours = _OursOf(index)
    scope = StackScope(
        stack=stacks[name],
        locate=locating(repository.locate),
        settings=settings,
        base_path=base_path,
        environment=environment or {},
        stacks=stacks,
        ours=ours,
        dialect=Dialect(is_used=index.reads_references),
    )
    check_outside(scope)
    spec = build_stack(scope).model_copy(
        update={"contested": index.contested(name), "contested_outputs": index.contested_outputs(name)}
    )
    return spec, tuple(dict.fromkeys((*index.notices(name), *scope.notices)))


class _Resolved(Mapping[str, AtmosStack]):
    """Map each stack to its resolved components; a stack is resolved on first access."""

    def __init__(self, repository: StackSource, settings: OperatorSettings, index: RepositoryIndex) -> None:
        self._repository = repository
        self._settings = settings
        self._names = dict.fromkeys(index.names())
        self._found: dict[str, AtmosStack] = {}

    def __getitem__(self, name: str) -> AtmosStack:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._found:
            self._found |= with_declared({name: self._repository.stack(name)}, self._settings)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _OursOf(Mapping[str, Mapping[str, str]]):
    """The components that are this project's affair, as an index has them."""

    def __init__(self, index: RepositoryIndex) -> None:
        self._index = index

    def __getitem__(self, name: str) -> Mapping[str, str]:
        return self._index.components(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.names())

    def __len__(self) -> int:
        return len(self._index.names())
