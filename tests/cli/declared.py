"""An environment that holds what a wheel declares and nothing else, linked from the running one: no network."""

from __future__ import annotations

import sys
import venv
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SCRIPT = """#!{python}
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.exit({function}())
"""


def make_environment(folder: Path, wheel: Path, *extras: str) -> Path:
    """Make a virtual environment with the distributions that a wheel declares, and theirs; the wheel is not installed.

    Args:
        folder: where it is made.
        wheel: whose dependencies.
        extras: of the wheel.

    Returns:
        Its site-packages.
    """
    venv.create(folder, symlinks=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    _link(declared(wheel, extras), packages)
    return packages


def declared(wheel: Path, extras: Iterable[str] = ()) -> list[Distribution]:
    """The installed distributions that a wheel's metadata asks for, in any number of steps.

    Raises:
        AssertionError: if one is installed in a version that is not asked for.
    """
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata, _ = parse_email(archive.read(name))
    closure = _Closure()
    closure.take(metadata["requires_dist"], extras)
    return list(closure.found.values())


@dataclass
class _Closure:
    found: dict[str, Distribution] = field(default_factory=dict)
    taken: set[tuple[str, frozenset[str]]] = field(default_factory=set)

    def take(self, requirements: Iterable[str], extras: Iterable[str]) -> None:
        for requirement in map(Requirement, requirements):
            if _applies(requirement, extras):
                self._add(requirement)

    def _add(self, requirement: Requirement) -> None:
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        one = self.found.setdefault(name, distribution(name))
        fits = requirement.specifier.contains(one.version, prereleases=True)
        assert fits, f"{requirement} is asked for, {one.version} is installed"
        if (name, extras) not in self.taken:
            self.taken.add((name, extras))
            self.take(one.requires or (), extras)


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


@cache
def _owners() -> Mapping[str, set[str]]:
    """Top-level file or folder of site-packages → the distributions that have a part in it."""
    owners = defaultdict(set)
    for one in distributions():
        # Asked for the name, a distribution reads all of its metadata.
        name = one.name
        for path in one.files or ():
            owners[path.parts[0]].add(name)
    return owners


def _link(wanted: Iterable[Distribution], packages: Path) -> None:
    """Link files and folders that belong to one distribution alone as they are, all others file by file."""
    owners = _owners()
    for one in wanted:
        home = Path(str(one.locate_file("")))
        for path in one.files or ():
            first, *rest = path.parts
            if first == "..":
                continue
            # An installer sees no folder of metadata that is a link.
            whole = len(owners[first]) == 1 and not first.endswith(".dist-info")
            place = Path(first) if whole else Path(first, *rest)
            if not (packages / place).exists():
                (packages / place).parent.mkdir(parents=True, exist_ok=True)
                (packages / place).symlink_to(home / place)
        for script in one.entry_points.select(group="console_scripts"):
            _write_script(packages.parents[2] / "bin", script.name, script.module, script.attr)


def _write_script(folder: Path, name: str, module: str, function: str) -> None:
    script = folder / name
    script.write_text(SCRIPT.format(python=folder / Path(sys.executable).name, module=module, function=function))
    script.chmod(0o755)
