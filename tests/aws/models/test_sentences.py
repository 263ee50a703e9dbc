"""The models' sentences about permissions and delays of what the product calls, against the answers to them."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import botocore.session

from tests.aws.models.places import definition
from tests.aws.product_calls import called_by_service

ANSWERS = Path(__file__).with_name("sentences.toml")
_SPEAKS = re.compile(
    r"permission|explicit(ly)? allow|must be allowed|authorized|access denied|eventual|propagate throughout"
    r"|take effect|has no effect|same effect|immediately|take up to|takes up to|up to \d+ (minutes|seconds|hours)"
    r"|can take (a|some) |must wait|wait for at least|should wait|period of time|sustained rate|delay in|delay before"
    r"|slight delay|delays might|soon after|significant delay|transactions per second|limited to \w+ per second",
    re.IGNORECASE,
)
"""What a sentence says that speaks of permissions or delays."""
_SENTENCES = re.compile(r"(?<=[.!?:])\s+(?=[A-Z])")


@dataclass(frozen=True)
class Answer:
    """What deals with some sentences.

    Attributes:
        sentences: patterns of the sentences.
        members: patterns of `Operation` and `Operation.Member`, all of those that a sentence is about.
        by: `file::name` of tests, functions and constants.
        nothing: why nothing must deal with them.
    """

    services: tuple[str, ...]
    sentences: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    nothing: str = ""

    def matching(self, service: str, sentence: str, places: list[str]) -> set[str]:
        """The patterns that match a sentence, none if the answer is not to it."""
        if service not in self.services:
            return set()
        by_place = {place: {one for one in self.members if re.search(one, place)} for place in places}
        named = set().union(*by_place.values()) if all(by_place.values()) else set()
        return named or {one for one in self.sentences if re.search(one, sentence)}


def answers() -> list[Answer]:
    rows = tomllib.loads(ANSWERS.read_text())["answer"]
    return [
        Answer(
            services=tuple(row["services"]),
            sentences=tuple(row.get("sentences", ())),
            members=tuple(row.get("members", ())),
            by=tuple(row.get("by", ())),
            nothing=row.get("nothing", ""),
        )
        for row in rows
    ]


@cache
def sentences() -> dict[tuple[str, str], list[str]]:
    """(service, sentence) → the operations and members that it is about."""
    found: dict[tuple[str, str], list[str]] = {}
    session = botocore.session.Session()
    for service, operations in called_by_service().items():
        for operation in sorted(operations):
            model = session.get_service_model(service).operation_model(operation)
            texts = {operation: model.documentation}
            for shape in (model.input_shape, model.output_shape):
                members = shape.members.items() if shape else ()
                texts |= {f"{operation}.{name}": member.documentation for name, member in members}
            for place, text in texts.items():
                for sentence in split(text):
                    if _SPEAKS.search(sentence):
                        found.setdefault((service, sentence), []).append(place)
    return found


def split(documentation: str) -> Iterator[str]:
    plain = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", documentation or "")))
    yield from (one.strip() for one in _SENTENCES.split(plain) if one.strip())


def test_each_sentence_about_permissions_or_delays_has_an_answer_and_each_answer_a_sentence() -> None:
    rows = answers()
    used: set[tuple[int, str]] = set()
    unanswered = []
    for (service, sentence), places in sentences().items():
        matching = [(number, one) for number, row in enumerate(rows) for one in row.matching(service, sentence, places)]
        used |= {one for one in matching if one[0] == matching[0][0]}
        if not matching:
            unanswered.append(f"{service} {', '.join(places)}: {sentence}")
    patterns = [(number, one) for number, row in enumerate(rows) for one in (*row.sentences, *row.members)]
    stale = [one for one in patterns if one not in used]
    assert (unanswered, stale) == ([], [])


def test_each_answer_says_what_deals_with_it_or_why_nothing_must() -> None:
    for row in answers():
        assert bool(row.by) != bool(row.nothing), row.sentences
        for place in row.by:
            assert definition(place)
