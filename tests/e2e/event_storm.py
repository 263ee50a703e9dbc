"""Many events in random order, with duplicates and poison, and a daemon that is killed again and again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import boto3
import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import events_of
from tests.e2e.deployment import PROJECT
from tests.orchestration.rotation.event_ground import Ground
from tests.ports import free_port
from tests.rotation.event_bodies import call, label_updated, service_event
from tests.waiting import eventually

_CONTEXTS = ("shop", "till", "blog", "mail")
_QUEUE = "storm"
_CLOCK = timedelta(milliseconds=1)
"""What the run storage's clock shows at the least."""


@dataclass(frozen=True)
class Sent:
    """An event.

    Attributes:
        stack: the one that it concerns.
        at: when it was sent.
        version: that it tells of; empty for one that tells of no value.
    """

    stack: str
    at: datetime
    version: str


@dataclass(frozen=True)
class Storm:
    """What came of it.

    Attributes:
        sent: event id → what was sent.
        messages: how many there were, duplicates and poison included.
        poison: how many of them were no events.
        runs: event id → when each run that answers it was made, and for which stack.
        following: stack and version → when each run that follows that version was made.
        made: runs in all.
        kills: how often the daemon was killed.
        left: messages left in the queue.
        dead: messages in the dead-letter queue.
        seconds: from the first daemon to the empty queue.
    """

    sent: Mapping[str, Sent]
    messages: int
    poison: int
    runs: Mapping[str, Sequence[tuple[str, datetime]]]
    following: Mapping[tuple[str, str], Sequence[datetime]]
    made: int
    kills: int
    left: int
    dead: int
    seconds: float

    def is_covered(self, event: str) -> bool:
        """Whether one run of its stack was made after an event, for it or for an earlier one of the same value."""
        sent = self.sent[event]
        answering = [stack for stack, made in self.runs.get(event, ()) if made > sent.at - _CLOCK]
        # AWS dates events by the second.
        second = sent.at.replace(microsecond=0)
        follows = any(made >= second for made in self.following.get((sent.stack, sent.version), ()))
        return answering == [sent.stack] or (not answering and follows)


@dataclass
class _Weather:
    ground: Ground
    chance: random.Random
    sent: dict[str, Sent] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)
    messages: int = 0
    poison: int = 0

    def send(self, count: int) -> None:
        """Some new events of all stacks, some of them twice or as repetitions of earlier ones, and some poison."""
        some: list[str] = []
        for _ in range(count):
            context = self.chance.choice(_CONTEXTS)
            name = f"{context}/dev/{self.chance.choice(('one', 'two'))}"
            make = self.chance.choice((label_updated, service_event, _tampering))
            event = make(name)
            event["resources"] = []
            version = _put_arn(event, name, self.ground)
            now = datetime.now(UTC)
            event["time"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            self.sent[event["id"]] = Sent(f"{context}-dev", now, "" if make is _tampering else version)
            some.append(json.dumps(event))
        again = self.chance.choices([*self.bodies, *some], k=count // 10)
        poison = ["{" * self.chance.randint(1, 9) for _ in range(max(1, count // 100))]
        self.bodies += some
        self.messages += len(some) + len(again) + len(poison)
        self.poison += len(poison)
        mixed = [*some, *again, *poison]
        self.chance.shuffle(mixed)
        self.ground.send(*mixed)


def _tampering(name: str) -> dict[str, Any]:
    return call("PutResourcePolicy", {"secretId": name})


def _put_arn(event: dict[str, Any], name: str, ground: Ground) -> str:
    """Put the ARN that the embedded AWS gave the secret in the place of an invented one; the secret's version."""
    found = ground.secrets.describe_secret(SecretId=name)
    if "additionalEventData" in event["detail"]:
        event["detail"]["additionalEventData"]["SecretId"] = found["ARN"]
    (version,) = found["VersionIdsToStages"]
    return version


def storm(folder: Path, session: boto3.Session, *, events: int, kills: int, seed: int, timeout: float) -> Storm:
    """Let it come; the environment leads to the embedded AWS.

    Args:
        folder: for the repository and DAGSTER_HOME.
        session: plain boto3 on that AWS.
        events: different ones.
        kills: SIGKILLs of the daemon; before each, a part of the events comes.
        seed: of everything random.
        timeout: seconds until the queue has to be empty.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    ground = Ground.lay(folder / "atmos", _CONTEXTS, session, queue=_QUEUE, named=True)
    ground.make_queue(max_receives=10)
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    os.environ.update(
        DAGSTER_HOME=str(folder / "home"),
        SECRETS_PIPELINE_CONFIG=str(ground.repository / "operator.yaml"),
        ATMOS_BASE_PATH=str(ground.repository),
        PYTHONPATH=str(PROJECT),
    )
    weather = _Weather(ground, chance)
    with _code_server(folder) as port:
        started = time.monotonic()
        for number in range(kills):
            weather.send(events // kills + (events % kills if number == 0 else 0))
            with _daemon(folder, port):
                # Wherever it is then: receiving, deciding, making runs, deleting.
                time.sleep(chance.uniform(0.0, 4.0))
        with _daemon(folder, port):
            eventually(lambda: not ground.waiting(), "the queue to be empty", seconds=timeout)
        seconds = time.monotonic() - started
    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records()
    return Storm(
        sent=weather.sent,
        messages=weather.messages,
        poison=weather.poison,
        runs=_by_event(records),
        following=_by_version(records),
        made=len(records),
        kills=kills,
        left=ground.waiting(),
        dead=ground.waiting(f"{_QUEUE}-dead-letters"),
        seconds=seconds,
    )


def _by_event(records: Sequence[dg.RunRecord]) -> dict[str, list[tuple[str, datetime]]]:
    found: dict[str, list[tuple[str, datetime]]] = {}
    for record in records:
        run = record.dagster_run
        assert run.status is dg.DagsterRunStatus.QUEUED, "nothing takes runs from their queue here"
        for event in events_of(run.tags):
            found.setdefault(event, []).append((run.tags[PARTITION_TAG], record.create_timestamp))
    return found


def _by_version(records: Sequence[dg.RunRecord]) -> dict[tuple[str, str], list[datetime]]:
    found: dict[tuple[str, str], list[datetime]] = {}
    for record in records:
        tags = record.dagster_run.tags
        for version in set(events_of(tags).values()):
            found.setdefault((tags[PARTITION_TAG], version), []).append(record.create_timestamp)
    return found


@contextmanager
def _code_server(folder: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "dagster", "api", "grpc", "--module-name", "tests.e2e.event_location"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--working-directory", str(PROJECT)]
    with (folder / "server.log").open("wb") as log, _process(command, log) as process:
        eventually(lambda: "Started Dagster code server" in (folder / "server.log").read_text(), "the code server")
        assert process.poll() is None
        yield port


@contextmanager
def _daemon(folder: Path, port: int) -> Iterator[None]:
    """A daemon that is killed at the end."""
    log = folder / "daemon.log"
    before = log.read_text().count("ready") if log.exists() else 0
    with log.open("ab") as sink, _process([sys.executable, "-m", "tests.e2e.event_daemon", str(port)], sink) as process:
        eventually(lambda: process.poll() is not None or log.read_text().count("ready") > before, "the daemon")
        assert process.poll() is None, log.read_text()[-2000:]
        yield


@contextmanager
def _process(command: Sequence[str], log: BinaryIO) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
