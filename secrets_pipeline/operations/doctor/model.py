"""Define what the doctor answers: the verdict on one thing, in plain language, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from secrets_pipeline.errors import AwsError, GuardError, SecretsPipelineError

APPLY_MAKES_IT = "apply makes it"


class Verdict(StrEnum):
    """What was found."""

    FINE = "fine"
    ADVISED = "advised"
    """An apply works, and something is missing or worse than it could be."""
    WILL_FAIL = "will fail"
    """An apply fails, or its checks do."""
    UNSAFE = "unsafe"
    """An apply works, and whoever can change YAML can do more than the operator meant."""
    UNKNOWN = "unknown"
    """AWS did not say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer about one thing.

    Attributes:
        about: what was asked about: an account, a name, an ARN.
        verdict: see there.
        text: why; never a secret value.
        remedy: what a human does next; empty where nothing has to be done.
    """

    about: str
    verdict: Verdict
    text: str
    remedy: str = ""


def fine(about: str, text: str) -> Answer:
    """Say that nothing has to be done."""
    return Answer(about, Verdict.FINE, text)


def answered(about: str, ask: Callable[[], Iterable[Answer]]) -> Iterator[Answer]:
    """Ask, and take an error for an answer: what our own guards refuse fails an apply, the rest is not known.

    Args:
        about: what is asked about.
        ask: asks.
    """
    try:
        yield from ask()
    except GuardError as error:
        yield Answer(about, Verdict.WILL_FAIL, error.message, error.remedy)
    except AwsError as error:
        yield Answer(about, Verdict.UNKNOWN, error.message, error.remedy)
    except SecretsPipelineError as error:
        yield Answer(about, Verdict.UNKNOWN, error.diagnostics())
