from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from secrets_pipeline.emulator import LocalAws, empty, reset_calls, reset_conditions
from tests.cli.access.access_shop import AccessShop, opened
from tests.embedded import lead_to

EXAMPLES = Path(__file__).parents[2] / "examples"
CANARY = "canary-Zx81-literal-value"

Cli = Callable[..., Result]

ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
DEV = f"""
    vars:
      context_name: shop
      environment: dev
      account_id: "111122223333"
      region: eu-west-2
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              token:
                path: api
                generate_random_password: true
              config:
                path: api
                secret_data:
                  endpoint: https://partner.example
                  pin: {CANARY}
"""
BROKEN = """
    vars:
      context_name: shop
      environment: broken
      account_id: "111122223333"
      region: eu-west-2
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            secrets:
              nothing: {path: api, secret_data: x, generate_random_password: true}
"""


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables so wide that each row is a line, as a script has them by COLUMNS."""
    monkeypatch.setenv("COLUMNS", "1000")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No AWS, Atmos or pipeline setting of whoever runs the tests; what a command sets is undone."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("AWS_", "ATMOS_", "SECRETS_PIPELINE_", "DAGSTER_")) or name in {"COLUMNS", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    # A test may have set what a command had set before: what the fixture keeps of it is the command's.
    monkeypatch.undo()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def cli() -> Cli:
    """Runs the command line in this process."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="secrets-pipeline")

    return run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the stack shop-dev."""
    folder = tmp_path / "atmos"
    write(folder / "atmos.yaml", ATMOS)
    write(folder / "stacks" / "dev.yaml", DEV)
    return folder


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DAGSTER_HOME is a new folder beside the repository."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Operator's settings that grant every boundary but values of other stacks and SSM documents."""
    settings = tmp_path / "trusted.yaml"
    settings.write_text("grants: {preset: single-team, readers: ['*']}\n")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(settings))


@pytest.fixture
def half_broken(repository: Path) -> Path:
    """The same, with a second stack whose secret has two values."""
    write(repository / "stacks" / "broken.yaml", BROKEN)
    return repository


@pytest.fixture
def aws(embedded_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The embedded AWS for tests that only read: empty, nothing counted yet, the environment leads to it."""
    reset_conditions(embedded_aws)
    empty(embedded_aws)
    lead_to(embedded_aws, monkeypatch)
    reset_calls(embedded_aws)
    return embedded_aws


@pytest.fixture(scope="module")
def access_shop(embedded_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> AccessShop:
    """Secrets with readers; a test that changes a policy there puts it back."""
    return opened(embedded_aws, tmp_path_factory.mktemp("access"), ATMOS)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
