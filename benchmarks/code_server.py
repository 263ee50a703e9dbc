"""What an idle code server costs, as sensors look all the time, and the process of a run that finds nothing to do.

    .venv/bin/python benchmarks/code_server.py [--stacks 200] [--seconds 100]
    .venv/bin/python benchmarks/code_server.py --workers 3x100,300x100,1000x100,3x30,300x30,1000x30 [--rounds 3]

Generates stacks of ten secrets each in a clone, and measures in processor time: a reading of the repository, a tick of
`stack_change_sensor` when nothing has changed, and what the code server of a real daemon uses with all sensors running,
against the embedded AWS, from the first tick of each on. With `PYTHONPATH` of another checkout it measures that one.

With `--workers` it applies one stack of each repository, of so many stacks of so many secrets, lets
`stack_change_sensor` look once, and measures processes of runs that change nothing, each as the daemon starts one:
processor seconds and memory, the median of the rounds. That is the table of docs/deploy.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

ATMOS = """
base_path: "."
stacks: {base_path: stacks, included_paths: ["deploy/*"], name_template: "{{ .vars.stage }}"}
components: {terraform: {base_path: components/terraform}}
"""
SECRETS = 10
STACK = """
import: [catalog/defaults]
vars: {{stage: shop-{number}}}
components:
  terraform:
    secretsmanager:
      vars:
        context_name: shop
        environment: "{number}"
        region: {region}
        create_kms_key: true
        secrets:
{secrets}
"""
FIRST_TICKS = 8
"""Of the sensors, which read the repository for the first time."""
SETTLED_SECONDS = 12
"""After which the times of files are trusted, as those of a real clone are."""


def generated(folder: Path, stacks: int, secrets: int = SECRETS, region: str = "eu-west-1") -> Path:
    """A clone with so many stacks of so many secrets."""
    declared = "".join(f"          secret-{number}: {{generate_random_password: true}}\n" for number in range(secrets))
    files = {"atmos.yaml": ATMOS, "stacks/catalog/defaults.yaml": "vars: {team: shop}"}
    files |= {f"stacks/deploy/{n}.yaml": STACK.format(number=n, region=region, secrets=declared) for n in range(stacks)}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git = shutil.which("git") or "git"
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com"]
    for command in (["init", "-q"], ["add", "--all"], [*who, "commit", "-q", "--allow-empty", "-m", "generated"]):
        subprocess.run([git, "-C", str(folder), *command], check=True)
    return folder


def in_process(folder: Path, home: Path) -> Iterator[tuple[str, str]]:
    """A reading, and the ticks after it."""
    import dagster as dg  # noqa: PLC0415 - what it costs to import is not the question

    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - the same
    from secrets_pipeline.orchestration.build import build_definitions  # noqa: PLC0415 - the same

    started = time.process_time()
    errors = open_repository(folder).errors
    yield "reading the repository once", f"{time.process_time() - started:.2f} s"
    if errors:
        raise SystemExit(str(errors))
    built = build_definitions()
    resources = built.resources or {}
    sensor = next(one for one in built.sensors or () if one.name == "stack_change_sensor")
    home.mkdir()
    ticks = []
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        cursor = None
        for _ in range(12):
            started = time.process_time()
            with (
                dg.build_resources({**resources}, instance=instance) as made,
                dg.build_sensor_context(
                    instance=instance,
                    cursor=cursor,
                    resources={"secrets_pipeline_stacks": made.secrets_pipeline_stacks},
                ) as context,
            ):
                found = sensor(context)
                assert isinstance(found, dg.SensorResult)  # noqa: S101 - what a sensor of this repository gives
                for request in found.dynamic_partitions_requests or ():
                    instance.add_dynamic_partitions("stacks", list(request.partition_keys))
                cursor = found.cursor
            ticks.append(time.process_time() - started)
    yield "first tick of stack_change_sensor", f"{ticks[0]:.2f} s"
    yield "a tick when nothing has changed", f"{min(ticks[2:]) * 1000:.0f} to {max(ticks[2:]) * 1000:.0f} ms"
    yield "memory of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    """One of Dagster's processes; gives its process id."""
    with log.open("w") as file:
        started = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=environment.get("PYTHONPATH", str(Path(__file__).parents[1])).split(":")[0],
        )
    try:
        yield started.pid
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(60)


def used(process: int) -> float:
    """Processor seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ticks(home: Path) -> int:
    """How often sensors and schedules have looked."""
    import dagster as dg  # noqa: PLC0415 - the same

    with dg.DagsterInstance.from_config(str(home)) as instance:
        states = instance.all_instigator_state()
        return sum(len(instance.get_ticks(one.instigator_origin_id, one.selector_id)) for one in states)


def idle(folder: Path, scratch: Path, seconds: float) -> Iterator[tuple[str, str]]:
    """What the code server uses, from the first ticks on."""
    from secrets_pipeline import emulator  # noqa: PLC0415 - the same

    home = scratch / "deployment"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ticks(home)  # makes its databases
    (scratch / "operator.yaml").write_text("grants: [{preset: single-team}]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    workspace = scratch / "workspace.yaml"
    workspace.write_text(f"load_from: [{{grpc_server: {{host: 127.0.0.1, port: {port}}}}}]\n")
    aws = emulator.start(scratch / "aws", die_with_parent=True)
    try:
        environment = {
            **os.environ,
            **aws.environment(),
            "DAGSTER_HOME": str(home),
            "ATMOS_BASE_PATH": str(folder),
            "SECRETS_PIPELINE_CONFIG": str(scratch / "operator.yaml"),
        }
        serve = ["dagster", "api", "grpc", "--module-name", "definitions", "--host", "127.0.0.1", "--port", str(port)]
        with (
            running(serve, environment, scratch / "server.log") as server,
            running(["dagster._daemon", "run", "-w", str(workspace)], environment, scratch / "daemon.log"),
        ):
            while ticks(home) < FIRST_TICKS:
                time.sleep(5)
            before, started, ticked = used(server), time.monotonic(), ticks(home)
            time.sleep(seconds)
            spent, took, ticked = used(server) - before, time.monotonic() - started, ticks(home) - ticked
    finally:
        emulator.stop(scratch / "aws")
    yield f"the code server in {took:.0f} s, {ticked} ticks", f"{spent:.1f} s, {100 * spent / took:.1f} % of a core"


TREE = os.environ.get("PYTHONPATH", str(Path(__file__).parents[1])).split(":")[0]
MIB = 2**10
"""In the kibibytes of `ru_maxrss`."""
MAKE = """
import sys
import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._grpc.types import ExecuteRunArgs
import definitions

pointer = ModuleCodePointer("definitions", "defs", sys.argv[1])
origin = JobPythonOrigin("provision", RepositoryPythonOrigin(sys.executable, pointer))
job = definitions.defs.get_job_def("provision")
with dg.DagsterInstance.get() as instance:
    instance.add_dynamic_partitions("stacks", [sys.argv[2]])
    tags = {"dagster/partition": sys.argv[2]}
    run = instance.create_run_for_job(job, tags=tags, job_code_origin=origin)
    print(*ExecuteRunArgs(origin, run.run_id, instance.get_ref()).get_command_args(), sep=chr(0))
"""
TICK = """
import dagster as dg
import definitions

resources = {**definitions.defs.resources}
(key,) = (name for name in resources if name.endswith("stacks"))
sensor = next(one for one in definitions.defs.sensors if one.name == "stack_change_sensor")
with (
    dg.DagsterInstance.get() as instance,
    dg.build_resources(resources, instance=instance) as made,
    dg.build_sensor_context(instance=instance, resources={key: getattr(made, key)}) as context,
):
    print(sensor(context).skip_reason)
"""
SAID = "import dagster as dg, sys; print(dg.DagsterInstance.get().get_run_by_id(sys.argv[1]).status.value)"


class Home:
    """A deployment of one repository.

    Args:
        environment: of its processes.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def ran(self, script: str, *arguments: str, **environment: str) -> str:
        """What a process of Python prints."""
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env={**self._environment, **environment},
            cwd=TREE,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.splitlines()[-1]

    def worker(self, stack: str) -> tuple[float, float]:
        """Processor seconds and MiB of the process of a run."""
        # Whoever makes a run need not read the stacks for it.
        command = self.ran(MAKE, TREE, stack, ATMOS_BASE_PATH=os.devnull).split("\0")
        with subprocess.Popen(command, env=self._environment, cwd=TREE, stderr=subprocess.DEVNULL) as process:
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
        run = next(part for part in command[-1].split('"') if part.count("-") == 4 and len(part) == 36)  # noqa: PLR2004 - a UUID
        if (said := self.ran(SAID, run)) != "SUCCESS":
            raise SystemExit(f"not measured: the run is {said}")
        return used.ru_utime + used.ru_stime, used.ru_maxrss / MIB


def measured(scratch: Path, aws: dict[str, str], stacks: int, secrets: int, rounds: int) -> tuple[float, float]:
    """Processor seconds and MiB of a run with nothing to do in a repository of that size."""
    place = scratch / f"{stacks}x{secrets}"
    folder = generated(place / "clone", min(stacks, 3), secrets)
    home = place / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (place / "operator.yaml").write_text(
        "grants: [{preset: single-team}]\ntargets: [{stacks: '*', account_id: '111122223333'}]\n"
    )
    time.sleep(SETTLED_SECONDS)
    made = Home(
        {
            **os.environ,
            **aws,
            "PYTHONPATH": TREE,
            "DAGSTER_HOME": str(home),
            "ATMOS_BASE_PATH": str(folder),
            "SECRETS_PIPELINE_CONFIG": str(place / "operator.yaml"),
        }
    )
    stack = "shop-1"
    made.worker(stack)
    generated(folder, stacks, secrets)
    time.sleep(SETTLED_SECONDS)
    made.ran(TICK)
    found = [made.worker(stack) for _ in range(rounds)]
    return statistics.median(spent for spent, _ in found), statistics.median(size for _, size in found)


def workers(scratch: Path, sizes: str, rounds: int) -> None:
    """Print what runs with nothing to do cost in repositories of these sizes."""
    from secrets_pipeline import emulator  # noqa: PLC0415 - of the checkout that is measured

    print(f"Python {platform.python_version()}, the median of {rounds} runs with nothing to do\n")
    print("| stacks | secrets each | CPU s | MiB |\n| --: | --: | --: | --: |", flush=True)
    for size in sizes.split(","):
        stacks, secrets = map(int, size.split("x"))
        # Names are the same in each repository.
        state = scratch / size / "aws"
        aws = emulator.start(state, die_with_parent=True)
        try:
            seconds, resident = measured(scratch, aws.environment(), stacks, secrets, rounds)
        finally:
            emulator.stop(state)
        print(f"| {stacks:,} | {secrets} | {seconds:.1f} | {resident:.0f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--workers", metavar="SIZES", help="stacks x secrets, comma separated: measure runs instead")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        if arguments.workers:
            workers(scratch, arguments.workers, arguments.rounds)
            return
        folder = generated(scratch / "clone", arguments.stacks)
        os.environ |= {"ATMOS_BASE_PATH": str(folder), "DAGSTER_HOME": str(scratch)}
        time.sleep(SETTLED_SECONDS)
        print(
            f"Python {platform.python_version()}, {arguments.stacks} stacks of ten secrets, processor time", flush=True
        )
        for name, value in chain(in_process(folder, scratch / "home"), idle(folder, scratch, arguments.seconds)):
            print(f"{name:45} {value}", flush=True)


if __name__ == "__main__":
    main()
