"""Small Atmos repositories, written for one test each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from secrets_pipeline.stacks import AtmosRepository, Component

ATMOS = """
base_path: "."
stacks:
  base_path: stacks
  included_paths: ["deploy/**/*"]
components:
  terraform: {base_path: components/terraform}
"""

Write = Callable[[Mapping[str, str]], Path]
Open = Callable[..., AtmosRepository]
Only = Callable[..., Component]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files by path; manifests go below `stacks/`. An `atmos.yaml` is added if none is given."""

    def write_files(files: Mapping[str, str]) -> Path:
        for name, text in {"atmos.yaml": ATMOS, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return tmp_path

    return write_files


@pytest.fixture
def repository(write: Write) -> Open:
    """Write files and open the repository."""

    def open_files(
        files: Mapping[str, str], *, env: Mapping[str, str] | None = None, allow_exec: bool = False
    ) -> AtmosRepository:
        return AtmosRepository.open(write(files), env=env or {}, allow_exec=allow_exec)

    return open_files


@pytest.fixture
def only(repository: Open) -> Only:
    """Resolve one manifest `stacks/deploy/dev.yaml` and others, and give the component `app` of the stack."""

    def component(
        manifest: str,
        others: Mapping[str, str] | None = None,
        *,
        name: str = "app",
        env: Mapping[str, str] | None = None,
        allow_exec: bool = False,
    ) -> Component:
        files = {"stacks/deploy/dev.yaml": manifest, **(others or {})}
        found = repository(files, env=env, allow_exec=allow_exec).resolve()
        assert found.errors == ()
        (stack,) = found.stacks.values()
        return stack.components["terraform"][name]

    return component
