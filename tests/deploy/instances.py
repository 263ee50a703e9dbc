"""Dagster instances as a deployment's dagster.yaml says them, without their database."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster._core.instance.ref import InstanceRef

_VARIABLES = {"HOST": "127.0.0.1", "PORT": "5432", "USERNAME": "dagster", "PASSWORD": "x", "DB": "dagster"}


def instance_of(folder: Path, settings: str, patch: pytest.MonkeyPatch) -> InstanceRef:
    """Read and validate a dagster.yaml; its parts are made when they are asked for.

    Args:
        folder: becomes DAGSTER_HOME.
        settings: text of the file.
        patch: sets the variables that the file names.
    """
    (folder / "dagster.yaml").write_text(settings)
    for name, value in _VARIABLES.items():
        patch.setenv(f"DAGSTER_PG_{name}", value)
    patch.setenv("TMPDIR", str(folder))
    return InstanceRef.from_dir(str(folder))
