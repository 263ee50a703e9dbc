"""What somebody meets who never heard of this project: prints a table, a row a kind of repository or a task.

    PYTHONPATH=. .venv/bin/python benchmarks/newcomer_run.py [PART OF A TITLE …]

The wheel of this checkout is built, and installed with what it declares in an environment of its own. Each row writes a
repository in a folder that is no checkout, and runs commands there, without PYTHONPATH and settings of this process, on
an embedded AWS. A row says what has to be said and what may be touched; the account is compared before and after each
command. Exit code 1 if a row is not as expected; NEWCOMER_VERBOSE=1 shows what the command said.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.newcomer.day_two import DAY_TWO
from benchmarks.newcomer.strangers import STRANGERS
from benchmarks.newcomer.team import Row, Team, tried
from secrets_pipeline import emulator
from tests.cli.installed import Installed, build_wheel, install_in

PARTS = {"Repositories that never heard of it": STRANGERS, "The second day": DAY_TWO}


def main() -> int:
    """Try every row, or those whose title has one of the words; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("words", nargs="*", metavar="WORDS", help="only rows whose title has them")
    words: list[str] = arguments.parse_args().words
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wheel").mkdir()
        installed = install_in(build_wheel(folder / "wheel"), folder)
        aws = emulator.start(folder / "aws", die_with_parent=True)
        try:
            here = replace(installed, folder=folder)
            wrong = [line for title in PARTS for line in _part(title, words, here, aws)]
        finally:
            emulator.stop(aws.state_dir)
    print("\n".join(wrong) or "every row is as expected")
    return 1 if wrong else 0


def _part(title: str, words: Sequence[str], installed: Installed, aws: emulator.LocalAws) -> list[str]:
    asked = [row for row in PARTS[title] if not words or any(word in row.title for word in words)]
    if not asked:
        return []
    print(f"### {title}\n\n| what | before | now | as expected |\n| --- | --- | --- | --- |", flush=True)
    wrong = []
    for number, row in enumerate(asked):
        team = tried(row, installed, installed.folder / title / str(number) / "repository", aws)
        print("|", " | ".join(_cell(one) for one in _cells(row, team)), "|", flush=True)
        wrong += [f"{row.title}: {line}" for line in team.wrong]
    print()
    return wrong


def _cells(row: Row, team: Team) -> tuple[str, str, str, str]:
    return row.title, row.before, "<br>".join(team.happened), "**no**" if team.wrong else "yes"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.exit(main())
