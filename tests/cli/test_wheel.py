"""The wheel with the dependencies that it declares, where there is no checkout: it serves a stranger's repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.rotation.package import build_package
from tests.cli.conftest import ATMOS, DEV, write
from tests.cli.installed import ROOT, Installed, build_wheel, install_in
from tests.embedded import operator

WHERE: Final = """
import importlib.util, json, sys
import secrets_pipeline, secrets_pipeline.orchestration.code_location as location
found = [location.__file__, secrets_pipeline.__file__]
names = ["dagster", "dagster_webserver", "definitions", "moto", "pg8000", "pytest", "tests"]
importable = [name for name in names if importlib.util.find_spec(name)]
print(json.dumps({"path": sys.path, "modules": found, "importable": importable}))
"""
COMPONENT: Final = "secrets_pipeline.orchestration.SecretsPipelineComponent"
PROJECT: Final = """
    [project]
    name = "shop-data"
    version = "1.0"
    [tool.dg]
    directory_type = "project"
    [tool.dg.cli.telemetry]
    enabled = false
    [tool.dg.project]
    root_module = "shop_data"
"""
DEFINITIONS: Final = """
    from pathlib import Path

    import dagster as dg

    defs = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""
ORDERS: Final = """
    import dagster as dg


    @dg.asset(deps=["connection_secrets"])
    def orders() -> None:
        \"\"\"Of somebody else.\"\"\"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Without extras: the embedded AWS runs in this process's environment."""
    made = install_in(wheel, tmp_path_factory.mktemp("installed"))
    write(made.folder / "atmos.yaml", ATMOS)
    write(made.folder / "stacks" / "dev.yaml", DEV)
    return made


def test_nothing_of_the_checkout_and_nothing_undeclared_is_importable(installed: Installed) -> None:
    said = json.loads(installed.done("python", "-c", WHERE))
    assert [one for one in said["path"] if Path(one).is_relative_to(ROOT)] == []
    assert all(Path(one).is_relative_to(installed.environment) for one in said["modules"])
    assert said["importable"] == ["dagster", "pg8000"]


def test_a_program_that_imports_it_is_checked_by_its_types(installed: Installed) -> None:
    program = "from secrets_pipeline.errors import SecretsPipelineError\nSecretsPipelineError('a', remedy=1)\n"
    write(installed.folder / "program.py", program)
    checker = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull]
    checker += ["--python-executable", str(installed.environment / "bin" / "python"), "program.py"]
    said = subprocess.run(checker, check=False, capture_output=True, text=True, cwd=installed.folder).stdout
    assert said.splitlines()[0].startswith('program.py:2: error: Argument "remedy" to "SecretsPipelineError"')


def test_it_brings_its_licence(installed: Installed) -> None:
    (licence,) = installed.environment.glob("lib/*/site-packages/secrets_pipeline-*.dist-info/licenses/LICENSE")
    assert licence.read_text() == (ROOT / "LICENSE").read_text()


def test_it_explains_itself(installed: Installed) -> None:
    said = installed.done("secrets-pipeline", "--help")
    assert all(f" {command} " in said for command in ("plan", "apply", "verify", "rotate", "access", "rotation", "dev"))


def test_the_wheel_plans_applies_and_verifies_in_a_foreign_folder(installed: Installed, aws: LocalAws) -> None:
    environment = aws.environment()
    planned = installed.run("secrets-pipeline", "plan", "--detailed-exitcode", **environment)
    assert planned.returncode == 2, planned.stdout + planned.stderr
    installed.done("secrets-pipeline", "apply", "-s", "shop-dev", **environment)
    assert (installed.folder / ".dagster" / "dagster.yaml").read_text() == (
        ROOT / "secrets_pipeline" / "orchestration" / "shared" / "dagster.yaml"
    ).read_text()
    secrets = operator(aws).client("secretsmanager", endpoint_url=aws.endpoint_url)
    assert "endpoint" in secrets.get_secret_value(SecretId="shop/dev/api/config")["SecretString"]
    installed.done("secrets-pipeline", "plan", "--detailed-exitcode", **environment)
    installed.done("secrets-pipeline", "verify", "-s", "shop-dev", **environment)


def test_the_rotation_package_is_the_same_to_the_byte(installed: Installed) -> None:
    installed.done("secrets-pipeline", "rotation", "package", "-o", "function.zip")
    assert (installed.folder / "function.zip").read_bytes() == build_package().content


@pytest.mark.parametrize("command", ["demo", "dev"])
def test_what_needs_the_examples_says_that_it_needs_a_checkout(installed: Installed, command: str) -> None:
    done = installed.run("secrets-pipeline", command)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the examples are in a checkout of the project only, and this is none\n")
    assert "name a repository with --base-path" in done.stderr


@pytest.mark.parametrize("command", [("local", "start"), ("demo", "--base-path", "."), ("dev", "--base-path", ".")])
def test_without_the_extra_it_says_at_once_what_to_install(installed: Installed, command: tuple[str, ...]) -> None:
    done = installed.run("secrets-pipeline", *command)
    assert done.returncode == 1
    assert "error: The embedded AWS is not installed: there is no moto and no trustme." in done.stderr
    assert "pip install '.[local]' in a checkout" in done.stderr
    assert not (installed.folder / ".local-aws").exists()


def test_another_dagster_project_has_the_pipeline_by_a_few_lines(wheel: Path, tmp_path: Path) -> None:
    project = install_in(wheel, tmp_path, "local")
    package = project.folder / "src" / "shop_data"
    write(project.folder / "pyproject.toml", PROJECT)
    write(package / "__init__.py", "")
    write(package / "definitions.py", DEFINITIONS)
    write(package / "defs" / "__init__.py", "")
    write(package / "defs" / "orders.py", ORDERS)
    write(package / "defs" / "secrets" / "defs.yaml", f"type: {COMPONENT}\n")
    path = {"PYTHONPATH": str(package.parent)}
    listed = json.loads(project.done("dg", "list", "components", "--json", **path))
    assert COMPONENT in [one["key"] for one in listed["items"]]
    assert "All definitions loaded successfully." in project.done("dg", "check", "defs", **path)
    defined = json.loads(project.done("dg", "list", "defs", "--json", **path))
    assert {"orders", "connection_secrets", "stack_report"} <= {one["asset_key"] for one in defined["assets"]}
