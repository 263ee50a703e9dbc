"""Find in the Terraform code of a component whether it makes an RDS instance or an Aurora cluster."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self, TypeAlias
from weakref import WeakKeyDictionary

from secrets_pipeline.desired.kinds import physical_name
from secrets_pipeline.stacks import Component, read_text
from secrets_pipeline.stacks.files import disk
from secrets_pipeline.stacks.files.readable import OUTSIDE, ReadableFiles


class Makes(StrEnum):
    """A kind of database that Terraform code makes, by the resource that it declares."""

    CLUSTER = "aws_rds_cluster"
    INSTANCE = "aws_db_instance"


_CODE: Final = (".tf", ".tf.json", ".tofu")
"""Endings of Terraform's and OpenTofu's code, of which the first is read."""
_TEXT_OR_COMMENT: Final = re.compile(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/|(?:#|//)[^\n]*', re.DOTALL)
_RESOURCE: Final = re.compile(rf'^\s*resource\s+"({"|".join(Makes)})"', re.MULTILINE)
_SOURCE: Final = re.compile(r'^\s*source\s*=\s*"([^"]+)"', re.MULTILINE)
_LIKE_A_DATABASE: Final = re.compile(r"rds|aurora|database|postgres|mysql|maria|(?<![a-z])db(?![a-z])", re.IGNORECASE)
"""In the address of a module that nobody knows: it may make one."""
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
        The kinds of databases, empty if the code makes none. None if that is not known: there is no code, as for a
        component that is vendored later, a file may not be read, or a module is called like a database and nobody knows
        what is in it.
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


@dataclass(frozen=True, slots=True)
class Code:
    """What a text of Terraform says of databases.

    Attributes:
        makes: the kinds that it declares, itself or by a well-known module.
        local: its modules in folders of the repository, by their relative paths.
        is_known: whether all other modules are known to make none.
    """

    makes: frozenset[Makes]
    local: tuple[str, ...] = ()
    is_known: bool = True

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a text of Terraform."""
        plain = _TEXT_OR_COMMENT.sub(lambda one: one[1] or "", text)
        sources = _SOURCE.findall(plain)
        local = tuple(one for one in sources if one.startswith(("./", "../")))
        by_source = {one: {made for made, module in _MODULES if module.fullmatch(one)} for one in {*sources} - {*local}}
        declared = {Makes(name) for name in _RESOURCE.findall(plain)}
        unknown = [one for one, made in by_source.items() if not made and _LIKE_A_DATABASE.search(one)]
        return cls(frozenset(declared.union(*by_source.values())), local, not unknown)


def _made_in(base_path: Path, folder: str) -> _Made:
    """Read a component's folder, and those of its local modules."""
    readable, found, is_known = ReadableFiles(base_path), set[Makes](), True
    # Its own folder may make a database, a local module if it is called like one.
    folders = {posixpath.normpath(folder): True}
    queue = list(folders)
    for one in queue:
        texts = _texts(readable, base_path / one)
        is_known &= not folders[one] or (bool(texts) and None not in texts)
        for code in (Code.of(text) for text in texts if text is not None):
            found |= code.makes
            is_known &= code.is_known
            local = {posixpath.normpath(posixpath.join(one, source)): source for source in code.local}
            new = {place: source for place, source in local.items() if place not in folders}
            folders |= {place: _LIKE_A_DATABASE.search(source) is not None for place, source in new.items()}
            queue += new
    return frozenset(found) if found or is_known else None


def _texts(readable: ReadableFiles, folder: Path) -> list[str | None]:
    if readable.problem(folder) is OUTSIDE:
        return []
    names = [entry.name for entry in disk.entries(folder) if not entry.is_folder]
    return [_text(readable, folder / name) for name in names if name.endswith(_CODE)]


def _text(readable: ReadableFiles, file: Path) -> str | None:
    try:
        return read_text(file) if file.suffix == ".tf" and readable.problem(file) is None else None
    except (OSError, ValueError):
        return None
