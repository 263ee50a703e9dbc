"""Note in Parameter Store which versions consumers were started with, so that a run need not ask every one of them.

`/secrets-pipeline/{stack}/refreshed` (and `refreshed/2` …) holds, for each consumer, a keyed digest of the current
version ids of all that it reads. It is written when the consumer runs with them, so a run that was killed looks again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.consumer.delivery_notes import delivered_note
from secrets_pipeline.reconcilers.outputs_document.published import parts, publish, published

if TYPE_CHECKING:
    from secrets_pipeline.desired.consumer.refresh_model import RefreshSpec
    from secrets_pipeline.reconcilers.stack import Stack

_DIGITS = 32


class RefreshNotes:
    """Reads and writes the refresh notes of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.name = f"{stack.observed.parameters.folder}/refreshed"

    def read(self) -> Mapping[str, str]:
        """Read the digest of each consumer; a note that cannot be read counts for nothing."""
        found: dict[str, str] = {}
        for text in self._parameters().values():
            try:
                document = json.loads(text)
            except ValueError:
                continue
            found |= document if isinstance(document, dict) else {}
        return found

    def digest(self, spec: RefreshSpec, versions: Mapping[str, str | None]) -> str | None:
        """Compute what is noted of a consumer that runs with some versions; None while nothing can be noted."""
        if self._stack.ownership.fingerprinter is None:
            return None
        pairs = [part for name, version in sorted(versions.items()) for part in (name, version)]
        digest = self._stack.ownership.fingerprinter.digest("refreshed", self._stack.spec.stack, spec.name, *pairs)
        # A delivery starts it as well, and that start may fail like any other: it is looked at again.
        delivered = published(self._stack).get(delivered_note(self._stack, spec.component), "")
        return f"{digest[:_DIGITS]}.{delivered[:_DIGITS]}".rstrip(".")

    @staticmethod
    def versions(note: str) -> str:
        """Return that part of a digest that stands for the versions alone."""
        return note.partition(".")[0]

    def write(self, notes: Mapping[str, str]) -> None:
        """Replace the notes by PutParameter, as far as they differ."""
        before = self._parameters()
        wanted = dict(zip(self._names(), parts(notes), strict=False))
        for name, text in wanted.items():
            if before.get(name) != text:
                publish(self._stack, name, text)
        for name in set(before) - set(wanted):
            self._stack.observed.parameters.delete(name)

    def _names(self) -> list[str]:
        return [self.name, *(f"{self.name}/{number}" for number in range(2, 1000))]

    def _parameters(self) -> Mapping[str, str]:
        ours = re.compile(re.escape(self.name) + r"(/[0-9]+)?")
        return {name: text for name, text in published(self._stack).items() if ours.fullmatch(name)}
