"""Every command that a page names is run by a script of .ci/; the table of the other emulators is what a run prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docs.documented_commands import JOBS, ROOT, commands, documented, jobs, run_by

SLOW = ROOT / ".ci" / "slow"


def test_each_documented_command_is_run_by_a_script_of_ci() -> None:
    found = jobs()
    assert [command for command, job in found.items() if not job] == []
    assert {"make test", "make demo", "benchmarks/chain.py --before", "python -m tests.hostile"} <= set(found)


def test_every_benchmark_is_named_on_a_page_or_run() -> None:
    run = frozenset().union(*map(run_by, JOBS))
    programs = [one for one in (ROOT / "benchmarks").glob("*.py") if "__main__" in one.read_text()]
    forgotten = {f"benchmarks/{one.name}" for one in programs} - run - set(documented())
    assert forgotten == set()


def test_commands_are_found_in_code_alone_with_the_options_beside_them(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "benchmarks" / "chain.py").touch()
    (tmp_path / "tests" / "fuzz.py").touch()
    (tmp_path / "Makefile").write_text("demo: venv ## Show it\n\t$(BIN)/python -m tests.fuzz\n\nvenv:\n\ttrue\n")
    (tmp_path / "README.md").write_text("To make demo of it: `chain.py --before X`, `other.py`, `python -m pip`.\n")
    (tmp_path / "CONTRIBUTING.md").write_text("```sh\nmake demo   # and more\n```\n")
    assert documented(tmp_path) == {
        "benchmarks/chain.py": ["README.md"],
        "benchmarks/chain.py --before": ["README.md"],
        "make demo": ["CONTRIBUTING.md"],
    }
    script = tmp_path / "script"
    script.write_text('# make venv alone\nrun "$python" benchmarks/chain.py\nmake -C folder demo\n')
    assert run_by("script", tmp_path) == {"benchmarks/chain.py", "make demo", "make venv", "python -m tests.fuzz"}


def test_a_variable_may_stand_for_python() -> None:
    assert list(commands('"$python" -m tests.hostile\n$(BIN)/python -m pip')) == ["python -m tests.hostile"]


def test_the_slow_script_has_a_workflow_that_somebody_starts() -> None:
    written = ROOT / ".github" / "workflows" / "slow.yml"
    assert written.is_file()
    workflow = yaml.safe_load(written.read_text())
    # YAML reads the key `on` as true.
    assert workflow[True] == {"workflow_dispatch": None}
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1]["run"].splitlines()[-1] == ".ci/slow"
    assert SLOW.stat().st_mode & 0o111


def test_the_slow_script_has_the_oldest_and_the_newest_dagster() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *(one for some in project["optional-dependencies"].values() for one in some)]
    ranges = {found[1]: found[2] for one in needed if (found := re.fullmatch(r"(dagster[a-z0-9-]*)(>=.+,<.+)", one))}
    # Each of Dagster's packages wants the others in its own version: 1.13.3 is 0.29.3 of the libraries.
    assert set(ranges) == {re.split(r"[^a-z0-9-]", one)[0] for one in needed if one.startswith("dagster")}
    assert set(ranges.values()) == {">=1.13.3,<1.14", ">=0.29.3,<0.30"}
    commands = SLOW.read_text().splitlines()
    assert {"run make oldest-dagster", "run make newest-dagster"} <= set(commands)


def test_the_page_of_evidence_has_the_table_of_a_run_on_other_emulators_that_passes() -> None:
    command = [sys.executable, "benchmarks/backend_run.py", "--declared"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "evidence.md").read_text()
    _, _, after = page.partition("<!-- benchmarks/backend_run.py -->\n")
    assert after.startswith(done.stdout), "benchmarks/backend_run.py --declared prints what belongs there"


@pytest.mark.parametrize("script", JOBS)
def test_the_scripts_of_ci_are_shell(script: str) -> None:
    assert (ROOT / script).is_file()
    assert (ROOT / script).read_text().startswith("#!/usr/bin/env bash\n")
