"""A command imports what it needs and no more, and Ctrl-C is quiet while it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES
from tests.cli.processes import environment

TOLD = """
import atexit, sys
atexit.register(lambda: print("imported:", *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr))
from secrets_pipeline.cli import main
main()
"""
INTERRUPTED_SENTENCE = "interrupted: what was finished stays, and the same command goes on from there"
INTERRUPTED = """
import sys

class Interrupts:
    module = sys.argv.pop(1)

    def find_spec(self, name, path, target=None):
        if name == self.module:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from secrets_pipeline.cli import main
main()
"""
AWS = {"boto3", "botocore"}
HEAVY = AWS | {"dagster", "pg8000", "rich", "sqlalchemy", "cryptography"}


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "SECRETS_PIPELINE_CONFIG": str(EXAMPLES / "operator.yaml"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    whole = [sys.executable, "-c", program, *arguments]
    return subprocess.run(whole, env=environment(**variables), check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "code", "unneeded"),
    [
        (("--help",), 0, HEAVY | {"typer", "pydantic", "yaml"}),
        (("tree", "--base-path", str(EXAMPLES)), 0, HEAVY),
        (("describe", "stacks", "-s", "infra-*", "--base-path", str(EXAMPLES)), 0, HEAVY - {"rich"}),
        (("plan", "--offline", "--format", "json", "--base-path", str(EXAMPLES)), 0, HEAVY - {"rich"}),
        # There are no credentials.
        (("plan", "--base-path", str(EXAMPLES)), 1, {"dagster"}),
    ],
)
def test_a_command_imports_nothing_that_it_does_not_need(
    arguments: tuple[str, ...], code: int, unneeded: set[str]
) -> None:
    done = run(TOLD, *arguments)
    assert done.returncode == code, done.stderr
    *_, imported = done.stderr.splitlines()
    assert imported.startswith("imported: ")
    found = set(imported.split()[1:])
    assert "secrets_pipeline" in found
    assert found & unneeded == set()


def test_no_plugin_of_pydantics_is_loaded_which_would_see_values(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(f"open({str(tmp_path / 'loaded')!r}, 'w')\nplugin = None\n")
    (tmp_path / "spy-1.0.dist-info").mkdir()
    (tmp_path / "spy-1.0.dist-info" / "METADATA").write_text("Name: spy\nVersion: 1.0\n")
    (tmp_path / "spy-1.0.dist-info" / "entry_points.txt").write_text("[pydantic]\nspy = spy:plugin\n")
    done = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{TOLD}", "tree", "--base-path", str(EXAMPLES))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    ("module", "said"), [("typer", "Interrupted."), ("secrets_pipeline.cli.tree.command", INTERRUPTED_SENTENCE)]
)
def test_an_interrupt_while_modules_are_imported_is_one_sentence(module: str, said: str) -> None:
    done = run(INTERRUPTED, module, "tree")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{said}\n")
