"""Whether everything ended right, as lines of a table."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import boto3
import dagster as dg
import yaml

from benchmarks.failures.world import BROKEN, QUEUE, World, stack_of
from secrets_pipeline import emulator
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.orchestration.shared.priorities import BACKFILL_TAG
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from tests.deploy.compose_file import DEPLOY
from tests.deploy.database_texts import database_texts

_LIMITS = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["concurrency"]["runs"]["tag_concurrency_limits"]
PLACES: int = min(one["limit"] for one in _LIMITS if one["key"] in {BACKFILL_TAG, ACCOUNT_TAG})
"""Runs of a backfill at once: all of its stacks are in one account."""
EXPIRY_SECONDS: int = BucketLeases.model_fields["seconds"].default
NEVER = math.inf
LAUNCH_SECONDS = 60.0
"""A launch takes no longer."""
_FAILURES = {dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.STEP_FAILURE}
_TWICE = {"CreateSecret", "PutSecretValue", "UpdateSecret", "DeleteSecret"}


@dataclass(frozen=True)
class Line:
    """A line of the table: what it says, and whether it is as it must be."""

    what: str
    found: object
    right: bool = True


@dataclass(frozen=True)
class Passed:
    """A run of the backfill, or one that was repeated, with when it was queued, launched, started, and ended."""

    run_id: str
    said: str
    stack: str
    status: str
    queued: float
    launched: float
    started: float
    ended: float


def judge(
    world: World,
    instance: dg.DagsterInstance,
    stacks: Sequence[str],
    since: float,
    *,
    before: int,
    deaths: Counter[str],
) -> Iterator[Line]:
    """Compare what there is with what must be.

    Args:
        world: what ran.
        instance: its runs.
        stacks: all of them.
        since: when the backfill began, in seconds since 1970.
        before: how many runs there were before, of both hosts.
        deaths: what was to be killed → how often.
    """
    first = instance.get_runs(dg.RunsFilter(job_name="provision", created_before=datetime.fromtimestamp(since, UTC)))
    others = [run for run in first if run.status is not dg.DagsterRunStatus.SUCCESS]
    details = "".join(f"; {stack_of(run)} {run.status.value}: {_why(instance, run)}" for run in others)
    yield Line(
        "runs of the same stacks at once, by the queue and by the other host's command line, that succeeded",
        f"{len(first) - len(others)} of {before}{details}",
        len(first) == before and not others,
    )
    runs = _passed(instance, since)
    died = [stack for one in world.killed for stack in one.stacks]
    killed = Counter(one.what for one in world.killed)
    yield Line("killed", _counted(killed), killed == deaths)
    yield Line("runs that died of it", len(died))
    yield Line(
        "services that ended with their host or by themselves, and were started again", _counted(world.restarted)
    )
    yield from _stacks(world, runs, stacks, died)
    yield from _times(world, runs, instance.get_run_stats(world.urgent))
    told, broken = _told(), set(stacks[-BROKEN:])
    failed = {stack for stack in broken if any(one.startswith(f"Apply of {stack} failed: ") for one in told)}
    right = failed == broken and set(told.values()) == {1} and all(any(one in said for one in broken) for said in told)
    yield Line(
        "alerts at the topic, each once: of stacks that cannot be applied, none of what was mended",
        sum(told.values()) if right else f"{sum(told.values())}: {dict(told)}",
        right,
    )
    values = _values()
    found = [table for table, text in database_texts(world.postgres.port) if any(value in text for value in values)]
    yield Line(f"cells of PostgreSQL with one of the {len(values)} passwords", len(found) or "none", not found)


def _counted(what: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(what.items())) or "none"


def _stacks(world: World, runs: Sequence[Passed], stacks: Sequence[str], died: Sequence[str]) -> Iterator[Line]:
    broken = set(stacks[-BROKEN:])
    last = {one.stack: one.status for one in sorted(runs, key=lambda one: one.queued)}
    right = [stack for stack in stacks if (last.get(stack) == "SUCCESS") is not (stack in broken)]
    wrong = {stack: [one.said for one in runs if one.stack == stack] for stack in stacks if stack not in right}
    yield Line(
        "stacks whose last run ended as it must",
        f"{len(right)} of {len(stacks)}" + "".join(f"; but {stack}: {said}" for stack, said in wrong.items()),
        not wrong,
    )
    wanting = _wanting(world)
    yield Line(
        "stacks of which a deep plan wants something, the broken ones aside",
        len(wanting - broken),
        wanting == broken,
    )
    written = Counter[str]()
    for call in emulator.calls(world.aws):
        if call.service == "secretsmanager" and call.operation in _TWICE:
            written[f"{call.operation} {call.status}"] += call.count
    created, wanted = written.pop("CreateSecret 200", 0), 2 * (len(stacks) - BROKEN)
    yield Line("secrets created", f"{created} of {wanted}", created == wanted)
    yield Line("values or secrets written a second time, or refused as they exist", _counted(written), not written)
    more = Counter(one.stack for one in runs)
    more.subtract(dict.fromkeys(stacks, 1))
    twice = +more
    died = [*died, *(one.stack for one in _struck(world, runs))]
    done = Counter(one.stack for one in runs if one.status == "SUCCESS")
    other = sorted({*(set(twice) - set(died)), *(stack for stack, times in done.items() if times > 1)})
    said = f"{sum(twice.values())}, each after one that had died with its process, its launch or the database"
    details = [f"{one.stack} {one.run_id} {one.status}: {one.said}" for one in runs if one.stack in other]
    yield Line("runs beside one a stack", said + "".join(f"; but {one}" for one in details), not other)


def _struck(world: World, runs: Sequence[Passed]) -> Iterator[Passed]:
    """Runs that failed as PostgreSQL died under them, or the daemon while it launched them: these never started."""
    failed = [one for one in runs if one.status == "FAILURE"]
    for killed in world.killed:
        under_way = [one for one in failed if one.launched <= killed.at <= one.ended]
        if killed.what == "PostgreSQL":
            yield from under_way
        elif killed.what == "daemon":
            yield from (one for one in under_way if one.started == NEVER and killed.at - one.launched <= LAUNCH_SECONDS)


def _times(world: World, runs: Sequence[Passed], urgent: Any) -> Iterator[Line]:  # noqa: ANN401 - Dagster's own
    waits = [_mended(runs, stack, killed.at) for killed in world.killed for stack in killed.stacks]
    longest = max(waits, default=0.0)
    yield Line(
        f"from a death to the start of the run that mends (a lease lasts {EXPIRY_SECONDS} s), median and longest, s",
        f"{statistics.median(waits or [0.0]):.0f}, {longest:.0f}",
        longest < NEVER,
    )
    queued = [one.launched - one.queued for one in runs]
    waited = urgent.launch_time - urgent.enqueued_time
    yield Line(
        "wait in the queue of the backfill, median and longest, s",
        f"{statistics.median(queued):.0f}, {max(queued):.0f}",
    )
    yield Line(
        "wait of a `verify` that was launched amid it, s",
        f"{waited:.0f}",
        waited < statistics.median(queued),
    )
    idle, stack, until = _idle(runs)
    deaths = [f"{one.what} {one.at - until:.0f}" for one in world.killed]
    right = idle <= EXPIRY_SECONDS
    details = "" if right else f"; {stack}; deaths by the seconds to its end: {', '.join(deaths)}"
    yield Line(
        "longest time that a run was the next one in the queue and had a free place, s", f"{idle:.0f}{details}", right
    )


def _mended(runs: Sequence[Passed], stack: str, at: float) -> float:
    """Seconds from the death of a stack's run to the start of the next one."""
    return min((one.started for one in runs if one.stack == stack and one.started > at), default=NEVER) - at


def _idle(runs: Sequence[Passed]) -> tuple[float, str, float]:
    """Longest time in which the same run was the next one, of a stack without another, with a free place.

    Returns:
        Seconds, the stack of that run, and the end of that time.
    """
    moments = sorted({at for one in runs for at in (one.queued, one.launched, one.ended)})
    idle, before, longest = 0.0, "", (0.0, "", 0.0)
    for begin, end in pairwise(moments):
        at = (begin + end) / 2
        busy = [one.stack for one in runs if one.launched <= at < one.ended]
        waiting = [one for one in runs if one.queued <= at < one.launched and one.stack not in busy]
        following = min(waiting, key=lambda one: one.queued, default=None)
        if following is None or len(busy) >= PLACES:
            idle, before = 0.0, ""
            continue
        idle = end - begin + (idle if following.run_id == before else 0.0)
        before = following.run_id
        longest = max(longest, (idle, following.stack, end))
    return longest


def _passed(instance: dg.DagsterInstance, since: float) -> list[Passed]:
    found = []
    for run in instance.get_runs(dg.RunsFilter(job_name="provision")):
        said: Any = instance.get_run_stats(run.run_id)
        if said.enqueued_time and said.enqueued_time >= since:
            launched = said.launch_time or said.start_time or NEVER
            times = (said.enqueued_time, launched, said.start_time or NEVER, said.end_time)
            found.append(Passed(run.run_id, _why(instance, run), stack_of(run), run.status.value, *times))
    return found


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the events say of a failure, the last words first; an error's class with the first line of its text."""
    said = []
    for entry in instance.all_logs(run.run_id, of_type=_FAILURES):
        event = entry.dagster_event
        if event is not None:
            # A run that somebody reported as failed has no error.
            error: Any = getattr(event.event_specific_data, "error", None)
            errors = [one for one in (error, error and error.cause) if one]
            said += [event.message or "", *(f"{one.cls_name}: {one.message.splitlines()[0]}" for one in errors)]
    return " | ".join(reversed(said))


def _wanting(world: World) -> set[str]:
    """Stacks of which a deep plan wants something."""
    process = world.hosts[0].start("-m", "secrets_pipeline", "plan", "--deep", "--format", "json")
    out, _ = process.communicate()
    document: Any = json.loads(out)
    return {stack for stack, plan in document["stacks"].items() if plan["changes"]}


def _told() -> Counter[str]:
    """Subject → how often it came to the topic."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    told: Counter[str] = Counter()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            told[json.loads(message["Body"])["Subject"]] += 1
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return told


def _values() -> list[bytes]:
    client = boto3.client("secretsmanager")
    names = [one["Name"] for page in client.get_paginator("list_secrets").paginate() for one in page["SecretList"]]
    return [client.get_secret_value(SecretId=name)["SecretString"].encode() for name in names]
