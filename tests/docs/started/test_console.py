"""Every console block of README and docs/ does what the page says, on the embedded AWS and a copy of examples/."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.operations.open_repository import open_repository
from tests.docs.console import commands, problem, run
from tests.gits import OWN, committed

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if any(one.seen for one in commands(page.read_text()))
]
SECONDS: Final = 180
"""May a page take where other tests slow it down; alone, none takes a third of it."""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    folder = tmp_path_factory.mktemp("embedded-aws")
    yield emulator.start(folder, die_with_parent=True)
    emulator.stop(folder)


@pytest.fixture
def reader(embedded: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What whoever reads a page has: the examples in a clone, an empty account with what Terraform makes, a shell."""
    emulator.settle(embedded)
    emulator.reset_conditions(embedded)
    emulator.empty(embedded)
    scratch = tmp_path / "infrastructure"
    shutil.copytree(ROOT / "examples", scratch)
    committed(scratch)
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(scratch / "operator.yaml"))
    emulator.stand_in(embedded, stand_ins(open_repository(scratch).specs, account_id=embedded.account_id))
    (tmp_path / "home").mkdir()
    return {
        **embedded.environment(),
        **OWN,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CHECKOUT": str(ROOT),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        # What .ci/programs installs, and no tool that this machine happens to have.
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "SECRETS_PIPELINE_CONFIG": "operator.yaml",
        "TERM": "xterm",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_console_blocks_of_a_page_do_what_it_says(page: Path, reader: dict[str, str], tmp_path: Path) -> None:
    asked = commands(page.read_text())
    if told := problem(str(page.relative_to(ROOT)), asked, run(asked, tmp_path / "infrastructure", reader, SECONDS)):
        pytest.fail(told, pytrace=False)


def test_a_page_that_is_wrong_about_aws_is_told(reader: dict[str, str], tmp_path: Path) -> None:
    asked = commands("```console\n$ secrets-pipeline list stacks --format plain\nmyapp\n```\n")
    told = problem("page.md", asked, run(asked, tmp_path / "infrastructure", reader, SECONDS))
    assert told.endswith("did not print what the page shows:\nmyapp\nbut:\ninfra-shared\nmyapp-dev\nmyapp-prod\n")
