"""Define a contract file: requests, and what AWS answered to each, without ids, accounts and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

Template: TypeAlias = Any
"""Texts, numbers, lists and objects; `<name>` in a text stands for a literal that `Names` holds."""

FORMAT: Final = 1
AWS: Final = "AWS"


@dataclass(frozen=True, slots=True)
class Step:
    """One request, repeated until AWS answers as wanted.

    Attributes:
        service: botocore's name of the service.
        operation: of its API, for example `CreateRole`.
        params: of the request.
        until: JMESPath of the answer that ends the repetition; empty for one request alone.
        seconds: that it is repeated at most.
        shows: name → JMESPath of what is noted of an answer; all that is not named here stays unknown.
        keeps: name → JMESPath of what later requests need, for example an id; it stands as `<name>` in the file.
        measures: the delay that the repetition measures, by the embedded AWS's name; empty for none.
        refused: whether AWS is expected to refuse; where it refuses any other request, the belief is not measured.
        pages: whether all pages are read.
        signed_seconds_ago: age of the signature in seconds when the request is sent; 0 signs it now.
    """

    service: str
    operation: str
    params: Mapping[str, Template]
    until: str = ""
    seconds: float = 120.0
    shows: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    measures: str = ""
    refused: bool = False
    pages: bool = False
    signed_seconds_ago: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that differed from the one before.

    Attributes:
        code: AWS's error code; empty where it did what was asked.
        text: its message.
        shown: what `Step.shows` names.
        seconds: from the first try until it was given first.
    """

    code: str = ""
    text: str = ""
    shown: Mapping[str, Template] = field(default_factory=dict)
    seconds: float = 0.0

    def says(self, other: Answer) -> bool:
        """Whether two answers are the same but for their time."""
        return (self.code, self.text, self.shown) == (other.code, other.text, other.shown)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A step and its answers, in the order in which they came.

    Attributes:
        step: what was asked.
        answers: at least one; of a repeated request, each that differed from the one before.
    """

    step: Step
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found about one belief.

    Attributes:
        belief: its id.
        believed: what this project takes for true.
        exchanges: as far as they went.
        unmeasured: why they ended before their time; empty if they did not.
    """

    belief: str
    believed: str
    exchanges: tuple[Exchange, ...]
    unmeasured: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract file.

    Attributes:
        answered_by: `AWS`, or what else answered.
        partition: `aws`, `aws-cn`, `aws-us-gov` …
        region: where it was measured.
        date: when, as `2026-11-29`.
        measured: in the order in which it was.
        format: of the file.
    """

    answered_by: str
    partition: str
    region: str
    date: str
    measured: tuple[Measured, ...]
    format: int = FORMAT


FILE: Final = TypeAdapter(Contract)
"""Reads one."""


def plain(contract: Contract) -> dict[str, Any]:
    """Return a contract as JSON has it, without what is as it is by default."""
    return {"format": contract.format, **FILE.dump_python(contract, mode="json", exclude_defaults=True)}
