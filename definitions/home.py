"""DAGSTER_HOME for local use: one folder that the command line, the Makefile and `dg` share."""

import os
import shutil
from pathlib import Path

DAGSTER_HOME = "DAGSTER_HOME"
_SETTINGS = "dagster.yaml"
_TEMPLATE = Path(__file__).with_name(_SETTINGS)
_KEPT = ("history", "storage", "schedules")
"""Where Dagster's default storage keeps what runs said, in files that everybody may read."""


def prepare_home(home: Path | None = None) -> Path:
    """Make the folder, with the project's dagster.yaml in it where it has none, and name it in the environment.

    What is made here is its owner's alone; a folder that was there keeps its mode.

    Args:
        home: the folder; DAGSTER_HOME if None, else `.dagster` under the current folder.
    """
    folder = (home or Path(os.environ.get(DAGSTER_HOME) or ".dagster")).resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _KEPT:
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    if not (folder / _SETTINGS).exists():
        shutil.copyfile(_TEMPLATE, folder / _SETTINGS)
    os.environ[DAGSTER_HOME] = str(folder)
    return folder
