"""What the images of deploy/compose.yaml have installed, as virtual environments: the wheel with an extra."""

from __future__ import annotations

import compileall
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cli.installed import build_wheel, install
from tests.e2e.conftest import EXAMPLES
from tests.e2e.test_canary import planted

IMAGE: Final = "secrets-pipeline:local"
EXTRAS: Final = {IMAGE: "deploy", "secrets-pipeline:local-aws": "local"}


@dataclass(frozen=True)
class Images:
    """The environments by image, and the repository that all of them carry."""

    environments: Mapping[str, Path]
    repository: Path


def make_images(folder: Path) -> Images:
    """Build the wheel, install it, and copy the examples with a canary in a literal value."""
    folder.mkdir(mode=0o711, exist_ok=True)
    wheel = build_wheel(folder / "wheel")
    environments = {image: folder / extra for image, extra in EXTRAS.items()}
    for image, extra in EXTRAS.items():
        install(wheel, environments[image], extra)
        _compile(environments[image])
    shutil.copytree(EXAMPLES, folder / "atmos")
    planted(folder / "atmos")
    return Images(environments, folder / "atmos")


def _compile(environment: Path) -> None:
    """Compile what pip compiles as it installs: processes of an image write no bytecode. What is linked has it."""
    (packages,) = (environment / "lib").glob("python*/site-packages")
    for folder in packages.iterdir():
        if folder.is_dir() and not folder.is_symlink():
            compileall.compile_dir(folder, quiet=1)
