"""Find in the Terraform code of a component whether it makes an RDS instance or an Aurora cluster."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from secrets_pipeline.desired.kinds import physical_name
from secrets_pipeline.stacks import Component, read_text
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.readable import ReadableFiles


class Makes(StrEnum):
    """A kind of database that Terraform code makes, by the resource that it declares."""

    CLUSTER = "aws_rds_cluster"
    INSTANCE = "aws_db_instance"


_TEXT_OR_COMMENT: Final = re.compile(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/|(?:#|//)[^\n]*', re.DOTALL)
_RESOURCE: Final = re.compile(rf'^\s*resource\s+"({"|".join(Makes)})"', re.MULTILINE)
_SOURCE: Final = re.compile(r'^\s*source\s*=\s*"([^"]+)"', re.MULTILINE)
_MODULES: Final = (
    (Makes.CLUSTER, re.compile(r"(cloudposse/rds-cluster|terraform-aws-modules/rds-aurora)/aws")),
    (Makes.INSTANCE, re.compile(r"(cloudposse/rds|terraform-aws-modules/rds)/aws(//modules/db_instance)?")),
    (Makes.CLUSTER, re.compile(r"[^?]*/terraform-aws-rds-(cluster|aurora)(\.git)?/?(\?.*)?")),
    (Makes.INSTANCE, re.compile(r"[^?]*/terraform-aws-rds(\.git)?/?(\?.*)?")),
)
"""Modules by their address in the registry or in git.

Sources: https://registry.terraform.io/modules/cloudposse/rds-cluster/aws,
https://registry.terraform.io/modules/cloudposse/rds/aws,
https://registry.terraform.io/modules/terraform-aws-modules/rds-aurora/aws,
https://registry.terraform.io/modules/terraform-aws-modules/rds/aws
"""


_Made: TypeAlias = "frozenset[Makes] | None"
_known: WeakKeyDictionary[disk.Seen, dict[tuple[Path, str], _Made]] = WeakKeyDictionary()
"""Databases by folder, for each reading: files do not change while it lasts."""


def databases_made(component: Component, base_path: Path | None) -> frozenset[Makes] | None:
    """Read the component's `*.tf` files for the databases that they make.

    Args:
        component: as resolved; `component_info.component_path` names its folder.
        base_path: of the repository; None if no file may be read.

    Returns:
        The kinds of databases, empty if the code makes none; None if there is no code to read, as for a component that
        is vendored later.
    """
    info = component.resolved.get("component_info")
    folder = info.get("component_path") if isinstance(info, dict) else None
    if base_path is None or not isinstance(folder, str) or not folder:
        return None
    seen = disk.current()
    known = {} if seen is None else _known.setdefault(seen, {})
    if (base_path, folder) not in known:
        known[base_path, folder] = _made_in(base_path, folder)
    return known[base_path, folder]


def makes_cluster(component: Component, made: frozenset[Makes] | None) -> bool:
    """Whether an Aurora cluster is to be expected of a component, by what its Terraform code makes or by its name."""
    if made:
        return Makes.CLUSTER in made and Makes.INSTANCE not in made
    return any(part.startswith("aurora-") for part in physical_name(component).split("/"))


def made_by(code: str) -> frozenset[Makes]:
    """Find the kinds of databases that a text of Terraform declares, itself or by a well-known module."""
    plain = _TEXT_OR_COMMENT.sub(lambda one: one[1] or "", code)
    declared = {Makes(name) for name in _RESOURCE.findall(plain)}
    sources = _SOURCE.findall(plain)
    return frozenset(declared | {made for made, module in _MODULES if any(map(module.fullmatch, sources))})


def _made_in(base_path: Path, folder: str) -> _Made:
    readable = ReadableFiles(base_path)
    files = [one.name for one in disk.entries(base_path / folder) if one.name.endswith(".tf") and not one.is_folder]
    texts = [text for name in files if (text := _text(readable, base_path / folder / name))]
    return frozenset(made for text in texts for made in made_by(text)) if texts else None


def _text(readable: ReadableFiles, file: Path) -> str:
    try:
        return read_text(file) if readable.problem(file) is None else ""
    except (OSError, ValueError):
        return ""
