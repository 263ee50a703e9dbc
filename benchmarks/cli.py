"""How long the command line takes before it says anything, against the imports that it cannot do without.

    .venv/bin/python benchmarks/cli.py [--runs 9] [--missed tree]

`--help` is compared with `import boto3, pydantic, yaml`, `tree` of examples/ with importing the reader of stacks alone;
the others are listed beside them, and what no command that reads stacks can do without: the reader, the operator's
settings and the library of the command line. Each measurement is a process of its own, in processor time, so that other
work on the machine counts little; all alternate, and the median of each counts, without the first round, which compiles
and warms caches. The exit code is 1 where one is over its bound, but not for the command of `--missed`: its bound was
aimed at and is known to be missed (docs/evidence.md), so that a run still says whether another one is.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

BARE, HELP, TREE = "python", "--help", "tree"
PEER, READER = "import boto3, pydantic, yaml", "import secrets_pipeline.stacks"
LEAST = "import typer, secrets_pipeline.desired.settings.operator"
COMMANDS = {
    BARE: ("-c", "pass"),
    PEER: ("-c", PEER),
    READER: ("-c", READER),
    LEAST: ("-c", LEAST),
    HELP: ("-m", "secrets_pipeline", "--help"),
    TREE: ("-m", "secrets_pipeline", "tree", "--base-path", str(EXAMPLES)),
    "list stacks": ("-m", "secrets_pipeline", "list", "stacks", "--base-path", str(EXAMPLES)),
    "plan --offline": ("-m", "secrets_pipeline", "plan", "--offline", "--base-path", str(EXAMPLES)),
    "plan --help": ("-m", "secrets_pipeline", "plan", "--help"),
    "apply --help": ("-m", "secrets_pipeline", "apply", "--help"),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """What a command may take: Python's start or some seconds, and a share of a peer.

    Attributes:
        command: of `COMMANDS`.
        peer: what it is compared with.
        share: of the peer's time.
        more: seconds beside it.
    """

    command: str
    peer: str
    share: float
    more: float

    def ratio(self, seconds: dict[str, float]) -> float:
        """How much of what it may take it takes: 1 is all of it."""
        return seconds[self.command] / (self.share * seconds[self.peer] + self.more)


def measured(arguments: tuple[str, ...], folder: str) -> float:
    """Processor seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SECRETS_PIPELINE_CONFIG": str(EXAMPLES / "operator.yaml"),
    }
    done = subprocess.run(
        [sys.executable, *arguments], check=False, capture_output=True, text=True, env=environment, cwd=folder
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--missed", choices=(HELP, TREE))
    given = parser.parse_args()
    runs = given.runs
    with tempfile.TemporaryDirectory() as folder:
        rounds = [{name: measured(one, folder) for name, one in COMMANDS.items()} for _ in range(runs + 1)]
    seconds = {name: statistics.median(one[name] for one in rounds[1:]) for name in COMMANDS}
    bounds = [Bound(HELP, PEER, 0.3, seconds[BARE]), Bound(TREE, READER, 1.0, 0.2)]
    print(f"Python {platform.python_version()}, processor time, the median of {runs} runs each\n")
    print("| process | seconds | may take | ratio |")
    print("|---|--:|--:|--:|")
    for name, taken in seconds.items():
        bound = next((one for one in bounds if one.command == name), None)
        judged = f"{taken / bound.ratio(seconds):.2f} | {bound.ratio(seconds):.2f}" if bound else "| "
        print(f"| `{name}` | {taken:.2f} | {judged} |")
    over = [one.command for one in bounds if one.ratio(seconds) > 1]
    print(f"\nover the bound: {', '.join(over) or 'none'}")
    if set(over) - {given.missed}:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
