"""Compare the desired state of each stack that is read alone, by an index, with the same stack of a whole reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from secrets_pipeline.desired.build_alone import build_alone
from secrets_pipeline.desired.repository_index import RepositoryIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secrets_pipeline.desired.build import SpecSet
    from secrets_pipeline.desired.settings.operator import OperatorSettings
    from secrets_pipeline.stacks import StackSource

Open = Callable[[RepositoryIndex], "StackSource"]
"""Opens the repository with what an index knows of its manifests."""


@contextmanager
def index_of(built: SpecSet) -> Iterator[RepositoryIndex]:
    """The index of a whole reading, written and opened again."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "index"
        made = RepositoryIndex.of(
            built.specs, built.terraform_keys, conclusions=built.conclusions, unreadable=built.errors, file=file
        )
        made.close()
        opened = RepositoryIndex.open(file)
        yield opened
        opened.close()


def compare_alone(
    built: SpecSet,
    settings: OperatorSettings,
    source: Open,
    *,
    base_path: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Read each stack alone, in a repository that is opened for it, and return how many are the same."""
    if built.errors:
        return 0
    with index_of(built) as index:
        for name, spec in built.specs.items():
            alone, said = build_alone(
                source(index), settings, name, index, base_path=base_path, environment=environment
            )
            assert alone == spec
            told = {notice for notice in built.notices if name in built.notices_of.get(notice, {name})}
            assert set(said) >= told
    return len(built.specs)
