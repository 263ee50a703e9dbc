"""The differential test at any size: the access evaluator against `@cloud-copilot/iam-simulate`.

    .venv/bin/python benchmarks/access_oracle.py [--cases 100000] [--first 0]
    .venv/bin/python benchmarks/access_oracle.py --show 4108

Needs Node.js, and the npm registry once. The exit code is 1 if a disagreement is settled by nothing. `--show` prints
one case with both answers. At the end, both are timed one after the other on the same cases, one at a time, with every
document compiled anew, as the peer's interface has it; its side includes the start of Node.js and JSON through
a pipe.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.access.oracle.comparison import Total, compared
from tests.access.oracle.process import Unavailable, ask
from tests.access.oracle.settled import CLASSES
from tests.access.oracle.simulations import simulation
from tests.strategies.policies import case_of

_CASES = 100_000
_TIMED = 5_000


def _run(first: int, cases: int) -> int:
    started = time.monotonic()
    total = Total()
    total.count(compared(range(first, first + cases)))
    seconds = time.monotonic() - started
    print(f"{total.cases:,} cases in {seconds:.0f} s, {total.allowed:,} of them allowed")
    print(f"{total.agreed:,} agree in the result and in every layer ({total.agreed / total.cases:.2%})")
    for settled in sorted(CLASSES, key=lambda one: -total.by_class[one.name]):
        print(f"{total.by_class[settled.name]:>8,}  {settled.name}")
        print(f"{'':10}{settled.page}: {settled.quote or 'silent'}")
    print(f"{len(total.unsettled):,} disagreements that nothing settles")
    for seed, differences in total.unsettled.items():
        print(f"  seed {seed}: {'; '.join(differences)}")
    _compare_speed(range(first, first + min(cases, _TIMED)))
    return 1 if total.unsettled else 0


def _compare_speed(seeds: range) -> None:
    made = [case_of(seed) for seed in seeds]
    asked = [simulation(case) for case in made]
    list(ask(asked[:100]))
    started = time.perf_counter()
    for case in made:
        case.decide()
    ours = len(made) / (time.perf_counter() - started)
    started = time.perf_counter()
    answers = sum(1 for _ in ask(asked))
    peer = answers / (time.perf_counter() - started)
    print(f"evaluator {ours:,.0f} cases a second, oracle {peer:,.0f}: {ours / peer:.1f} times")


def _show(seed: int) -> int:
    case = case_of(seed)
    decision = case.decide()
    print(json.dumps(simulation(case), indent=2))
    print(f"evaluator: {decision.allowed}, decided by {decision.decided_by}")
    for _, one in compared([seed]):
        print(f"differences: {', '.join(one.differences) or 'none'}")
        print(f"settled: {', '.join(settled.name for settled in one.settled) or 'nothing'}")
    return 0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=_CASES)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--show", type=int)
    arguments = parser.parse_args()
    try:
        return _run(arguments.first, arguments.cases) if arguments.show is None else _show(arguments.show)
    except Unavailable as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
