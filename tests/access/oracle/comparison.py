"""The evaluator and the oracle, case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from tests.access.oracle.process import ask
from tests.access.oracle.settled import Settled, between_layers, in_layer
from tests.access.oracle.simulations import LAYERS, Answer, answer, as_heard, outcomes, simulation
from tests.strategies.policies import case_of
from tests.strategies.policy_cases import Case


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case.

    Attributes:
        allowed: what the evaluator says.
        differences: what each says where they disagree, by layer or `result`.
        unsettled: those that no class explains.
        settled: the classes that explain the others.
    """

    allowed: bool | None
    differences: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    settled: tuple[Settled, ...] = ()


def compare(case: Case, given: Answer) -> Comparison:
    """Compare the answers, and every layer's own."""
    heard = as_heard(case, given)
    decision = heard.decide()
    ours = outcomes(heard, decision)
    differences: list[str] = []
    unsettled: list[str] = []
    settled: list[Settled] = []
    for layer in LAYERS:
        if ours[layer] is given.layers[layer]:
            continue
        text = f"{layer}: evaluator {ours[layer]}, oracle {given.layers[layer]}"
        differences.append(text)
        because = list(in_layer(heard, layer))
        settled += because
        if not because:
            unsettled.append(text)
    if decision.allowed is not given.allowed:
        text = f"result: evaluator {decision.allowed}, oracle {given.allowed}"
        # What another answer of a layer explains needs no other explanation.
        because = [] if differences else list(between_layers(heard, given))
        settled += because
        if not because and not differences:
            unsettled.append(text)
        differences.append(text)
    return Comparison(decision.allowed, tuple(differences), tuple(unsettled), tuple(dict.fromkeys(settled)))


@dataclass
class Total:
    """What many cases add up to.

    Attributes:
        by_class: disagreements that a class settles, by its name.
        unsettled: seed → what nobody settled.
    """

    cases: int = 0
    allowed: int = 0
    agreed: int = 0
    by_class: Counter[str] = field(default_factory=Counter)
    unsettled: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def count(self, compared: Iterable[tuple[int, Comparison]]) -> None:
        """Add cases, by seed."""
        for seed, one in compared:
            self.cases += 1
            self.allowed += bool(one.allowed)
            self.agreed += not one.differences
            self.by_class.update(settled.name for settled in one.settled)
            if one.unsettled:
                self.unsettled[seed] = one.unsettled


def compared(seeds: Sequence[int]) -> Iterator[tuple[int, Comparison]]:
    """The comparison of every seed's case, asked of one process.

    Raises:
        Unavailable: the oracle cannot be had here.
    """
    pending: SimpleQueue[Case] = SimpleQueue()

    def asked() -> Iterator[dict[str, Any]]:
        for seed in seeds:
            case = case_of(seed)
            pending.put(case)
            yield simulation(case)

    for seed, response in zip(seeds, ask(asked()), strict=True):
        yield seed, compare(pending.get(), answer(response))
