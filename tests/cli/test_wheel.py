"""The wheel, where there is no checkout: it applies a stranger's repository, and says what needs a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from uv import find_uv_bin

from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.rotation.package import build_package
from tests.cli.conftest import ATMOS, DEV, write
from tests.embedded import operator

ROOT: Final = Path(__file__).parents[2]
DEPENDENCIES: Final = sorted({sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")})
WHERE: Final = """
import json, sys
import secrets_pipeline, secrets_pipeline.orchestration.code_location as location
from secrets_pipeline.rotation.package import build_package
found = [location.__file__, secrets_pipeline.__file__]
print(json.dumps({"path": sys.path, "modules": found, "package": build_package().sha256}))
"""


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, used in a folder that is no checkout."""

    environment: Path
    folder: Path

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, with nothing of this process's settings."""
        bare = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true"}
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**bare, **variables},
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built and installed without a network; what the wheel depends on comes from the running environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    install = [find_uv_bin(), "pip", "install", "--offline", "--no-deps", "--no-config", "--python"]
    subprocess.run([*install, environment / "bin" / "python", wheel], check=True, capture_output=True)
    (packages,) = (environment / "lib").glob("python*/site-packages")
    # Path configuration files in there, that of the editable checkout above all, are not read.
    (packages / "dependencies.pth").write_text("".join(f"{one}\n" for one in DEPENDENCIES))
    (folder / "elsewhere").mkdir()
    return Installed(environment, folder / "elsewhere")


def test_nothing_of_the_checkout_is_on_the_path_of_the_wheel(installed: Installed) -> None:
    done = installed.run("python", "-c", WHERE)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [one for one in said["path"] if Path(one).is_relative_to(ROOT) and one not in DEPENDENCIES] == []
    assert all(Path(one).is_relative_to(installed.environment) for one in said["modules"])
    assert said["package"] == build_package().sha256


def test_the_wheel_applies_in_a_foreign_folder(installed: Installed, aws: LocalAws) -> None:
    write(installed.folder / "atmos.yaml", ATMOS)
    write(installed.folder / "stacks" / "dev.yaml", DEV)
    done = installed.run("secrets-pipeline", "apply", "-s", "shop-dev", **aws.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert (installed.folder / ".dagster" / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()
    secrets = operator(aws).client("secretsmanager", endpoint_url=aws.endpoint_url)
    assert "endpoint" in secrets.get_secret_value(SecretId="shop/dev/api/config")["SecretString"]
    done = installed.run("secrets-pipeline", "plan", "--detailed-exitcode", **aws.environment())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["demo", "dev"])
def test_what_needs_the_examples_says_that_it_needs_a_checkout(installed: Installed, command: str) -> None:
    done = installed.run("secrets-pipeline", command)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the examples are in a checkout of the project only, and this is none\n")
    assert "name a repository with --base-path" in done.stderr
