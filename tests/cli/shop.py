"""A repository of a test's own, on the embedded AWS, which is empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from secrets_pipeline.cli.demo.call_counts import CallCounts, call_counts
from secrets_pipeline.emulator import LocalAws, calls, reset_calls
from tests.cli.conftest import ATMOS, write
from tests.embedded import emptied, operator

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Shop:
    """A repository, an embedded AWS, and the environment that joins them."""

    aws: LocalAws
    repository: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Result:
        """The command in this process; nothing counted before it."""
        reset_calls(self.aws)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.environment, **environment}.items():
                patch.setenv(name, value)
            whole = [*arguments, "--base-path", str(self.repository)]
            return CliRunner().invoke(app, whole, input=stdin, prog_name="secrets-pipeline")

    @property
    def counts(self) -> CallCounts:
        """What the last command called."""
        return call_counts(calls(self.aws))

    @property
    def secrets(self) -> SecretsManagerClient:
        """Plain boto3, the independent witness."""
        return operator(self.aws).client("secretsmanager", endpoint_url=self.aws.endpoint_url)


def opened(embedded_aws: LocalAws, folder: Path, *, settings: str = "", **stacks: str) -> Shop:
    """A shop where nothing was applied yet.

    Args:
        embedded_aws: is emptied.
        folder: for the repository and DAGSTER_HOME.
        settings: the operator's, as YAML.
        stacks: manifests by the name of their file.
    """
    write(folder / "atmos" / "atmos.yaml", ATMOS)
    for name, text in stacks.items():
        write(folder / "atmos" / "stacks" / f"{name}.yaml", text)
    write(folder / "operator.yaml", settings)
    leading = {"SECRETS_PIPELINE_CONFIG": str(folder / "operator.yaml"), "DAGSTER_HOME": str(folder / "home")}
    aws = emptied(embedded_aws)
    return Shop(aws, folder / "atmos", {**aws.environment(), **leading})
