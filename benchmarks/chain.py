"""How long the chain takes, stage by stage, on the embedded AWS: prints a table of docs/evidence.md.

    .venv/bin/python benchmarks/chain.py [--before COMMIT]

Everything is measured in one run: import of the definitions, reading the repository, start of the embedded AWS with
Terraform's part, then two applies of every stack of examples/ through Dagster. It leaves nothing behind.

With --before, only a run with nothing to do is measured, on that commit and on this tree in turn: events, steps and CPU
seconds, in the process of the command line, and as a process of its own as the daemon starts one.
"""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import platform
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pg8000.dbapi

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import WaiterConfigTypeDef

EXAMPLES = Path(__file__).parents[1] / "examples"


ROUNDS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="COMMIT", help="what a run with nothing to do is compared with")
    parser.add_argument("--idle-run", metavar="TREE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.idle_run:
        print(json.dumps(idle_run(Path(options.idle_run))))
    elif options.before:
        compare(options.before)
    else:
        measure_all()


def measure_all() -> None:
    """Print how long the chain takes."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SECRETS_PIPELINE_CONFIG"] = str(EXAMPLES / "operator.yaml")
        os.environ["DAGSTER_HOME"] = folder
        measure(Path(folder))


def measure(folder: Path) -> None:
    """Print the table of one run."""
    seconds: dict[str, float] = {}

    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import definitions"], check=True)
    seconds["Python with Dagster and the definitions, a new process"] = time.perf_counter() - started

    from secrets_pipeline import emulator  # noqa: PLC0415 - the same
    from secrets_pipeline.cli.local.stand_ins import stand_ins  # noqa: PLC0415 - the same
    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - the same
    from secrets_pipeline.orchestration.in_process.running import provision  # noqa: PLC0415 - its import is what was just measured
    from secrets_pipeline.reconcilers.apply_options import ApplyOptions  # noqa: PLC0415 - the same

    started = time.perf_counter()
    specs = open_repository(EXAMPLES).specs
    seconds[f"Reading examples/: {len(specs)} stacks"] = time.perf_counter() - started

    started = time.perf_counter()
    aws = emulator.start(folder / "aws", die_with_parent=True)
    seconds["Embedded AWS, until it answers"] = time.perf_counter() - started
    os.environ.update(aws.environment())
    try:
        started = time.perf_counter()
        emulator.stand_in(aws, stand_ins(specs))
        seconds["Terraform's part: roles, functions, services, APIs"] = time.perf_counter() - started
        for title in ("First apply", "Second apply"):
            emulator.reset_calls(aws)
            started = time.perf_counter()
            reports = [provision(stack, base_path=EXAMPLES, options=ApplyOptions())[0] for stack in specs]
            total = time.perf_counter() - started
            if not all(report.success for report in reports):
                sys.exit(f"not measured: {[report.error for report in reports if report.error]}")
            calls = emulator.calls(aws)
            seconds[f"{title} of all stacks, {sum(call.count for call in calls)} AWS calls"] = total
            if title == "First apply":
                seconds |= {f"· {stage}": spent for stage, spent in stages([r.run_id for r in reports]).items()}
        seconds["An instance of RDS, until its first login"] = first_login()
    finally:
        emulator.stop(aws.state_dir)
    show(seconds)


def compare(before: str) -> None:
    """Print what a run with nothing to do costs on another commit and here."""
    git = shutil.which("git") or "git"
    here = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "before"
        subprocess.run([git, "-C", here, "worktree", "add", "-q", "--detach", there, before], check=True)
        try:
            found = {title: _idle_run_of(tree) for title, tree in ((before, there), ("this tree", here))}
        finally:
            subprocess.run([git, "-C", here, "worktree", "remove", "--force", there], check=True)
    print(f"A run with nothing to do, medians of {ROUNDS}, {os.cpu_count()} cores.\n")
    print(f"| what | {' | '.join(found)} | ratio |\n| --- | --: | --: | --: |")
    for what in next(iter(found.values())):
        was, now = (one[what] for one in found.values())
        print(f"| {what} | {was:g} | {now:g} | {now / was:.2f} |")


def _idle_run_of(tree: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--idle-run", str(tree)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def idle_run(tree: Path) -> dict[str, float]:
    """Measure runs of `myapp-dev` after which nothing has changed, with the code of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SECRETS_PIPELINE_CONFIG"] = str(tree / "examples" / "operator.yaml")
        os.environ["ATMOS_BASE_PATH"] = str(tree / "examples")
        os.environ["DAGSTER_HOME"] = folder
        import dagster as dg  # noqa: PLC0415 - of this tree

        emulator, stand_ins, read, provision, options = _parts()
        specs = read(tree / "examples").specs
        aws = emulator.start(Path(folder) / "aws", die_with_parent=True)
        os.environ.update(aws.environment())
        try:
            emulator.stand_in(aws, stand_ins(specs))
            for _ in range(2):
                for stack in specs:
                    provision(stack, base_path=tree / "examples", options=options())
            here, worker = [], []
            for _ in range(ROUNDS):
                started = time.process_time()
                report, _checks = provision("myapp-dev", base_path=tree / "examples", options=options())
                here.append(time.process_time() - started)
                worker.append(_worker_seconds(tree))
            with dg.DagsterInstance.get() as instance:
                events, steps = len(instance.all_logs(report.run_id)), len(instance.get_run_step_stats(report.run_id))
        finally:
            emulator.stop(aws.state_dir)
    return {
        "events": events,
        "steps": steps,
        "CPU seconds in the process of the command line": round(statistics.median(here), 2),
        "CPU seconds of a process of its own": round(statistics.median(worker), 2),
    }


def _parts() -> tuple[Any, ...]:
    """What idle_run needs, by its name here or by the one that it had at 0311cf5."""
    found = []
    for named, at_first in (
        ("secrets_pipeline.emulator:", "secrets_pipeline.local:"),
        ("secrets_pipeline.cli.local.stand_ins:stand_ins", "secrets_pipeline.cli.stand_ins:stand_ins"),
        ("secrets_pipeline.operations.open_repository:open_repository", "secrets_pipeline.reconcilers:read_desired"),
        ("secrets_pipeline.orchestration.in_process.running:provision", "definitions.running:provision"),
        ("secrets_pipeline.reconcilers.apply_options:ApplyOptions", "secrets_pipeline.reconcilers:ApplyOptions"),
    ):
        try:
            found.append(pkgutil.resolve_name(named))
        except ModuleNotFoundError:
            found.append(pkgutil.resolve_name(at_first))
    return tuple(found)


def _worker_seconds(tree: Path) -> float:
    """CPU seconds of a process that loads the definitions and executes the job, on Dagster's own storage."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(Path(sys.executable).parent / "dg"), "launch", "--job", "provision", "--partition", "myapp-dev"]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_login() -> float:
    """Seconds from CreateDBInstance to a login that PostgreSQL accepts."""
    password = secrets.token_urlsafe(16)
    rds = boto3.client("rds")
    started = time.perf_counter()
    rds.create_db_instance(
        DBInstanceIdentifier="quick",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="quick",
        MasterUserPassword=password,
        DBName="quick",
    )
    waiting: WaiterConfigTypeDef = {"Delay": 0, "MaxAttempts": 2000}
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="quick", WaiterConfig=waiting)
    at = rds.describe_db_instances(DBInstanceIdentifier="quick")["DBInstances"][0]["Endpoint"]
    pg8000.dbapi.connect("quick", host=at["Address"], port=at["Port"], database="quick", password=password).close()
    return time.perf_counter() - started


def stages(run_ids: list[str]) -> dict[str, float]:
    """Seconds in each step over all runs, in the order in which they first started; stack_report evaluates checks."""
    import dagster as dg  # noqa: PLC0415 - counted with the definitions

    spent: dict[str, float] = defaultdict(float)
    with dg.DagsterInstance.get() as instance:
        for run_id in run_ids:
            for step in sorted(instance.get_run_step_stats(run_id), key=lambda step: step.start_time or 0.0):
                spent[step.step_key] += (step.end_time or 0.0) - (step.start_time or 0.0)
    return spent


def show(seconds: dict[str, float]) -> None:
    """The table, in Markdown."""
    print(f"Measured on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n")
    print("| what | seconds |\n| --- | --: |")
    for what, spent in seconds.items():
        print(f"| {what} | {spent:.2f} |")


if __name__ == "__main__":
    main()
