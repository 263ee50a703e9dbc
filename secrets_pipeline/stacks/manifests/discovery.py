"""Find the top-level stack manifests (Atmos `FindAllStackConfigsInPaths`, `pkg/config/utils.go`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config.config import AtmosConfig
from secrets_pipeline.stacks.files.disk import is_file
from secrets_pipeline.stacks.files.globs import FileTree, compiled
from secrets_pipeline.stacks.files.readable import EXTENSIONS


def stack_files(config: AtmosConfig, tree: FileTree) -> list[Path]:
    """Absolute paths of the top-level manifests, sorted by stack file name.

    Raises:
        StackError: if there is none, or a pattern is invalid.
    """
    try:
        found = {path for pattern in config.included for path in _matches(config.stacks, pattern, tree)}
    except StackError as error:
        raise StackError(error.message, remedy=error.remedy, where=config.where("stacks", "included_paths")) from None
    try:
        excluded = [compiled(os.path.normpath(pattern)) for pattern in config.excluded]
    except StackError as error:
        raise StackError(error.message, remedy=error.remedy, where=config.where("stacks", "excluded_paths")) from None
    left = {path for path in found if not any(matches(_below(path, config)) for matches in excluded)}
    if not left:
        raise StackError(
            f"no stack manifests found in the paths {', '.join(config.included)} of {config.stacks.name}/",
            where=config.where("stacks", "included_paths"),
            remedy="Correct stacks.base_path, stacks.included_paths and stacks.excluded_paths; the base path is "
            f"{config.base} ({config.where('base_path')}).",
        )
    return in_order(left, config)


def in_order(paths: Iterable[Path], config: AtmosConfig) -> list[Path]:
    """Sort top-level manifests as Atmos reads them."""
    return sorted(paths, key=lambda path: (stack_file_name(path, config), path.name))


def stack_file_name(path: Path, config: AtmosConfig) -> str:
    """`atmos_stack_file`: the path below the stacks folder, without its extension."""
    return without_extension(_below(path, config))


def manifest_file(name: str, config: AtmosConfig) -> str:
    """The file that an `atmos_stack_file` names, relative to the base path; with `.yaml` if there is no such file."""
    paths = [Path(os.path.normpath(config.stacks / f"{name}{extension}")) for extension in EXTENSIONS]
    return os.path.relpath(next(filter(is_file, paths), paths[0]), config.base)


def without_extension(name: str) -> str:
    """The name without `.yaml`, `.yml` and a `.tmpl` after them."""
    plain = name.removesuffix(".tmpl")
    return plain.removesuffix(".yaml").removesuffix(".yml")


def _below(path: Path, config: AtmosConfig) -> str:
    return os.path.relpath(path, config.stacks)


def is_top_level(name: str, config: AtmosConfig) -> bool:
    """Tell whether Atmos would read a file as a stack of its own.

    Args:
        name: of a file that need not exist, relative to the stacks folder, with `.yaml`.
        config: says which files are stacks.
    """
    included = (one for pattern in config.included for one in _with_extensions(os.path.normpath(pattern.lstrip("/"))))
    excluded = (os.path.normpath(pattern) for pattern in config.excluded)
    return any(compiled(one)(name) for one in included) and not any(compiled(one)(name) for one in excluded)


def _matches(folder: Path, pattern: str, tree: FileTree) -> list[Path]:
    relative = pattern.lstrip("/")  # Atmos joins it to the folder, absolute or not
    compiled(relative)  # so that an error shows the pattern as it is written
    found = (path for one in _with_extensions(relative) for path in tree.matches(folder, one))
    return [path for path in found if path.name.endswith(EXTENSIONS)]


def _with_extensions(pattern: str) -> list[str]:
    if "." in pattern.rpartition("/")[2]:
        return [pattern]
    return [pattern + extension for extension in EXTENSIONS]
