"""Does every stack end right while runs, hosts, the daemon and the database die? Prints the table that is in docs/deploy.md.

    PYTHONPATH=. .venv/bin/python benchmarks/failure_run.py [--stacks 200] [--kills 10] [--seed 15]

Two hosts (UTS namespaces) with homes and code servers of their own share a real PostgreSQL, an S3 bucket with leases and
the embedded AWS, under deploy/dagster.yaml. First ten stacks are applied at once, by the queue and by the command line of
the other host. Then all are backfilled, while a hand that the seed leads kills processes of runs, some with the code
server and every run of their host, the daemon twice, which comes back on the other host, and PostgreSQL. Three stacks
cannot be applied, as a secret of theirs is somebody else's. It exits with 1 if a line of the table is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.emulator import postgres as local_postgres
from tests.cli.conftest import ATMOS, write
from tests.deploy.compose_file import DEPLOY, POSTGRES, services
from tests.deploy.database_texts import database_texts
from tests.e2e.deployment import LOCATION, Deployment
from tests.e2e.leases.two_hosts import Host, own_name
from tests.ports import free_port
from tests.waiting import eventually

AT_ONCE = 10
FOREIGN = 3
DAEMON_KILLS, POSTGRES_KILLS = 2, 1
WITH_THEIR_HOST = 3
"""So many of the killed runs die together with the code server and all runs of their host."""
BUCKET, TOPIC, QUEUE = "shared", "alerts", "alerts"
PLACES = 5
"""deploy/dagster.yaml: runs of one account at once."""
STACK = """
    vars: {context_name: NAME, environment: dev}
    components:
      terraform:
        secretsmanager:
          vars:
            secrets:
              one: {generate_random_password: true}
              two: {generate_random_password: true}
"""
_BACKFILL = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


@dataclass
class Killed:
    """A process that the hand killed.

    Attributes:
        what: it was.
        at: when, in seconds since 1970.
        stacks: whose runs died with it.
    """

    what: str
    at: float
    stacks: Sequence[str] = ()


@dataclass
class World:
    """Everything that runs.

    Attributes:
        hosts: both.
        active: number of the one that has the daemon.
        restarted: services that ended by themselves, and were started again as an orchestrator does.
    """

    folder: Path
    aws: LocalAws
    postgres: local_postgres.PostgresServer
    hosts: Sequence[Host]
    ports: Sequence[int]
    web: int
    active: int = 0
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    killed: list[Killed] = field(default_factory=list)
    restarted: Counter[str] = field(default_factory=Counter)

    @property
    def deployment(self) -> Deployment:
        """The webserver's GraphQL."""
        return Deployment(f"http://127.0.0.1:{self.web}")

    def start_all(self) -> None:
        """Start what every host has, and the daemon."""
        for number in range(len(self.hosts)):
            self.start(f"code-server {number}")
        self.start("webserver")
        self.start("daemon")

    def start(self, service: str) -> None:
        """Start a service on its host."""
        name, _, number = service.partition(" ")
        on = int(number) if number else self.active
        workspace = str(self.hosts[on].home / "workspace.yaml")
        module = "secrets_pipeline.orchestration.code_location"
        port = str(self.ports[on])
        commands = {
            "code-server": f"-m dagster api grpc --host 127.0.0.1 --port {port} --module-name {module} "
            f"--location-name {LOCATION['repositoryLocationName']}",
            "webserver": f"-m secrets_pipeline.cli.dev.guarded_webserver --host 127.0.0.1 --port {self.web} "
            f"--workspace {workspace}",
            "daemon": f"-m dagster._daemon run --workspace {workspace}",
        }
        self.processes[service] = self.hosts[on].start(*commands[name].split())

    def supervise(self) -> None:
        """Start again what has ended, as an orchestrator does."""
        for service, process in list(self.processes.items()):
            if process.poll() is not None:
                self.restarted[service.partition(" ")[0]] += 1
                self.start(service)

    def kill_run(self, instance: dg.DagsterInstance, hand: random.Random, *, with_host: bool) -> bool:
        """Kill the process of a run that is under way, or all of its host; False where none is."""
        found = {run.run_id: (run, pid) for run in _under_way(instance) if (pid := _process_of(instance, run)) is not None}
        if not found:
            return False
        run, pid = found[hand.choice(sorted(found))]
        victims = {pid: run}
        if with_host:
            server = _parent(pid)
            victims = {one: other for other, one in found.values() if _parent(one) == server}
        moment = time.time()
        for one in victims:
            _kill(one)
        if with_host:
            _kill(server)
        stacks = sorted(_stack(one) for one in victims.values())
        self.killed.append(Killed("host" if with_host else "run", moment, stacks))
        return True

    def kill_daemon(self) -> None:
        """Kill the daemon; it is started on the other host."""
        _kill(self.processes["daemon"].pid)
        self.processes["daemon"].wait()
        self.active = 1 - self.active
        self.killed.append(Killed("daemon", time.time()))
        self.start("daemon")

    def kill_postgres(self) -> None:
        """Kill PostgreSQL; it is back after two seconds, and recovers."""
        data = str(self.folder / "postgres" / "data" / "data")
        self.killed.append(Killed("PostgreSQL", time.time()))
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (path / "cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"/postgres") and data.encode() in words:
                    _kill(int(path.name))
        time.sleep(2)
        self.postgres.stop(keep=True)
        self.postgres.start()


@dataclass(frozen=True)
class Line:
    """A line of the table: what it says, and whether it is as it must be."""

    what: str
    found: object
    right: bool = True


def main() -> None:
    """Run, print the table, and exit with 1 where it is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=15)
    options = parser.parse_args()
    stacks = [f"s{number:03}-dev" for number in range(options.stacks)]
    with _world(stacks) as world:
        with dg.DagsterInstance.from_config(str(world.hosts[0].home)) as instance:
            began = time.monotonic()
            _say("ten at once")
            _ten_at_once(world, instance, stacks[:AT_ONCE])
            _say(f"backfill of {len(stacks)}")
            backfilled = time.time()
            _backfill(world, instance, stacks, options.kills, random.Random(options.seed))  # noqa: S311 - chooses who dies
            lines = list(_judge(world, instance, stacks, backfilled, minutes=(time.monotonic() - began) / 60))
    print("| what | found | |\n| --- | --- | --- |")
    for line in lines:
        print(f"| {line.what} | {line.found} | {'' if line.right else 'WRONG'} |")
    if not all(line.right for line in lines):
        raise SystemExit(1)


def _ten_at_once(world: World, instance: dg.DagsterInstance, stacks: Sequence[str]) -> None:
    eventually(lambda: _partitions(instance) >= set(stacks), "the partitions")
    for stack in stacks:
        world.deployment.launch("provision", partition=stack)
    here = [world.hosts[1].start("-m", "secrets_pipeline", "apply", "-s", stack) for stack in stacks]
    for process in here:
        process.communicate()
    eventually(lambda: not _unfinished(instance), "the runs to end")
    codes = Counter(process.returncode for process in here)
    _say(f"exit codes of the command line: {dict(codes)}")


def _backfill(
    world: World, instance: dg.DagsterInstance, stacks: Sequence[str], kills: int, hand: random.Random
) -> None:
    params = {
        "selector": {"repositorySelector": LOCATION, "partitionSetName": "provision_partition_set"},
        "partitionNames": list(stacks),
    }
    answer = world.deployment.query(_BACKFILL, {"params": params})["launchPartitionBackfill"]
    if answer["__typename"] != "LaunchBackfillSuccess":
        raise SystemExit(str(answer))
    deaths = ["host"] * min(WITH_THEIR_HOST, kills) + ["run"] * (kills - WITH_THEIR_HOST)
    deaths += ["daemon"] * DAEMON_KILLS + ["postgres"] * POSTGRES_KILLS
    hand.shuffle(deaths)
    every = max(1, len(stacks) * 9 // 10 // len(deaths))
    while True:
        time.sleep(1)
        world.supervise()
        try:
            ended = {_stack(run) for run in instance.get_runs(dg.RunsFilter(tags=_of(answer), statuses=list(_ENDED)))}
            if deaths and len(ended) >= every * (DAEMON_KILLS + POSTGRES_KILLS + kills - len(deaths)):
                _die(world, instance, hand, deaths)
            backfill = instance.get_backfill(answer["backfillId"])
            over = backfill is not None and backfill.status.value.startswith("COMPLETED")
            if over and not deaths and len(ended) == len(stacks) and not _unfinished(instance):
                return
        except Exception as error:  # noqa: BLE001 - the database is away for a moment
            _say(f"the witness saw {type(error).__name__}")


def _die(world: World, instance: dg.DagsterInstance, hand: random.Random, deaths: list[str]) -> None:
    kind = deaths[-1]
    if kind == "daemon":
        world.kill_daemon()
    elif kind == "postgres":
        world.kill_postgres()
    elif not world.kill_run(instance, hand, with_host=kind == "host"):
        return
    deaths.pop()
    _say(f"killed: {world.killed[-1].what} {' '.join(world.killed[-1].stacks)}")


def _judge(
    world: World, instance: dg.DagsterInstance, stacks: Sequence[str], since: float, *, minutes: float
) -> Iterator[Line]:
    """Say how it ended."""
    foreign = stacks[-FOREIGN:]
    runs = instance.get_run_records(order_by="create_timestamp", ascending=True)
    provisions = [one for one in runs if one.dagster_run.job_name == "provision"]
    last = {_stack(one.dagster_run): one.dagster_run.status.value for one in provisions}
    deaths = Counter(one.what for one in world.killed)
    died = [stack for one in world.killed for stack in one.stacks]
    yield Line("minutes", f"{minutes:.0f}")
    yield Line("killed", ", ".join(f"{count} {what}" for what, count in sorted(deaths.items())) + f"; {len(died)} runs")
    yield Line("services that ended by themselves and were started again", dict(world.restarted) or "none")
    wrong = [stack for stack in stacks if (last.get(stack) == "SUCCESS") is (stack in foreign)]
    yield Line("stacks whose last run is as it must be", f"{len(stacks) - len(wrong)} of {len(stacks)}", not wrong)

    made = Counter[str]()
    for call in emulator.calls(world.aws):
        if call.service == "secretsmanager" and call.operation in {"CreateSecret", "PutSecretValue", "DeleteSecret"}:
            made[f"{call.operation} {call.status}"] += call.count
    expected = 2 * len(stacks)
    created = made.pop("CreateSecret 200", 0)
    yield Line("secrets created (of each stack two, a foreign one there before)", f"{created} of {expected}", created == expected)
    yield Line("secrets written, created or deleted a second time", dict(made) or "none", not made)
    plan = _plan(world)
    yield Line("stacks of which a deep plan still wants something", len(plan) or "none", plan == set(foreign))

    extra = {stack: count - 1 for stack, count in Counter(_stack(one.dagster_run) for one in provisions if _epoch(one.create_timestamp) >= since).items() if count > 1}
    yield Line("runs beside one a stack, all of stacks whose run was killed", sum(extra.values()), set(extra) <= set(died))
    waits = list(_waits(provisions, world, died))
    yield Line("from a death to the start of the run that mends, longest, s", f"{max(waits, default=0):.0f}", max(waits, default=0) <= _expiry() + 60)
    idle = _longest_idle(provisions, since)
    yield Line("QUEUED while places were free, longest, s", f"{idle:.0f}", idle <= _expiry())

    told = _told(world)
    expected_alerts = {stack: 1 for stack in foreign}
    yield Line("alerts at the topic, one a stack that cannot be applied", sum(told.values()), dict(told) == expected_alerts)
    values = _values(world)
    port = world.postgres.port
    found = [table for table, text in database_texts(port) if any(value in text for value in values)]
    yield Line(f"cells of PostgreSQL with one of {len(values)} passwords", len(found) or "none", not found)


def _waits(provisions: Sequence[dg.RunRecord], world: World, died: Sequence[str]) -> Iterator[float]:
    """Seconds from each death to the start of the run that went on."""
    for killed in world.killed:
        for stack in killed.stacks:
            later = [
                one.start_time
                for one in provisions
                if _stack(one.dagster_run) == stack and one.start_time is not None and one.start_time > killed.at
            ]
            yield min(later, default=float("inf")) - killed.at


def _longest_idle(provisions: Sequence[dg.RunRecord], since: float) -> float:
    """Longest time that a run was in the queue while fewer runs than the account's places had begun and not ended."""
    queued = [one for one in provisions if _epoch(one.create_timestamp) >= since and one.start_time]
    moments = sorted({at for one in queued for at in (_epoch(one.create_timestamp), one.start_time, one.end_time) if at})
    waited, longest = 0.0, 0.0
    for begin, end in pairwise(moments):
        middle = (begin + end) / 2
        busy = sum(bool(one.start_time and one.start_time <= middle < (one.end_time or middle + 1)) for one in queued)
        waiting = any(_epoch(one.create_timestamp) <= middle < (one.start_time or 0) for one in queued)
        waited = waited + end - begin if waiting and busy == 0 else 0.0
        longest = max(longest, waited)
    return longest


def _expiry() -> int:
    from secrets_pipeline.desired.settings.leases import BucketLeases  # noqa: PLC0415 - its default alone

    seconds: int = BucketLeases.model_fields["seconds"].default
    return seconds


def _plan(world: World) -> set[str]:
    process = world.hosts[0].start("-m", "secrets_pipeline", "plan", "--all", "--deep", "--format", "json")
    out, _ = process.communicate()
    document: Any = json.loads(out)
    return {one["stack"] for one in document["stacks"] if any(change["action"] != "none" for change in one["changes"])}


def _told(world: World) -> Counter[str]:
    """Stack → alerts that came to the topic about it."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    told: Counter[str] = Counter()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            subject = json.loads(message["Body"])["Subject"]
            told[next(iter(re.findall(r"s\d{3}-dev", subject)), subject)] += 1
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return told


def _values(world: World) -> list[bytes]:
    client = boto3.client("secretsmanager")
    names = [one["Name"] for page in client.get_paginator("list_secrets").paginate() for one in page["SecretList"]]
    return [client.get_secret_value(SecretId=name)["SecretString"].encode() for name in names]


@contextmanager
def _world(stacks: Sequence[str]) -> Iterator[World]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="failure-", ignore_cleanup_errors=True)))
        # As root the database runs as another user, who has to get there.
        folder.chmod(0o711)
        aws = emulator.start(folder / "aws", die_with_parent=True)
        stack.callback(emulator.stop, aws.state_dir)
        os.environ.update(aws.environment())
        boto3.setup_default_session()
        repository = _repository(folder / "atmos", aws, stacks)
        postgres, said = _postgres(folder / "postgres")
        stack.callback(postgres.stop)
        ports = [free_port(), free_port()]
        hosts = [_host(f"host-{number}", folder, port, aws, repository, said) for number, port in enumerate(ports)]
        # The witness opens the storage as the hosts do.
        os.environ.update({name: hosts[0].variables[name] for name in said} | {"TMPDIR": str(folder)})
        world = World(folder, aws, postgres, hosts, ports, free_port())
        for host in hosts:
            stack.callback(host.stop)
        world.start_all()
        eventually(lambda: _answers(world), "the webserver")
        yield world


def _repository(folder: Path, aws: LocalAws, stacks: Sequence[str]) -> Path:
    write(folder / "atmos.yaml", ATMOS)
    for stack in stacks:
        write(folder / "stacks" / f"{stack}.yaml", STACK.replace("NAME", stack.removesuffix("-dev")))
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    manager = boto3.client("secretsmanager")
    for stack in stacks[-FOREIGN:]:
        manager.create_secret(Name=f"{stack.removesuffix('-dev')}/dev/one", SecretString=secrets.token_urlsafe())
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name=TOPIC)["TopicArn"]
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    shared = {"bucket": BUCKET, "region": aws.region}
    settings = {
        "grants": {"preset": "single-team"},
        "targets": [{"stacks": "*", "account_id": aws.account_id, "region": aws.region}],
        "leases": {**shared, "prefix": "leases"},
        "seals": {**shared, "prefix": "seals"},
        "alerts": {"topic_arn": topic},
        "repository": "example.com/acme/many",
    }
    write(folder / "operator.yaml", json.dumps(settings))
    return folder


def _postgres(folder: Path) -> tuple[local_postgres.PostgresServer, dict[str, str]]:
    declared = services()[POSTGRES].environment
    folder.mkdir(mode=0o711)
    binaries = local_postgres.find()
    template = local_postgres.DataFolderTemplate(binaries, folder / "template")
    server = local_postgres.PostgresServer(
        binaries, template, folder / "data", local_postgres.Authority.make().server_context
    )
    server.create(declared["POSTGRES_USER"], declared["POSTGRES_PASSWORD"], declared["POSTGRES_DB"])
    return server, {
        "DAGSTER_PG_HOST": "127.0.0.1",
        "DAGSTER_PG_PORT": str(server.port),
        "DAGSTER_PG_USERNAME": declared["POSTGRES_USER"],
        "DAGSTER_PG_PASSWORD": declared["POSTGRES_PASSWORD"],
        "DAGSTER_PG_DB": declared["POSTGRES_DB"],
    }


def _host(name: str, folder: Path, port: int, aws: LocalAws, repository: Path, said: dict[str, str]) -> Host:
    home = folder / name
    (home / "tmp").mkdir(parents=True)
    for file in ("dagster.yaml", "workspace.yaml"):
        (home / file).write_text((DEPLOY / file).read_text())
    variables = {
        **aws.environment(),
        **said,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "ATMOS_BASE_PATH": str(repository),
        "SECRETS_PIPELINE_CONFIG": str(repository / "operator.yaml"),
        "SECRETS_PIPELINE_CODE_HOST": "127.0.0.1",
        "SECRETS_PIPELINE_CODE_PORT": str(port),
    }
    return Host(name, home, folder / f"{name}.log", variables)


def _answers(world: World) -> bool:
    try:
        return bool(world.deployment.query("{ version }"))
    except OSError:
        return False


def _partitions(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_dynamic_partitions("stacks"))


def _of(answer: dict[str, Any]) -> dict[str, str]:
    return {"dagster/backfill": answer["backfillId"]}


def _stack(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition", "")


def _under_way(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    wanted = dg.RunsFilter(job_name="provision", statuses=[dg.DagsterRunStatus.STARTED])
    return instance.get_runs(wanted)


def _unfinished(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    left = [status for status in dg.DagsterRunStatus if status not in _ENDED]
    waiting_for_retry = [one for one in instance.get_runs(limit=50) if one.is_complete_and_waiting_to_retry]
    return [*instance.get_runs(dg.RunsFilter(statuses=left)), *waiting_for_retry]


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The process that executes a run, as the run's own first event names it."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        if event is not None and (found := re.search(r"\(pid: (\d+)\)", event.message or "")):
            return int(found[1])
    return None


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _epoch(moment: Any) -> float:  # noqa: ANN401 - Dagster's naive or aware datetime
    return float(moment.timestamp())


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
