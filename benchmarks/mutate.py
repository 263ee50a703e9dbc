"""Random single mutants of packages: which of them does no test notice?

    make mutate                                  # a few of every package that decides something
    .venv/bin/python benchmarks/mutate.py secrets_pipeline/engine --count 50

Each mutant is one small change of one module (a comparison, a guard left out, a constant, an order, an argument
dropped, an exception let through …), made in a copy of the repository. The test files that import the module are run,
nearest first, until a test fails that passes without the mutant. Those that survive are printed as diffs, and the exit
code is 1 if there is one. What no test can notice stands in benchmarks/mutation/equivalent.toml, with the reason.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.mutation.mutants import Mutant, mutants, sample
from benchmarks.mutation.nearest import Imports
from benchmarks.mutation.running import Copy, Outcome, Verdict, warm

ROOT = Path.cwd()
EQUIVALENT = Path("benchmarks", "mutation", "equivalent.toml")

Known = dict[tuple[str, str, str], str]
"""Why no test can tell them apart, by module, lines taken away and lines put in their place."""


@dataclass(frozen=True)
class _Task:
    target: str
    number: int
    mutant: Mutant
    stages: list[list[Path]]


def known_equivalent(root: Path) -> Known:
    """Read a repository's list of equivalent mutants.

    Raises:
        ValueError: if an entry is about lines that its module does not have any more.
    """
    known: Known = {}
    for entry in tomllib.loads((root / EQUIVALENT).read_text()).get("equivalent", []):
        before, after = (_stripped(entry[side]) for side in ("before", "after"))
        if before not in _stripped((root / entry["module"]).read_text()):
            msg = f"{EQUIVALENT}: {entry['module']} has no more {before!r}: take the entry out, or say what it is now"
            raise ValueError(msg)
        known[entry["module"], before, after] = entry["reason"]
    return known


def _stripped(lines: str) -> str:
    return "\n".join(line.strip() for line in lines.strip().splitlines())


def _drawn(targets: list[str], count: int, each: int, seed: int) -> Iterator[tuple[str, Mutant]]:
    """Spread `count` over the targets by how many statements can be changed, `each` at least."""
    found: dict[str, list[Mutant]] = {}
    for target in targets:
        matched = sorted(ROOT.glob(target))
        if not matched:
            sys.exit(f"no module is {target}")
        paths = [path for at in matched for path in (sorted(at.rglob("*.py")) if at.is_dir() else [at])]
        found[target] = [mutant for path in paths for mutant in mutants(ROOT, str(path.relative_to(ROOT)))]
    statements = {target: len({(mutant.path, mutant.statement) for mutant in of}) for target, of in found.items()}
    whole = sum(statements.values())
    for target, of in found.items():
        for mutant in sample(of, max(each, round(count * statements[target] / whole)), f"{seed} {target}"):
            yield target, mutant


_copy: Copy
_limit: float


def _begin(folder: str, limit: float) -> None:
    global _copy, _limit
    _copy, _limit = Copy(ROOT, Path(tempfile.mkdtemp(dir=folder))), limit


def _judge(task: _Task) -> tuple[_Task, Outcome, frozenset[str]]:
    return task, _copy.judge(task.mutant, task.stages, _limit), _copy.ignored


def main() -> int:
    """Run it; the exit code is 1 if a mutant survived, unless that is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", metavar="PACKAGE", help="a folder, a module, or a pattern of them")
    parser.add_argument("--count", type=int, default=20, help="mutants over all packages (%(default)s)")
    parser.add_argument("--each", type=int, default=1, help="of each package at least (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="draws the same mutants of the same source (%(default)s)")
    parser.add_argument("-j", "--processes", type=int, default=1, help="mutants at once (%(default)s)")
    parser.add_argument("--beside", type=int, default=8, help="test files of its package, beyond its own (%(default)s)")
    parser.add_argument("--elsewhere", type=int, default=3, help="test files of other packages (%(default)s)")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for a mutant's tests (%(default)s)")
    parser.add_argument("--allow-survivors", action="store_true", help="exit with 0 although mutants survive")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the mutants to run again")
    asked = parser.parse_args()

    known, imports = known_equivalent(ROOT), Imports(ROOT)
    drawn = _drawn([target.rstrip("/") for target in asked.targets], asked.count, asked.each, asked.seed)
    tasks = [
        _Task(target, number, mutant, imports.tests_of(Path(mutant.path), asked.beside, asked.elsewhere))
        for number, (target, mutant) in enumerate(drawn)
        if not asked.only or number in asked.only
    ]
    equivalent = [task for task in tasks if (task.mutant.path, *task.mutant.changed) in known]
    done: list[tuple[_Task, Outcome]] = [(task, Outcome(Verdict.EQUIVALENT)) for task in equivalent]
    ignored: set[str] = set()
    warm(imports.others)
    forking = multiprocessing.get_context("fork")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    with (
        tempfile.TemporaryDirectory(prefix="mutate-", ignore_cleanup_errors=True) as folder,
        forking.Pool(asked.processes, _begin, (folder, asked.limit)) as pool,
    ):
        Path(folder).chmod(0o711)  # see Copy
        for task, outcome, failing in pool.imap_unordered(_judge, [task for task in tasks if task not in equivalent]):
            done.append((task, outcome))
            ignored |= failing
            _tell(task, outcome)
        # Otherwise SIGTERM ends them, whose handler never runs in one that just begins to wait for a task.
        pool.close()
        pool.join()
    _sum_up(done)
    if ignored:
        print("These tests fail without a mutant and were left out:", *sorted(ignored), sep="\n  ")
    survived = any(outcome.verdict is Verdict.SURVIVED for _, outcome in done)
    return int(survived and not asked.allow_survivors)


def _tell(task: _Task, outcome: Outcome) -> None:
    how = f"by {' '.join(outcome.by)}" if outcome.by else f"{sum(map(len, task.stages))} test files"
    mutant = task.mutant
    where = f"{mutant.path} {mutant.scope}".rstrip()
    verdict = f"{outcome.verdict.value}, {outcome.seconds:.1f} s"
    print(f"#{task.number} {verdict}: {mutant.kind} in {where}, {how}", flush=True)
    if outcome.verdict is Verdict.SURVIVED:
        print(mutant.diff, flush=True)


def _sum_up(done: list[tuple[_Task, Outcome]]) -> None:
    print(f"| package | mutants | {' | '.join(verdict.value for verdict in Verdict)} | seconds |")
    print(f"| --- {'| --: ' * (len(Verdict) + 2)}|")
    for target in [*dict.fromkeys(task.target for task, _ in done), ""]:
        of = [outcome for task, outcome in done if target in {task.target, ""}]
        counts = Counter(outcome.verdict for outcome in of)
        cells = [target or "all", len(of), *(counts[verdict] for verdict in Verdict), round(sum(o.seconds for o in of))]
        print("|", *(f"{cell} |" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
