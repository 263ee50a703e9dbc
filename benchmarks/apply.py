"""What an apply of examples/ costs with and without what is kept open: prints a table of docs/evidence.md.

    .venv/bin/python benchmarks/apply.py [ROUNDS]

Side by side in one run, on one embedded AWS. Every measurement is a process of its own that applies every stack twice:
the first time to an empty AWS, the second time with nothing to do. What it imports is not counted.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
BEFORE, LOADER, POOLED = "before", "one botocore loader", "and one engine a database of the event log"
VARIANTS = (BEFORE, LOADER, POOLED)
APPLIES = ("first apply", "no-op apply")


def main(rounds: int) -> None:
    """Measure every variant in each round, and print medians."""
    from secrets_pipeline import emulator  # noqa: PLC0415 - the measured process does not need it
    from secrets_pipeline.cli.local.stand_ins import stand_ins  # noqa: PLC0415 - the same
    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - the same

    # Else nothing is known of accounts and grants, and so of the networks that Terraform would have made.
    os.environ["SECRETS_PIPELINE_CONFIG"] = str(EXAMPLES / "operator.yaml")
    specs = open_repository(EXAMPLES).specs
    measured: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        aws = emulator.start(Path(folder) / "aws", die_with_parent=True)
        try:
            for number in range(rounds):
                for variant in VARIANTS:
                    emulator.empty(aws)
                    emulator.stand_in(aws, stand_ins(specs))
                    home = Path(folder) / f"{number}-{VARIANTS.index(variant)}"
                    for title, cpu, wall in applied(variant, home, aws.environment()):
                        measured[title, variant].append((cpu, wall))
        finally:
            emulator.stop(aws.state_dir)
    print(f"Medians of {rounds} on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n")
    print("| | CPU seconds | seconds |\n| --- | --: | --: |")
    for title in APPLIES:
        for variant in VARIANTS:
            cpu, wall = (statistics.median(column) for column in zip(*measured[title, variant], strict=True))
            print(f"| {title}, {variant} | {cpu:.2f} | {wall:.2f} |")


def applied(variant: str, home: Path, environment: dict[str, str]) -> list[tuple[str, float, float]]:
    """Title, CPU seconds and seconds of each apply of a process of its own."""
    variables = {**os.environ, **environment, "DAGSTER_HOME": str(home)}
    command = [sys.executable, __file__, "--measure", variant]
    done = subprocess.run(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit("not measured: what went wrong stands above")
    return [(title, cpu, wall) for title, cpu, wall in json.loads(done.stdout.splitlines()[-1])]


def measure(variant: str) -> None:
    """Apply every stack twice in this process, and print what it took."""
    import dagster as dg  # noqa: PLC0415 - not counted

    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - not counted
    from secrets_pipeline.orchestration.in_process.running import provision  # noqa: PLC0415 - not counted
    from secrets_pipeline.orchestration.shared.home import prepare_home  # noqa: PLC0415 - not counted
    from secrets_pipeline.reconcilers.apply_options import ApplyOptions  # noqa: PLC0415 - not counted

    prepare_home()
    took = []
    with ExitStack() as without:
        if variant == BEFORE:
            without.enter_context(mock.patch("secrets_pipeline.aws.session.share_loader"))
        if variant != POOLED:
            without.enter_context(
                mock.patch("secrets_pipeline.orchestration.in_process.running.open_instance", dg.DagsterInstance.get)
            )
            without.enter_context(
                mock.patch("secrets_pipeline.orchestration.shared.resources.keep_connections", return_value=None)
            )
        specs = open_repository(EXAMPLES).specs
        for title in APPLIES:
            cpu, wall = time.process_time(), time.perf_counter()
            reports = [provision(stack, base_path=EXAMPLES, options=ApplyOptions())[0] for stack in specs]
            took.append((title, time.process_time() - cpu, time.perf_counter() - wall))
            if not all(report.success for report in reports):
                sys.exit(f"not measured: {[report.error for report in reports if report.error]}")
    print(json.dumps(took))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
