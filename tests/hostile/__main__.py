"""What the author of each manifest of the corpus reads, as a table.

    .venv/bin/python -m tests.hostile               one or two manifests of each attack
    .venv/bin/python -m tests.hostile --all         every one
    .venv/bin/python -m tests.hostile --show WORD   those whose attack or title holds the word, with the manifest

Nothing but the embedded AWS is touched; with `--grants`, the preset `single-team` is in force.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from tests.embedded import lead_to
from tests.hostile.attempt import attempt
from tests.hostile.cases import Case, cases
from tests.hostile.estate import CANARIES, OTHERS, SAFE, SINGLE_TEAM, made

_LONGEST = 300


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--all", action="store_true", help="every manifest")
    parser.add_argument("--show", metavar="WORD", help="those that hold the word, with the manifest")
    parser.add_argument("--grants", action="store_true", help="under the preset single-team")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        aws = emulator.start(folder / "aws", die_with_parent=True)
        try:
            for variable in [one for one in os.environ if one.startswith(("ATMOS_", "SECRETS_PIPELINE_"))]:
                patch.delenv(variable)
            lead_to(aws, patch, **{one: CANARIES[one] for one in ("ATMOS_GITHUB_TOKEN", "DEPLOY_TOKEN", "TENANT")})
            estate = made(aws, folder / "others", patch)
            estate.settle(folder, SINGLE_TEAM if asked.grants else SAFE, patch)
            for number, case in enumerate(_chosen(asked)):
                tried = attempt(case.write(folder / str(number), OTHERS), estate)
                written = f"; {sum(tried.writes.values())} writes of its own" if tried.writes else "; nothing written"
                print(f"{case.attack:4} {case.tries}\n     → {tried.end}{written}: {_line(case, tried.text)}")  # noqa: T201 - a table
                if asked.show:
                    print("\n" + "".join(f"       {line}\n" for line in case.manifest().splitlines()))  # noqa: T201 - its text
        finally:
            emulator.stop(folder / "aws")


def _chosen(asked: argparse.Namespace) -> list[Case]:
    found = sorted(cases(), key=lambda case: (case.attack[0], int(case.attack[1:])))
    if asked.show:
        return [case for case in found if asked.show in str(case)]
    return found if asked.all else [case for case in found if case.report]


def _line(case: Case, text: str) -> str:
    """The line that holds what the case expects, else the first one."""
    lines = [line.strip().removeprefix("- ") for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if case.says and case.says in line), next(iter(lines), ""))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


if __name__ == "__main__":
    main()
