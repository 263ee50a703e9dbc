"""Ask every question: some once for an account, region and role, others for each stack. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.doctor.databases import databases
from secrets_pipeline.operations.doctor.events import events
from secrets_pipeline.operations.doctor.identity import clock, identity
from secrets_pipeline.operations.doctor.keys import keys
from secrets_pipeline.operations.doctor.model import Answer, Verdict, answered, fine
from secrets_pipeline.operations.doctor.network import network
from secrets_pipeline.operations.doctor.quotas import quotas
from secrets_pipeline.operations.doctor.readers import readers
from secrets_pipeline.operations.doctor.rights import rights
from secrets_pipeline.operations.doctor.trail import trail
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary

if TYPE_CHECKING:
    from secrets_pipeline.desired.base import Target
    from secrets_pipeline.reconcilers.stack import Stack

Question: TypeAlias = Callable[[Sequence["Stack"]], Iterator[Answer]]
"""About all stacks of an account, region and role."""
StackQuestion: TypeAlias = Callable[["Stack"], Iterator[Answer]]


@dataclass(frozen=True, slots=True)
class Row:
    """One answer, with what was asked.

    Attributes:
        question: name of the question.
        place: a stack, or account and region.
        answer: the answer.
    """

    question: str
    place: str
    answer: Answer

    def plain(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"question": self.question, "place": self.place, **{k: str(v) for k, v in asdict(self.answer).items()}}


def _boundary(stack: Stack) -> Iterator[Answer]:
    guard_boundary(stack)
    yield fine(stack.spec.stack, "reaches nothing that nobody lets it reach")


def _plaintext(stack: Stack) -> Iterator[Answer]:
    if not stack.spec.plaintext:
        yield fine(stack.spec.stack, "no literal in secret_data looks like a secret")
    for one in stack.spec.plaintext:
        yield Answer(f"{one.component} {one.key}", Verdict.ADVISED, f"{one.where}: {one.problem}", one.remedy)


def _manifests(stack: Stack) -> Iterator[Answer]:
    if (found := stack.spec.unguarded) is None:
        yield fine(stack.spec.stack, "has one manifest, or the operator's settings list its manifests")
    else:
        yield Answer(stack.spec.stack, Verdict.UNSAFE, found.problem, found.remedy)


OF_A_PLACE: Final[Mapping[str, Question]] = {
    "rights": rights,
    "keys": keys,
    "quotas": quotas,
    "trail": trail,
    "events": events,
}
OF_A_STACK: Final[Mapping[str, StackQuestion]] = {
    "boundary": _boundary,
    "databases": databases,
    "manifests": _manifests,
    "network": network,
    "plaintext": _plaintext,
    "readers": readers,
}


def examine(assembly: Assembly, names: Sequence[str]) -> Iterator[Row]:
    """Ask every question about some stacks; an answer that cannot be had never hides the others.

    Args:
        assembly: of a run that does not write, with sessions that only read.
        names: of the stacks.
    """
    places: dict[tuple[str, str | None, str | None], list[str]] = {}
    for name in names:
        target = assembly.repository.specs[name].target
        places.setdefault((target.region, target.account_id, target.role_arn), []).append(name)
    for together in places.values():
        yield from _of_place(assembly, together)


def _of_place(assembly: Assembly, names: Sequence[str]) -> Iterator[Row]:
    target = assembly.repository.specs[names[0]].target
    place = " ".join(filter(None, [target.account_id, target.region]))
    reached = False
    for row in _reached(assembly, target, names[0], place):
        reached = row.question == "identity" and row.answer.verdict in (Verdict.FINE, Verdict.ADVISED)
        yield row
    if not reached:
        return
    stacks = []
    for name in names:
        try:
            stacks.append(assembly.stack(name))
        except SecretsPipelineError as error:
            yield Row("identity", name, Answer(name, Verdict.WILL_FAIL, error.message, error.remedy))
    for question, ask in OF_A_PLACE.items() if stacks else ():
        yield from (Row(question, place, one) for one in answered(question, partial(ask, stacks)))
    for stack in stacks:
        for question, ask_of in OF_A_STACK.items():
            yield from (Row(question, stack.spec.stack, one) for one in answered(question, partial(ask_of, stack)))


def _reached(assembly: Assembly, target: Target, stack: str, place: str) -> Iterator[Row]:
    """Who calls, and when: what everything else stands on."""
    account = assembly.sessions.for_target(target)
    shared = assembly.run.settings.leases != "local"
    for one in answered("clock", lambda: clock(account, assembly.run.now(), shared_leases=shared)):
        yield Row("clock", place, one)
    for one in answered("credentials", lambda: identity(account, target, stack)):
        yield Row("identity", place, one)
