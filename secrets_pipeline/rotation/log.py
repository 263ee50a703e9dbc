"""Parse a rotation function's log: which steps of one rotation it finished, and why one failed.

Lambda writes the lines of one invocation one after the other into one stream, between START and END; AWS's rotation
functions and ours name the step, the secret's ARN and the version in what they say.
Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html and
https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.rotation.phrases import repeatable
from secrets_pipeline.rotation.steps import RotationStep

_START: Final = "START RequestId:"
_FAILED: Final = re.compile(
    r"\[ERROR\]\s*(?P<logged>.+)|(?P<late>Task timed out after [\d.]+ seconds)|(?P<dead>Runtime exited .+)"
)
_RAISED: Final = re.compile(r"[A-Za-z_][\w.]*(?:: .+)?")
"""The last line of a traceback."""
_TRACEBACK: Final = "Traceback (most recent call last):"
_ANY_SECRET: Final = re.compile(r"arn:[\w-]+:secretsmanager:")
_REQUEST: Final = re.compile(r"START RequestId: ([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of the log.

    Attributes:
        stream: the log stream, which is one execution environment's.
        text: the message.
    """

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the log says so far.

    Attributes:
        done: finished steps.
        failure: what is known of what the function said when it failed, and where the rest stands; empty if it did not.
    """

    done: frozenset[RotationStep] = frozenset()
    failure: str = ""


def heard(lines: Iterable[LogLine], *, arn: str, version: str, group: str) -> Heard:
    """Read a log.

    Args:
        lines: in the order in which they were written, streams mixed.
        arn: the secret's.
        version: id of the version that is being made.
        group: the log group, to say where the rest of an error stands.
    """
    done: set[RotationStep] = set()
    failure = ""
    for stream, invocation in _invocations(lines):
        text = "\n".join(invocation)
        concerned = version in text or arn in text
        for line in invocation if version in text else ():
            done |= {step for step in RotationStep if step in line and version in line}
        # A function that names no secret at all may be speaking of this one.
        if concerned or not _ANY_SECRET.search(text):
            said = _failure(invocation)
            if said is not None:
                request = _REQUEST.match(invocation[0])
                place = f"log group {group}, stream {stream}" + (f", request {request[1]}" if request else "")
                failure = f"{repeatable(said, (arn, version)) or 'an error of its own'} (what else it said: {place})"
    return Heard(frozenset(done), failure)


def _invocations(lines: Iterable[LogLine]) -> Iterator[tuple[str, list[str]]]:
    streams: dict[str, list[list[str]]] = {}
    for line in lines:
        invocations = streams.setdefault(line.stream, [[]])
        if line.text.startswith(_START):
            invocations.append([])
        invocations[-1].append(line.text)
    for stream, invocations in streams.items():
        for invocation in filter(None, invocations):
            yield stream, invocation


def _failure(invocation: list[str]) -> str | None:
    """The last thing that was said about a failure, as it was said."""
    lines = [line for text in invocation for line in text.splitlines()]
    for place in range(len(lines) - 1, -1, -1):
        found = _FAILED.search(lines[place])
        if found:
            return next(text for text in found.groups() if text)
        # Lambda's own [ERROR] line stands before the traceback and says the same.
        raised = next(filter(_RAISED.fullmatch, lines[place + 1 :]), None) if lines[place] == _TRACEBACK else None
        if raised:
            return raised
    return None
