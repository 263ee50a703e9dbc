"""Calls, faults and outcomes, in Markdown. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.cases import Kind, Verdict

NOT_MET = "-"


@dataclass
class _Cell:
    """Faults of one kind at one operation."""

    right: int = 0
    struck: int = 0

    def __str__(self) -> str:
        return f"{self.right}/{self.struck}" if self.struck else NOT_MET


@dataclass
class _Row:
    cells: dict[Kind, _Cell] = field(default_factory=lambda: defaultdict(_Cell))

    def add(self, verdict: Verdict) -> None:
        if verdict.struck:
            cell = self.cells[verdict.case.kind]
            cell.struck += 1
            cell.right += not verdict.problems

    def texts(self) -> list[str]:
        return [str(self.cells.get(kind, NOT_MET)) for kind in Kind]


def stack_table(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """One row per stack, one column per fault: how many of how many ended as a clean run does.

    Args:
        verdicts: by title of the stack.
    """
    head = ["stack", "calls", *(kind.title for kind in Kind)]
    lines = [head, ["---", "--:", *("--:" for _ in Kind)]]
    total, places = _Row(), 0
    for title, found in verdicts.items():
        row = _Row()
        for verdict in found:
            row.add(verdict)
            total.add(verdict)
        calls = _calls(found).total()
        lines.append([f"`{title}`", str(calls), *row.texts()])
        places += calls
    lines.append(["**all**", str(places), *(f"**{text}**" for text in total.texts())])
    return _table(lines)


def fault_table(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """One row per stack and operation, one column per fault: how many of how many ended as a clean run does.

    Args:
        verdicts: by title of the stack.
    """
    head = ["stack", "service", "operation", "calls", *(kind.title for kind in Kind)]
    lines = [head, ["---", "---", "---", "--:", *("--:" for _ in Kind)]]
    total, places = _Row(), 0
    for title, found in verdicts.items():
        rows: dict[tuple[str, str], _Row] = defaultdict(_Row)
        calls = _calls(found)
        for verdict in found:
            rows[verdict.case.place.service, verdict.case.place.operation].add(verdict)
            total.add(verdict)
        for (service, operation), row in sorted(rows.items()):
            lines.append([title, service, operation, str(calls[service, operation]), *row.texts()])
        places += calls.total()
    lines.append(["**all**", "", "", str(places), *(f"**{text}**" for text in total.texts())])
    return _table(lines)


def first_runs(verdicts: Iterable[Verdict]) -> str:
    """How the runs that met a fault ended, by fault: a table of counts."""
    ended: Counter[tuple[Kind, str]] = Counter((one.case.kind, one.first) for one in verdicts if one.struck)
    words = ("killed", "went through", "failed")
    lines = [["the run that met it", *(kind.title for kind in Kind)], ["---", *("--:" for _ in Kind)]]
    lines += [[word, *(str(ended[kind, word]) for kind in Kind)] for word in words]
    return _table(lines)


def problems(verdicts: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """What did not end well, one line a problem."""
    for title, found in verdicts.items():
        for verdict in found:
            yield from (f"{title}: {verdict.case}: {problem}" for problem in verdict.problems)


def _calls(found: Iterable[Verdict]) -> Counter[tuple[str, str]]:
    """Calls of a clean apply by service and operation, as far as a fault was tried at them."""
    calls: Counter[tuple[str, str]] = Counter()
    for place in (verdict.case.place for verdict in found):
        calls[place.service, place.operation] = max(calls[place.service, place.operation], place.at)
    return calls


def _table(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
