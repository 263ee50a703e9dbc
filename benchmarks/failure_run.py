"""Does every stack end right while runs, hosts, daemon and database die? Prints the table that is in docs/deploy.md.

    PYTHONPATH=. .venv/bin/python benchmarks/failure_run.py [--stacks 200] [--kills 10] [--seed 15]

Two hosts (UTS namespaces) with homes and code servers of their own share a real PostgreSQL, an S3 bucket with leases
and the embedded AWS, under deploy/dagster.yaml. First ten stacks are applied at once, by the queue and by the command
line of the other host. Then all are backfilled, while a hand that the seed leads kills processes of runs, some with the
code server and every run of their host, the daemon twice, which comes back on the other host, and PostgreSQL. Three
stacks cannot be applied, as the key that they name is disabled. It exits with 1 if a line is not as it must be.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

import dagster as dg

from benchmarks.failures.judgement import judge
from benchmarks.failures.world import World, stack_of, two_hosts
from tests.e2e.deployment import LOCATION
from tests.waiting import eventually

AT_ONCE = 10
APART_SECONDS = 20
TICK_SECONDS = 30
"""Within which a sensor has seen that a run ended, and requested another."""
LONGEST_SECONDS = 3 * 3600.0
"""Then it is given up: something stands for ever."""
DAEMONS, DATABASES, HOSTS = 2, 1, 3
"""How often each is killed; of the killed runs so many die together with the code server and all runs of their host."""
_BACKFILL = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def main() -> None:
    """Run, print the table, and exit with 1 where it is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=15)
    options = parser.parse_args()
    stacks = [f"s{number:03}-dev" for number in range(options.stacks)]
    hand = random.Random(options.seed)  # noqa: S311 - chooses who dies
    with two_hosts(stacks) as world, dg.DagsterInstance.from_config(str(world.hosts[0].home)) as instance:
        began = time.monotonic()
        _say("ten at once")
        _ten_at_once(world, instance, stacks[:AT_ONCE])
        _say(f"backfill of {len(stacks)}")
        backfilled = time.time()
        deaths = ["host"] * min(HOSTS, options.kills) + ["run"] * (options.kills - HOSTS)
        deaths += ["daemon"] * DAEMONS + ["PostgreSQL"] * DATABASES
        hand.shuffle(deaths)
        _backfill(world, instance, stacks, deaths, hand)
        minutes = (time.monotonic() - began) / 60
        lines = list(judge(world, instance, stacks, backfilled, before=2 * AT_ONCE, deaths=Counter(deaths)))
    print(
        f"{len(stacks)} stacks, seed {options.seed}, {minutes:.0f} minutes.\n\n| what | found | |\n| --- | --- | --- |"
    )
    for line in lines:
        print(f"| {line.what} | {line.found} | {'' if line.right else 'WRONG'} |")
    if not all(line.right for line in lines):
        raise SystemExit(1)


def _ten_at_once(world: World, instance: dg.DagsterInstance, stacks: Sequence[str]) -> None:
    eventually(lambda: set(instance.get_dynamic_partitions("stacks")) > set(stacks), "the partitions")
    for stack in stacks:
        world.deployment.launch("provision", partition=stack)
    here = [world.hosts[1].start("-m", "secrets_pipeline", "apply", "-s", stack) for stack in stacks]
    for process in here:
        process.communicate()
    eventually(lambda: not _unfinished(instance), "the runs to end")


def _backfill(
    world: World, instance: dg.DagsterInstance, stacks: Sequence[str], deaths: Sequence[str], hand: random.Random
) -> None:
    params = {
        "selector": {"repositorySelector": LOCATION, "partitionSetName": "provision_partition_set"},
        "partitionNames": list(stacks),
    }
    answer = world.deployment.query(_BACKFILL, {"params": params})["launchPartitionBackfill"]
    if answer["__typename"] != "LaunchBackfillSuccess":
        raise SystemExit(str(answer))
    own = {"dagster/backfill": answer["backfillId"]}
    # Spread over the first nine tenths of it.
    apart = max(1, len(stacks) * 9 // 10 // len(deaths))
    deadline, since = time.monotonic() + LONGEST_SECONDS, 0.0
    while time.monotonic() < deadline:
        time.sleep(2)
        world.supervise()
        try:
            ended = {stack_of(run) for run in instance.get_runs(dg.RunsFilter(tags=own, statuses=list(_ENDED)))}
            rested = not world.killed or time.time() - world.killed[-1].at > APART_SECONDS
            if rested and len(world.killed) < min(len(deaths), len(ended) // apart):
                _die(world, instance, hand, deaths[len(world.killed)])
            if not world.urgent and len(ended) >= len(stacks) // 2:
                world.urgent = world.deployment.launch("verify", partition=min(ended))
            backfill = instance.get_backfill(answer["backfillId"])
            over = backfill is not None and backfill.status.value.startswith("COMPLETED")
            done = over and len(ended) == len(stacks) and not _unfinished(instance)
            since = (since or time.monotonic()) if done else 0.0
            if done and time.monotonic() - since > TICK_SECONDS:
                return
        except Exception as error:  # noqa: BLE001 - the database is away for a moment
            _say(f"the witness saw {type(error).__name__}")
    left = instance.get_runs(dg.RunsFilter(statuses=[one for one in dg.DagsterRunStatus if one not in _ENDED]))
    raise SystemExit(f"not ended: {[(stack_of(run), run.status.value) for run in left]}")


def _die(world: World, instance: dg.DagsterInstance, hand: random.Random, kind: str) -> None:
    if kind == "daemon":
        world.kill_daemon()
    elif kind == "PostgreSQL":
        world.kill_postgres()
    elif not world.kill_run(instance, hand, with_host=kind == "host"):
        return
    _say(f"killed: {kind} {' '.join(world.killed[-1].stacks)}")


def _unfinished(instance: dg.DagsterInstance) -> bool:
    # One that could not be submitted stays NOT_STARTED for ever.
    left = [status for status in dg.DagsterRunStatus if status not in {*_ENDED, dg.DagsterRunStatus.NOT_STARTED}]
    if instance.get_runs(dg.RunsFilter(statuses=left), limit=1):
        return True
    return any(one.is_complete_and_waiting_to_retry for one in instance.get_runs(limit=50))


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
