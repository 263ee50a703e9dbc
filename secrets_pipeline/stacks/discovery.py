"""Which files are top-level stack manifests (Atmos `FindAllStackConfigsInPaths`, `pkg/config/utils.go`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.config import AtmosConfig
from secrets_pipeline.stacks.globs import FileTree, compiled

EXTENSIONS: Final = (".yaml", ".yml", ".yaml.tmpl", ".yml.tmpl")


def stack_files(config: AtmosConfig, tree: FileTree) -> list[Path]:
    """Absolute paths of the top-level manifests, sorted by stack file name.

    Raises:
        StackError: if there is none.
    """
    found = {path for pattern in config.included for path in _matches(config.stacks, pattern, tree)}
    for pattern in config.excluded:
        excluded = compiled(os.path.normpath(config.stacks / pattern))
        found = {path for path in found if not excluded.fullmatch(str(path))}
    if not found:
        raise StackError(
            f"no stack manifests found in the paths {', '.join(config.included)} of {config.stacks.name}/",
            where=Where(file="atmos.yaml", key="stacks.included_paths"),
            remedy="Correct stacks.base_path, stacks.included_paths and stacks.excluded_paths.",
        )
    return sorted(found, key=lambda path: (stack_file_name(path, config), path.name))


def stack_file_name(path: Path, config: AtmosConfig) -> str:
    """`atmos_stack_file`: the path below the stacks folder, without its extension."""
    return without_extension(os.path.relpath(path, config.stacks))


def without_extension(name: str) -> str:
    """The name without `.yaml`, `.yml` and a `.tmpl` after them."""
    plain = name.removesuffix(".tmpl")
    return plain.removesuffix(".yaml").removesuffix(".yml")


def _matches(folder: Path, pattern: str, tree: FileTree) -> list[Path]:
    if os.path.splitext(pattern)[1]:  # noqa: PTH122 - the pattern is no path
        return [path for path in tree.matches(folder, pattern) if path.name.endswith(EXTENSIONS)]
    return [path for extension in EXTENSIONS for path in tree.matches(folder, pattern + extension)]
