"""The wheel of this checkout, built and installed without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uv import find_uv_bin

from tests.cli.declared import make_environment

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, used in a folder that is no checkout."""

    environment: Path
    folder: Path

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, with nothing of this process's settings."""
        bare = {
            "PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "VIRTUAL_ENV": str(self.environment),
            "AWS_EC2_METADATA_DISABLED": "true",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
        }
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**bare, **variables},
        )

    def done(self, program: str, *arguments: str, **variables: str) -> str:
        """What a program prints that succeeds."""
        done = self.run(program, *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def build_wheel(folder: Path) -> Path:
    """Build the wheel into an empty folder."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (built,) = folder.iterdir()
    return built


def install(wheel: Path, environment: Path, *extras: str) -> None:
    """Install with what the wheel declares, and have the installer agree that nothing is missing.

    Args:
        wheel: as built.
        environment: made here.
        extras: of the wheel.
    """
    make_environment(environment, wheel, *extras)
    python = str(environment / "bin" / "python")
    for command in (["install", "--no-deps", "--offline", str(wheel)], ["check"]):
        pip = [find_uv_bin(), "pip", *command, "--no-config", "--python", python]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def install_in(wheel: Path, folder: Path, *extras: str) -> Installed:
    """Install it in a folder that is no checkout."""
    install(wheel, folder / "environment", *extras)
    (folder / "elsewhere").mkdir()
    return Installed(folder / "environment", folder / "elsewhere")
