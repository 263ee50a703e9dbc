"""Compare what did not work with what is declared not to: either without the other fails the run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing of a capability that did not work.

    Attributes:
        what: the part: a check, a stage, or empty for all of it.
        said: what was seen, for a human; no gap looks at it.
        kind: of a check its verdict, of a change or an outcome the kind of its resource and its action.
        reason_type: as the JSON of the command has it, after `applied`, `failed` or `skipped` of an outcome.
    """

    what: str
    said: str
    kind: str = ""
    reason_type: str = ""

    def __str__(self) -> str:
        return f"{self.what or 'it'}: {self.kind}, {self.reason_type or 'no type'}: {self.said}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A declared one: what an emulator cannot do, and why.

    Attributes:
        id: of the emulator's fault; several gaps may come of one.
        capability: what it is part of.
        what: see `Shortfall`.
        kind: the same.
        reason_type: the same.
        reason: how the emulator departs from AWS.
    """

    id: str
    capability: str
    what: str
    kind: str
    reason_type: str
    reason: str

    def explains(self, capability: str, seen: Shortfall) -> bool:
        """Tell whether it is the reason for what was seen."""
        own = (self.capability, self.what, self.kind, self.reason_type)
        return (capability, seen.what, seen.kind, seen.reason_type) == own


@dataclass(frozen=True, slots=True)
class Judged:
    """One capability of one emulator.

    Attributes:
        gaps: declared ones that were met.
        undeclared: what did not work and is not declared.
        closed: declared gaps that were not met: it works now.
    """

    capability: str
    gaps: tuple[Gap, ...]
    undeclared: tuple[Shortfall, ...]
    closed: tuple[Gap, ...]

    @property
    def is_as_declared(self) -> bool:
        """Tell whether nothing else was seen than is declared."""
        return not self.undeclared and not self.closed

    def __str__(self) -> str:
        if not self.is_as_declared:
            return "NOT AS DECLARED"
        return f"gap {', '.join(dict.fromkeys(one.id for one in self.gaps))}" if self.gaps else "ok"

    def details(self) -> Iterator[str]:
        """Say what is not as declared, a line each."""
        yield from (f"{self.capability}: undeclared: {one}" for one in self.undeclared)
        for gap in self.closed:
            what = f"{gap.what or 'it'}: {gap.kind}, {gap.reason_type or 'no type'}"
            yield f"{self.capability}: declared gap {gap.id} is closed: {what}"


def as_declared(capabilities: Iterable[str], declared: Sequence[Gap]) -> list[Judged]:
    """What a run judges that finds every declared gap and nothing else."""
    return [
        Judged(capability, tuple(one for one in declared if one.capability == capability), (), ())
        for capability in capabilities
    ]


def judged(seen: Mapping[str, Sequence[Shortfall]], declared: Sequence[Gap]) -> list[Judged]:
    """Judge what was seen of each capability.

    Args:
        seen: capability → what did not work.
        declared: of the emulator.
    """
    found = []
    for capability, shortfalls in seen.items():
        own = [one for one in declared if one.capability == capability]
        met = tuple(one for one in own if any(one.explains(capability, seen) for seen in shortfalls))
        open_ones = tuple(one for one in shortfalls if not any(gap.explains(capability, one) for gap in met))
        found.append(Judged(capability, met, open_ones, tuple(one for one in own if one not in met)))
    return found
