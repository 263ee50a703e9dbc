"""Every call of an apply meets every fault: prints a table of docs/evidence.md, calls, faults and outcomes.

    .venv/bin/python benchmarks/faults.py [--stacks infra-shared,myapp-dev] [--stride 1] [--races 20] [--workers 2]
                                          [--stale]

For each call of a clean apply of a stack of examples/, and for each fault, an apply in a process of its own meets the
fault on a fresh embedded AWS; one more run follows undisturbed; then everything that AWS holds is compared with what a
clean apply leaves, real logins included. `infra-shared:update` begins with a stack that was applied before and is
changed in every part, the others with an empty account. `--stale` freezes lists at the beginning until both runs are
over. An even stride never meets some kinds. Then races: two applies of one stack, and an apply and a rotation of the
database's password, each at `--races` distances in time. Exit code 1 if anything ended otherwise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from secrets_pipeline import emulator
from tests.faults.cases import Verdict, cases, clean, judge
from tests.faults.edits import older_repository
from tests.faults.ground import OPERATOR, Ground
from tests.faults.races import apply_and_rotation, two_applies
from tests.faults.table import fault_table, first_runs, problems, stack_table

UPDATE = ":update"
STACKS = ("infra-shared", "infra-shared" + UPDATE, "myapp-dev", "myapp-prod")
_APPLY_SECONDS, _ROTATION_SECONDS = 1.5, 4.0


@dataclass(frozen=True)
class Race:
    """A race at one distance in time, and what was wrong in the end."""

    apart: float
    problems: tuple[str, ...]


Found = dict[str, list[Verdict]]
Result = Verdict | Race


def main() -> int:
    """Run and print."""
    options = _options()
    started = time.monotonic()
    found: Found = {stack: [] for stack in options.stacks.split(",")}
    races: dict[str, list[Race]] = defaultdict(list)
    for title, result in _all_results(options):
        if isinstance(result, Race):
            races[title].append(result)
        else:
            found[title].append(result)
        met = sum(len(results) for group in (found, races) for results in group.values())
        print(f"\r{met} cases, {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    everything = [verdict for verdicts in found.values() for verdict in verdicts]
    struck = [verdict for verdict in everything if verdict.struck]
    wrong = [
        *problems(found),
        *(
            f"{title}, {one.apart:+.2f} s: {text}"
            for title, run in races.items()
            for one in run
            for text in one.problems
        ),
    ]
    lists = "frozen at the beginning" if options.stale else "up to date"
    print(
        f"{len(struck)} faults met their call ({len(everything) - len(struck)} found none), every {options.stride}. "
        f"pair of call and fault, lists {lists}, {options.workers} workers, {time.monotonic() - started:.0f} s on "
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n"
    )
    print(stack_table(found), first_runs(everything), fault_table(found), sep="\n\n")
    for title, raced in races.items():
        right, apart = [one for one in raced if not one.problems], sorted(one.apart for one in raced)
        print(f"\n{title}, {apart[0]:+.2f} to {apart[-1]:+.2f} s apart: {len(right)}/{len(raced)} ended right.")
    print(f"\n{len(wrong)} problems", *wrong, sep="\n- ")
    return bool(wrong)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", default=",".join(STACKS), help="stacks of examples/, separated by commas")
    parser.add_argument("--stride", type=int, default=1, help="every how many pairs of call and fault")
    parser.add_argument("--races", type=int, default=20, help="distances in time of each race")
    parser.add_argument("--workers", type=int, default=2, help="embedded AWSs at once")
    parser.add_argument("--stale", action="store_true", help="lists show the beginning meanwhile")
    return parser.parse_args()


def _all_results(options: argparse.Namespace) -> Iterator[tuple[str, Result]]:
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
                found: tuple[str, Result] = end.recv()
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
        aws = emulator.start(Path(folder), die_with_parent=True)
        os.environ.update(aws.environment(), SECRETS_PIPELINE_CONFIG=str(OPERATOR))
        try:
            older = older_repository(Path(folder) / "older")
            for stack in options.stacks.split(","):
                ground = Ground.of(aws, stack.removesuffix(UPDATE), before=older if stack.endswith(UPDATE) else None)
                expected = clean(ground)
                todo = list(cases(expected.places(), stride=options.stride, stale=options.stale))
                for case in todo[index :: options.workers]:
                    sending.send((stack, judge(ground, expected, case)))
            share = range(index, options.races, options.workers)
            for title, race in _races(aws, Path(folder), [one / options.races for one in share]):
                sending.send((title, race))
        finally:
            emulator.stop(aws.state_dir)
            sending.close()


def _races(aws: emulator.LocalAws, folder: Path, parts: Sequence[float]) -> Iterator[tuple[str, Race]]:
    """Each race at these parts of the time in which the two overlap."""
    if not parts:
        return
    ground = Ground.of(aws, "myapp-dev")
    expected = clean(ground)
    for part in parts:
        apart = part * _APPLY_SECONDS
        yield "Two applies of myapp-dev", Race(apart, two_applies(ground, expected, apart=apart))
    for number, part in enumerate(parts):
        apart = (part - 0.25) * _ROTATION_SECONDS
        problems = apply_and_rotation(ground, folder / f"edited-{number}", apart=apart)
        yield "An apply after a rotation began", Race(apart, problems)


if __name__ == "__main__":
    sys.exit(main())
