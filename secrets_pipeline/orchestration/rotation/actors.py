"""Carry who made the calls that a run answers to that run, in a tag of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.orchestration.shared.run_requests import LONGEST_TAG
from secrets_pipeline.rotation.events.hints import Hint

ACTORS_TAG = "secrets-pipeline/actors"
"""Who called what, as JSON, the last call first; as many as fit."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that somebody else made.

    Attributes:
        operation: of the API, for example `PutResourcePolicy`.
        about: the secret, role, user or policy that it names; empty where that is not known.
        who: who, when, and from where, in words of AWS's that passed patterns.
    """

    operation: str
    about: str
    who: str

    def __str__(self) -> str:
        return " ".join([self.operation, *(["of", self.about] if self.about else []), self.who])


def actors_tag(calls: Iterable[tuple[Hint, str]]) -> dict[str, str]:
    """Make the tag of a run; none where nobody called.

    Args:
        calls: events, each with the name of what it is about.
    """
    said: list[list[str]] = []
    for hint, about in sorted(calls, key=lambda one: one[0].at, reverse=True):
        entry = [hint.name, about, str(hint.actor)]
        if hint.actor is not None and len(json.dumps([*said, entry])) <= LONGEST_TAG:
            said.append(entry)
    return {ACTORS_TAG: json.dumps(said)} if said else {}


def calls_of(run: dg.DagsterRun) -> tuple[Call, ...]:
    """Return the calls that a run answers, the last one first; none where its tag, which anybody may set, says none."""
    try:
        said = json.loads(run.tags.get(ACTORS_TAG, "[]"))
        return tuple(Call(*map(str, one)) for one in said)
    except (TypeError, ValueError, RecursionError):
        return ()
