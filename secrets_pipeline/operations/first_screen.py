"""Look through a repository that declares no secret yet: its stacks, what looks like a secret, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.desired.reading.target import names_production
from secrets_pipeline.desired.survey import Sign, has_signs, remarks, signs, signs_in_terraform
from secrets_pipeline.stacks import AtmosRepository, AtmosStack, StackSource

_CODE: Final = "components"
_MOST_FILES: Final = 20_000
_LONGEST: Final = 1_000_000
"""Bytes of a Terraform file that is read; a longer one is generated."""


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """Summary of stacks that declare no secret.

    Attributes:
        stacks: their names, sorted.
        components: how many they have.
        signs: what looks like a secret.
        remarks: why components that could declare secrets declare none, a sentence each.
        example: the stack to begin with, if possible not production and with a sign; empty if there is no stack.
    """

    stacks: tuple[str, ...]
    components: int
    signs: tuple[Sign, ...]
    remarks: tuple[str, ...]
    example: str


def first_screen(
    source: StackSource, base_path: Path, known: Mapping[str, str], names: Collection[str] | None = None
) -> FirstScreen:
    """Look through stacks, and through the code of the Terraform components beside them; calls no AWS.

    Args:
        source: the repository's stacks.
        base_path: the repository.
        known: `components` of the operator's settings.
        names: the stacks to look through; None for all.

    Raises:
        StackError: if there are no stacks, or a named one does not exist.
    """
    stacks = (
        list(source.resolve(keep_failing=True, keep_unsettled=True).stacks.values())
        if names is None
        else [source.stack(name) for name in sorted(names)]
    )
    found = [*signs(stacks, source.locate), *_in_code(source, base_path, stacks, everywhere=names is None)]
    return FirstScreen(
        stacks=tuple(stack.name for stack in stacks),
        components=sum(len(components) for stack in stacks for components in stack.components.values()),
        signs=tuple(sorted(found)),
        remarks=tuple(remarks(stacks, known)),
        example=min(stacks, key=_as_example).name if stacks else "",
    )


def _as_example(stack: AtmosStack) -> tuple[bool, bool, str]:
    """Rank a stack for a first try: one that is not production, then one that has something like a secret."""
    return names_production(stack.name), not has_signs(stack), stack.name


def _in_code(source: StackSource, base_path: Path, stacks: list[AtmosStack], *, everywhere: bool) -> Iterator[Sign]:
    base = source.config.base if isinstance(source, AtmosRepository) else base_path
    folders = [base / _CODE]
    if isinstance(source, AtmosRepository):
        configured = source.config.kind("terraform").get("base_path")
        folders += [base / configured] if isinstance(configured, str) and configured else []
    used = {
        str((component.resolved.get("metadata") or {}).get("component") or component.base)
        for stack in stacks
        for component in stack.components.get("terraform", {}).values()
    }
    for file in sorted({file for folder in folders for file in _terraform_files(folder, base)}):
        # `components/terraform/app/main.tf` is the code of component `app`.
        if everywhere or any(f"/{name}/" in f"/{file}" for name in used):
            yield from signs_in_terraform(file, (base / file).read_text(errors="replace"))


def _terraform_files(folder: Path, base: Path) -> Iterator[str]:
    """Name the Terraform files below a folder of the repository, relative to its base path; follow no link."""
    if not folder.resolve().is_relative_to(base.resolve()):
        return
    count = 0
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for path in (Path(place) / name for name in names if name.endswith(".tf")):
            count += 1
            if count > _MOST_FILES:
                return
            if not path.is_symlink() and path.is_file() and path.stat().st_size <= _LONGEST:
                yield os.path.relpath(path, base)
