"""Define one part of the way of events to the queue, and compare what it has with what it should have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.aws.service_keys import PURPOSE_TAG
from secrets_pipeline.engine.model import Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY

EVENTS_TAG = {PURPOSE_TAG: "events"}
"""The tag that every part carries; without it a part of that name is somebody else's. Queues name a repository too."""


@dataclass(frozen=True, slots=True)
class ObservedPart:
    """A part as AWS shows it.

    Attributes:
        exists: whether there is one of that name.
        ours: whether it carries our tag.
        differences: what is not as it should be; empty where all is.
        blocked: why it cannot be made; None where it can.
        theirs: the other repository that its tags name, which it is not taken from; empty for none.
    """

    exists: bool
    ours: bool = False
    differences: tuple[str, ...] = ()
    blocked: Reason | None = None
    theirs: str = ""


_NOT_THERE = "changes of who can read are seen at the next verification"


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


class PermittedPart:
    """A part that is made where AWS lets us; where it does not, that is said, and fails nothing.

    Organisations often deny all but some regions, and global services tell of their calls in one that they choose.

    Args:
        part: the part.
    """

    def __init__(self, part: EventPart) -> None:
        self.resource = part.resource
        self._part = part

    def look(self) -> ObservedPart:
        """Read the part from AWS; one that may not be read blocks itself."""
        try:
            return self._part.look()
        except AwsError as error:
            if not error.denied:
                raise
            remedy = "allow it, or write events.watch_access: false"
            return ObservedPart(exists=False, blocked=Because(f"{error.message}; {_NOT_THERE}", remedy))

    def make(self) -> None:
        """Make the part.

        Raises:
            SkippedError: if it may not be made.
        """
        try:
            self._part.make()
        except AwsError as error:
            if error.denied:
                raise SkippedError(f"{error.message}; {_NOT_THERE}") from None
            raise


def has_our_tag(tags: Mapping[str, str]) -> bool:
    """Whether a part carries our tag."""
    return all(tags.get(key) == value for key, value in EVENTS_TAG.items())


def other_repository(tags: Mapping[str, str], ours: str) -> str:
    """Name the other repository that has a queue, as its tags say; empty where it is ours or none is named.

    Args:
        tags: of the queue.
        ours: id of this repository; empty for none.
    """
    named = tags.get(REPOSITORY, "")
    return "" if named == ours else named


def same_attribute(found: str | None, wanted: str) -> bool:
    """Compare two attributes: documents as JSON, policies by what they say, as AWS hands those back normalised.

    Source: https://github.com/hashicorp/awspolicyequivalence, by which Terraform compares them too.
    """
    if found is None or not wanted.startswith("{"):
        return found == wanted
    try:
        one, other = json.loads(found), json.loads(wanted)
    except ValueError:
        return False
    policies = isinstance(one, dict) and "Statement" in one and "Statement" in other
    return same_policy(one, other) if policies else bool(one == other)
