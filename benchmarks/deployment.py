"""What a deployment costs, measured on the services of deploy/compose.yaml with a real PostgreSQL.

    PYTHONPATH=. .venv/bin/python benchmarks/deployment.py [--backfill 30 --stacks 300 --secrets 30]

Prints the table that docs/deploy.md reckons with: processor seconds and memory of a run, rows of PostgreSQL, calls to
AWS, and what the services take while nothing happens. It leaves nothing behind.

With `--backfill` it generates a repository of so many stacks of so many secrets, applies one of them, restarts the code
server, so that an index of the repository is written at once, and backfills `provision` over other stacks: the first
time they are made, the second time there is nothing to do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pg8000.dbapi

from benchmarks.code_server import generated
from secrets_pipeline import emulator
from tests.deploy.compose_file import POSTGRES, services
from tests.deploy.composed import Composed, await_partitions, composed
from tests.deploy.images import make_images
from tests.e2e.deployment import LOCATION, Deployment
from tests.waiting import eventually

STACK, REGION = "myapp-dev", "eu-west-2"
"""Of examples/, and of the buckets of compose.yaml."""
IDLE_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20


BACKFILL_SECONDS = 1800
INDEX_SECONDS = 90
"""In which the sensor has looked at least once, and written an index if the product has one."""

_BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
_BACKFILLED = """query($tags: [ExecutionTag!]) {
  runsOrError(filter: {tags: $tags}) {
    ... on Runs { results { status creationTime startTime endTime } }
  }
}"""
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass
class Cost:
    """What passed during a block.

    Attributes:
        run: processor seconds of child processes of the code server, which are runs.
        code_server: of the code server itself.
        daemon: of the daemon.
        webserver: of the webserver.
        postgres: of all of PostgreSQL's processes that are there before and after.
        stored: bytes that the database grew by.
        calls: to AWS.
        peak: bytes that the largest child of the code server had resident.
    """

    run: float = 0.0
    code_server: float = 0.0
    daemon: float = 0.0
    webserver: float = 0.0
    postgres: float = 0.0
    stored: int = 0
    calls: int = 0
    peak: int = 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backfill", type=int, default=0, help="backfill so many stacks of a generated repository")
    parser.add_argument("--stacks", type=int, default=300, help="of the generated repository (default: %(default)s)")
    parser.add_argument("--secrets", type=int, default=30, help="of each generated stack (default: %(default)s)")
    given = parser.parse_args()
    if given.backfill >= given.stacks:
        parser.error("one stack more than are backfilled is applied before")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        Path(folder).chmod(0o711)
        images = make_images(Path(folder) / "images")
        repository = images.repository
        if given.backfill:
            repository = generated(Path(folder) / "generated", given.stacks, given.secrets, REGION)
        with composed(images.environments, repository) as made:
            for name in services():
                made.start(name)
            os.environ.update(made.aws.environment())
            boto3.setup_default_session()
            if given.backfill:
                _measure_backfill(made, Deployment(made.url), given.backfill)
            else:
                _measure(made, Deployment(made.url))


def _measure_backfill(made: Composed, deployment: Deployment, count: int) -> None:
    first, *others = [f"shop-{number}" for number in range(count + 1)]
    await_partitions(deployment, [first, *others])
    ended = deployment.ended(deployment.launch("provision", partition=first))
    if ended.status != "SUCCESS":
        raise SystemExit(f"provision failed: {ended.failures()}")
    made.kill("code-server")
    made.start("code-server")
    indexed = _is_indexed()
    print(f"an index of the repository: {'yes' if indexed else 'no'}", flush=True)
    print("| backfill | s | runs a minute | wait, median and longest, s | a run, s | CPU s a run | peak MiB |")
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for what in ("first apply", "nothing to do"):
        with _measured(made) as cost:
            runs = _backfilled(deployment, others)
        whole = max(run["endTime"] for run in runs) - min(run["creationTime"] for run in runs)
        waits = [run["startTime"] - run["creationTime"] for run in runs]
        took = statistics.median(run["endTime"] - run["startTime"] for run in runs)
        print(
            f"| {what} | {whole:.0f} | {count * 60 / whole:.1f} | {statistics.median(waits):.0f}, {max(waits):.0f} "
            f"| {took:.1f} | {cost.run / count:.1f} | {cost.peak / MIB:.0f} |",
            flush=True,
        )


def _is_indexed() -> bool:
    s3 = boto3.client("s3", region_name=REGION)
    deadline = time.monotonic() + INDEX_SECONDS
    while time.monotonic() < deadline:
        found = s3.list_objects_v2(Bucket="secrets-pipeline", Prefix="seals/indexes/")
        if found["KeyCount"]:
            return True
        time.sleep(1)
    return False


def _backfilled(deployment: Deployment, stacks: Sequence[str]) -> list[dict[str, Any]]:
    """Backfill `provision` over the stacks, and return its runs, all of them ended well."""
    selector = {"partitionSetName": "provision_partition_set", "repositorySelector": LOCATION}
    answer = deployment.query(_BACKFILL, {"params": {"selector": selector, "partitionNames": [*stacks]}})
    backfill = answer["launchPartitionBackfill"]["backfillId"]
    tags = [{"key": "dagster/backfill", "value": backfill}]

    def ended() -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = deployment.query(_BACKFILLED, {"tags": tags})["runsOrError"]["results"]
        return runs if len(runs) == len(stacks) and {run["status"] for run in runs} <= _ENDED else []

    runs = eventually(ended, "the runs of the backfill to end", seconds=BACKFILL_SECONDS)
    if failed := [run for run in runs if run["status"] != "SUCCESS"]:
        raise SystemExit(f"{len(failed)} of {len(runs)} runs of the backfill did not succeed")
    return runs


def _measure(made: Composed, deployment: Deployment) -> None:
    await_partitions(deployment, [STACK])
    costs: dict[str, Cost] = {}

    def run(job: str) -> Callable[[], None]:
        def launch() -> None:
            ended = deployment.ended(deployment.launch(job, partition=STACK))
            if ended.status != "SUCCESS":
                raise SystemExit(f"{job} failed: {ended.failures()}")

        return launch

    with _measured(made) as costs["first provision"]:
        run("provision")()
    deployment.come_to_rest()
    for what, job in (("provision, nothing to do", "provision"), ("verify", "verify")):
        with _measured(made) as costs[what]:
            run(job)()
    deployment.come_to_rest()
    with _measured(made) as costs["idle, a minute"]:
        time.sleep(IDLE_SECONDS)
    idle = costs["idle, a minute"]
    minutes = IDLE_SECONDS / 60
    for name in ("run", "code_server", "daemon", "webserver", "postgres"):
        setattr(idle, name, getattr(idle, name) / minutes)
    idle.stored, idle.calls = round(idle.stored / minutes), round(idle.calls / minutes)
    _print(costs)


def _print(costs: dict[str, Cost]) -> None:
    print(
        "| | CPU s of the run | peak MiB | code server | daemon | webserver | PostgreSQL | KiB stored | calls to AWS |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: | --: | --: |")
    for what, cost in costs.items():
        peak = f"{cost.peak / MIB:.0f}" if cost.run else ""
        seconds = (cost.code_server, cost.daemon, cost.webserver, cost.postgres)
        shown = " | ".join(f"{one:.1f}" for one in seconds)
        print(f"| {what} | {cost.run:.1f} | {peak} | {shown} | {cost.stored / 1024:.0f} | {cost.calls} |")


@contextmanager
def _measured(made: Composed) -> Iterator[Cost]:
    cost = Cost()
    over = threading.Event()
    watched = (made.processes["code-server"].pid, cost, over)
    watcher = threading.Thread(target=_watch, args=watched, daemon=True)
    watcher.start()
    emulator.reset_calls(made.aws)
    before = _now(made)
    yield cost
    after = _now(made)
    over.set()
    watcher.join()
    cost.calls = sum(call.count for call in emulator.calls(made.aws))
    for name, value in after.items():
        setattr(cost, name, value - before[name])


def _now(made: Composed) -> dict[str, float]:
    code, daemon, web = (_spent(made.processes[name].pid) for name in ("code-server", "daemon", "webserver"))
    # Dagster reaps the process of a run when it starts the next one.
    runs = code[1] + sum(sum(_spent(pid)) for pid in _family(made.processes["code-server"].pid)[1:])
    postgres = sum(sum(_spent(pid)) for pid in _family(_postmaster(made)))
    return {
        "run": runs,
        "code_server": code[0],
        "daemon": sum(daemon),
        "webserver": sum(web),
        "postgres": postgres,
        "stored": _size(made),
    }


def _spent(pid: int) -> tuple[float, float]:
    """Processor seconds of a process, and of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, children = (int(fields[first]) + int(fields[first + 1]) for first in (11, 13))
    return own / TICKS, children / TICKS


def _watch(parent: int, cost: Cost, over: threading.Event) -> None:
    while not over.wait(0.2):
        for pid in _family(parent)[1:]:
            try:
                resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
            except (OSError, IndexError):
                continue
            cost.peak = max(cost.peak, resident)


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: list[str] = []
    # A child belongs to the thread that started it.
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += thread.read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _postmaster(made: Composed) -> int:
    pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return next(pid for pid in pids if _is_postmaster(pid, made))


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_postmaster(pid: int, made: Composed) -> bool:
    words = _command(pid).split(b"\0")
    return words[0].endswith(b"/postgres") and f"{made.root}/postgres/data/data".encode() in words


def _size(made: Composed) -> float:
    said = services()[POSTGRES].environment
    connection = pg8000.dbapi.connect(
        said["POSTGRES_USER"],
        host="127.0.0.1",
        port=int(made.ports["5432"]),
        database=said["POSTGRES_DB"],
        password=said["POSTGRES_PASSWORD"],
    )
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_database_size(current_database())")
        (row,) = cursor.fetchall()
        return float(row[0])
    finally:
        connection.close()


if __name__ == "__main__":
    main()
