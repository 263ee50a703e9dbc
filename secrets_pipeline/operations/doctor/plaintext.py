"""Answer whether the YAML writes secrets out; no call is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def plaintext(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Yield an answer for each literal of a stack that looks like a secret, or one that there is none."""
    [stack] = stacks
    if not stack.spec.plaintext:
        yield fine(stack.spec.stack, "no literal in secret_data looks like a secret")
    for one in stack.spec.plaintext:
        yield Answer(f"{one.component} {one.key}", Verdict.ADVISED, f"{one.where}: {one.problem}", one.remedy)
