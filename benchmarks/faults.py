"""Every call of an apply meets every fault: prints the README's table of calls, faults and outcomes.

    .venv/bin/python benchmarks/faults.py [--stacks infra-shared,myapp-dev] [--stride 1] [--workers 2] [--stale]

For each call of a clean apply of a stack of examples/, and for each fault, an apply in a process of its own meets the
fault on a fresh embedded AWS; one more run follows undisturbed; then everything that AWS holds is compared with what a
clean apply leaves, real logins included. `infra-shared:update` begins with a stack that was applied before and is
changed in every part, the others with an empty account. `--stale` freezes lists at the beginning until both runs are
over. An even stride never meets some kinds. Exit code 1 if anything ended otherwise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from secrets_pipeline import local
from tests.faults.cases import Verdict, cases, clean, judge
from tests.faults.edits import older_repository
from tests.faults.ground import OPERATOR, Ground
from tests.faults.table import fault_table, first_runs, problems

UPDATE = ":update"
STACKS = ("infra-shared", "infra-shared" + UPDATE, "myapp-dev", "myapp-prod")
Found = dict[str, list[Verdict]]


def main() -> int:
    """Run and print."""
    options = _options()
    started = time.monotonic()
    found: Found = {stack: [] for stack in options.stacks.split(",")}
    for stack, verdict in _all_verdicts(options):
        found[stack].append(verdict)
        met = sum(map(len, found.values()))
        print(f"\r{met} cases, {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    everything = [verdict for verdicts in found.values() for verdict in verdicts]
    struck = [verdict for verdict in everything if verdict.struck]
    wrong = list(problems(found))
    lists = "frozen at the beginning" if options.stale else "up to date"
    print(
        f"{len(struck)} faults met their call ({len(everything) - len(struck)} found none), every {options.stride}. "
        f"pair of call and fault, lists {lists}, {options.workers} workers, {time.monotonic() - started:.0f} s on "
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n"
    )
    print(fault_table(found), first_runs(everything), sep="\n\n")
    print(f"\n{len(wrong)} problems", *wrong, sep="\n- ")
    return bool(wrong)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", default=",".join(STACKS), help="stacks of examples/, separated by commas")
    parser.add_argument("--stride", type=int, default=1, help="every how many pairs of call and fault")
    parser.add_argument("--workers", type=int, default=2, help="embedded AWSs at once")
    parser.add_argument("--stale", action="store_true", help="lists show the beginning meanwhile")
    return parser.parse_args()


def _all_verdicts(options: argparse.Namespace) -> Iterator[tuple[str, Verdict]]:
    """What the workers find, as it comes.

    Raises:
        RuntimeError: a worker has died.
    """
    # Workers fork for every run: they are processes without threads.
    forking = multiprocessing.get_context("fork")
    ends: list[Connection] = []
    workers = []
    for index in range(options.workers):
        receiving, sending = forking.Pipe(duplex=False)
        worker = forking.Process(target=_work, args=(sending, index, options))
        worker.start()
        sending.close()
        ends.append(receiving)
        workers.append(worker)
    while ends:
        ready = wait(ends)
        for end in [one for one in ends if one in ready]:
            try:
                found: tuple[str, Verdict] = end.recv()
            except EOFError:
                ends.remove(end)
            else:
                yield found
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError(f"a worker ended with {worker.exitcode}")


def _work(sending: Connection, index: int, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        aws = local.start(Path(folder), die_with_parent=True)
        os.environ.update(aws.environment(), SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        try:
            older = older_repository(Path(folder) / "older")
            for stack in options.stacks.split(","):
                ground = Ground.of(aws, stack.removesuffix(UPDATE), before=older if stack.endswith(UPDATE) else None)
                expected = clean(ground)
                todo = list(cases(expected.places(), stride=options.stride, stale=options.stale))
                for case in todo[index :: options.workers]:
                    sending.send((stack, judge(ground, expected, case)))
        finally:
            local.stop(aws.state_dir)
            sending.close()


if __name__ == "__main__":
    sys.exit(main())
