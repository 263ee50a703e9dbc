"""Define one part of the way of events to the queue, and compare what it has with what it should have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from secrets_pipeline.aws.service_keys import PURPOSE_TAG
from secrets_pipeline.engine.model import Resource
from secrets_pipeline.engine.reason import Reason

OURS = {PURPOSE_TAG: "events"}
"""The tag that every part carries; without it a part of that name is somebody else's."""


@dataclass(frozen=True, slots=True)
class ObservedPart:
    """A part as AWS shows it.

    Attributes:
        exists: whether there is one of that name.
        ours: whether it carries our tag.
        differences: what is not as it should be; empty where all is.
        blocked: why it cannot be made; None where it can.
    """

    exists: bool
    ours: bool = False
    differences: tuple[str, ...] = ()
    blocked: Reason | None = None


class EventPart(Protocol):
    """One resource of SQS, EventBridge or IAM."""

    @property
    def resource(self) -> Resource:
        """Kind and name."""
        ...

    def look(self) -> ObservedPart:
        """Read the part from AWS."""
        ...

    def make(self) -> None:
        """Create the part, or make it as it should be, with our tag."""
        ...


def has_our_tag(tags: Mapping[str, str]) -> bool:
    """Whether a part carries our tag."""
    return all(tags.get(key) == value for key, value in OURS.items())


def same_attribute(found: str | None, wanted: str) -> bool:
    """Compare two attributes; documents are compared as JSON."""
    if found is None or not wanted.startswith("{"):
        return found == wanted
    try:
        return bool(json.loads(found) == json.loads(wanted))
    except ValueError:
        return False
