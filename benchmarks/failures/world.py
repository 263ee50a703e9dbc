"""Two hosts with a Dagster deployment each, on one PostgreSQL and one AWS, and the hand that kills what they run."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import dagster as dg
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.emulator import postgres as local_postgres
from tests.cli.conftest import ATMOS, write
from tests.deploy.compose_file import DEPLOY, POSTGRES, services
from tests.e2e.deployment import LOCATION, Deployment
from tests.e2e.leases.two_hosts import Host
from tests.ports import free_port
from tests.waiting import eventually

BUCKET, TOPIC, QUEUE = "shared", "alerts", "alerts"
REPEATED: int = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["run_retries"]["max_retries"]
"""How often Dagster repeats a run that died."""
BROKEN = 3
"""The last stacks cannot be applied: the key that they name is disabled."""
STACK = """
    vars: {context_name: NAME, environment: dev}
    components:
      terraform:
        secretsmanager:
          vars:
            secrets:
              one: {generate_random_password: true, kms_key_id: KEY}
              two: {generate_random_password: true, kms_key_id: KEY}
"""


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
        urgent: a run that was launched amid the backfill.
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
    urgent: str = ""

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
        self.processes[service] = self.hosts[on].start(*commands[name].split(), heard=False)

    def supervise(self) -> None:
        """Start again what has ended, as an orchestrator does."""
        for service, process in list(self.processes.items()):
            if process.poll() is not None:
                self.restarted[service.partition(" ")[0]] += 1
                self.start(service)

    def kill_run(self, instance: dg.DagsterInstance, hand: random.Random, *, with_host: bool) -> bool:
        """Kill the process of a run that is under way, or all of its host; False where none is.

        The last run that Dagster gives a stack is spared: who kills it, too, has its stack given up, and alerted.
        """
        servers = {one.pid: service for service, one in self.processes.items() if service.startswith("code-server")}
        found = {}
        for run in instance.get_runs(dg.RunsFilter(job_name="provision", statuses=[dg.DagsterRunStatus.STARTED])):
            pid = _process_of(instance, run)
            if _parent(pid) in servers:
                found[pid] = run
        deaths = Counter(stack for one in self.killed for stack in one.stacks)
        struck = {pid: _parent(pid) if with_host else pid for pid in found}
        spared = {struck[pid] for pid, run in found.items() if deaths[stack_of(run)] >= REPEATED}
        chosen = [pid for pid in sorted(found) if struck[pid] not in spared]
        if not chosen:
            return False
        pid = hand.choice(chosen)
        server = _parent(pid)
        died = [one for one in found if one == pid or (with_host and _parent(one) == server)]
        moment = time.time()
        for one in [server, *died] if with_host else died:
            _kill(one)
        stacks = sorted(stack_of(found[one]) for one in died)
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


@contextmanager
def two_hosts(stacks: Sequence[str]) -> Iterator[World]:
    """Start everything for a repository of these stacks; nothing is left of it at the end."""
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
        known = {**aws.environment(), **said}
        hosts = [_host(folder / f"host-{number}", port, repository, known) for number, port in enumerate(ports)]
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
    kms = boto3.client("kms")
    key, disabled = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.disable_key(KeyId=disabled)
    for stack in stacks:
        manifest = STACK.replace("NAME", stack.removesuffix("-dev"))
        named = disabled if stack in stacks[-BROKEN:] else key
        write(folder / "stacks" / f"{stack}.yaml", manifest.replace("KEY", named))
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name=TOPIC)["TopicArn"]
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    shared = {"bucket": BUCKET, "region": aws.region}
    settings = {
        "grants": {"preset": "single-team"},
        "targets": [{"stacks": "*", "account_id": aws.account_id, "region": aws.region}],
        # What a killed run signed is sent at once or never, so nobody waits until AWS refuses it.
        "leases": {**shared, "prefix": "leases", "takeover_delay": 0},
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


def _host(home: Path, port: int, repository: Path, variables: dict[str, str]) -> Host:
    (home / "tmp").mkdir(parents=True)
    for file in ("dagster.yaml", "workspace.yaml"):
        (home / file).write_text((DEPLOY / file).read_text())
    variables = {
        **variables,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "ATMOS_BASE_PATH": str(repository),
        "SECRETS_PIPELINE_CONFIG": str(repository / "operator.yaml"),
        "SECRETS_PIPELINE_CODE_HOST": "127.0.0.1",
        "SECRETS_PIPELINE_CODE_PORT": str(port),
    }
    return Host(home.name, home, home.with_suffix(".log"), variables)


def _answers(world: World) -> bool:
    try:
        return bool(world.deployment.query("{ version }"))
    except OSError:
        return False


def _process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    """The process that executes a run, as an event of the run names it; 0 for none."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        if event is not None and (found := re.search(r"\(pid: (\d+)\)", event.message or "")):
            return int(found[1])
    return 0


def _parent(pid: int) -> int:
    """The parent of a process; 0 where it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def stack_of(run: dg.DagsterRun) -> str:
    """The stack of a run."""
    return run.tags.get("dagster/partition", "")
