"""Draw README's recording: what `plan`, `apply` and `access explain` print, as an SVG that plays by itself.

    PYTHONPATH=. .venv/bin/python benchmarks/recording.py     # or `make pictures`: writes docs/images/recording.svg

The commands run as processes on an embedded AWS, in a copy of examples/, in an account in which `myapp-dev` was applied
before. What they print on stdout is drawn as it is, in the colours of a terminal of 100 columns; progress, which is on
stderr and goes away, is not. Nothing is fetched and no script runs: the lines appear by CSS, and all of them are there
at once for readers who asked for no motion.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).parents[1]
RECORDING: Final = ROOT / "docs" / "images" / "recording.svg"
BEFORE: Final = "secrets-pipeline apply -s myapp-dev --yes"
EXPLAIN: Final = """\
secrets-pipeline access explain --secret infra/shared/network/vpn-config \\
    --principal arn:aws:iam::111122223333:role/secrets-inventory"""
COMMANDS: Final = ("secrets-pipeline plan -s infra-shared", "secrets-pipeline apply -s infra-shared --yes", EXPLAIN)
COLUMNS: Final = 100
_ID: Final = "recording"
_WAITED, _LINE, _LOOKED = 1.2, 0.06, 3.0
"""Seconds: from a command to what it prints, from line to line of that, and until the next command."""
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>secrets-pipeline: plan, apply, access explain</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace; white-space: pre }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
@keyframes appear {{ from {{ opacity: 0 }} }}
@media (prefers-reduced-motion: reduce) {{ text {{ animation: none !important }} }}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A command and what it printed on stdout.

    Attributes:
        command: as it is typed.
        printed: with the escape sequences of a terminal.
    """

    command: str
    printed: str


def play(repository: Path, environment: Mapping[str, str]) -> list[Scene]:
    """Run what comes before, then the commands.

    Args:
        repository: a copy of examples/.
        environment: variables that lead to an AWS, the operator's settings and DAGSTER_HOME.

    Raises:
        RuntimeError: if one of them fails, with what it said.
    """
    _printed(BEFORE, repository, environment)
    return [Scene(command, _printed(command, repository, environment)) for command in COMMANDS]


def _printed(command: str, repository: Path, environment: Mapping[str, str]) -> str:
    _, *arguments = shlex.split(command.replace("\\\n", ""))
    done = subprocess.run(
        [sys.executable, "-m", "secrets_pipeline", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=repository,
        env={**environment, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def draw(scenes: Sequence[Scene]) -> str:
    """Draw the scenes below each other; line after line appears, and all stay."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    begins: list[float] = []
    now = 0.0
    for scene in scenes:
        typed = [Text.assemble(("$ ", "green"), (scene.command, "bold"))]
        printed = [*Text.from_ansi(scene.printed.rstrip("\n")).wrap(console, COLUMNS), Text()]
        for lines, pause in (typed[0].split("\n"), 0.0), (printed, _LINE):
            for line in lines:
                console.print(line, highlight=False)
                begins.append(now)
                now += pause
            now += _LOOKED if pause else _WAITED
    drawn = console.export_svg(title="secrets-pipeline", code_format=_FORMAT, unique_id=_ID)
    rules = "\n".join(
        f'[clip-path$="-line-{row})"] {{ animation: appear .1s {begin:.2f}s backwards }}'
        for row, begin in enumerate(begins)
    )
    return drawn.replace("</style>", f"{rules}\n</style>", 1)


def main() -> None:
    """Write the recording."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository = folder / "examples"
        shutil.copytree(ROOT / "examples", repository)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SECRETS_PIPELINE_CONFIG": str(repository / "operator.yaml"),
        }
        try:
            started = shlex.split(_printed("secrets-pipeline local start", repository, environment))
            environment |= dict(word.split("=", 1) for word in started if "=" in word)
            drawn = draw(play(repository, environment))
        finally:
            _printed("secrets-pipeline local stop", repository, environment)
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text(drawn)
    print(f"{RECORDING.relative_to(ROOT)}: {len(drawn) / 1000:.0f} KB")


if __name__ == "__main__":
    main()
