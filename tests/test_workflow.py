"""GitHub runs what CI runs, on each Python that the wheel names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
JOB: Final[dict[str, Any]] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["ci"]


def test_the_workflow_has_each_python_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [
        one.removeprefix("Programming Language :: Python :: ") for one in project["classifiers"] if "Python" in one
    ]
    assert JOB["strategy"]["matrix"]["python"] == named
    assert JOB["container"]["image"] == "python:${{ matrix.python }}-trixie"


def test_the_workflow_runs_all_that_ci_runs() -> None:
    last = JOB["steps"][-1]["run"].splitlines()[-1]
    assert last == ".ci/run"
    assert (ROOT / last).stat().st_mode & 0o111
