"""Say in events that nobody could ask AWS, so that other runs and sensors read it without reading texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg

from secrets_pipeline.errors import (
    AwsError,
    CredentialsError,
    NoAnswerError,
    RoleError,
    SecretsPipelineError,
    ThrottledError,
    Unasked,
    unasked_by,
)
from secrets_pipeline.operations.runbook.alerts import WHY_UNASKED
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of

NOT_ASKED: Final = "not asked"
"""In the data of an evaluation and of a failure: a row for each `NotAsked`."""
_CLASSES: Final[Mapping[Unasked, type[AwsError]]] = {
    Unasked.NO_ANSWER: NoAnswerError,
    Unasked.CREDENTIALS: CredentialsError,
    Unasked.ROLE: RoleError,
    Unasked.THROTTLED: ThrottledError,
}


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Why nobody could ask AWS.

    Attributes:
        who: the account, or how the credentials are called if nobody declares one; see `asked_as`.
        cause: see `Unasked`.
        said: what failed, with AWS's code or botocore's exception; never a value.
    """

    who: str
    cause: Unasked
    said: str

    @property
    def key(self) -> str:
        """Return account and cause as one text: there is one alert for each."""
        return f"{self.who}|{self.cause}"

    @property
    def why(self) -> str:
        """Say the cause in a clause."""
        return WHY_UNASKED[self.cause].what

    @property
    def kind(self) -> str:
        """Name the class of its error."""
        return _CLASSES[self.cause].__name__

    def error(self, problem: str) -> AwsError:
        """Make the error of a run that could not do anything.

        Args:
            problem: what the run could not do.
        """
        remedy = "Run `secrets-pipeline doctor`, which names the cause. The pipeline repeats the run by itself."
        return _CLASSES[self.cause](f"{problem}: {self.said}", sentence=self.said, remedy=remedy)


def of_rows(rows: Iterable[Mapping[str, str]], who: str) -> NotAsked | None:
    """Return why failed outcomes could not ask AWS; None if one of them failed for another reason, or none did."""
    failed = list(rows)
    causes = [unasked_by(row.get("reason_type", "")) for row in failed]
    if not failed or None in causes or causes[0] is None:
        return None
    return NotAsked(who, causes[0], failed[0].get("sentence") or failed[0]["detail"])


def of_error(error: SecretsPipelineError | None, who: str) -> NotAsked | None:
    """Return why AWS could not be asked; None if the error is an answer of AWS."""
    return NotAsked(who, error.unasked, error.sentence) if error is not None and error.unasked else None


def as_data(found: Iterable[tuple[str, NotAsked]]) -> list[dict[str, Any]]:
    """Write what `not_asked_of` and `unasked_stacks` read.

    Args:
        found: stack, empty if it is known otherwise, and why nobody could ask AWS about it.
    """
    stacks: dict[NotAsked, set[str]] = {}
    for stack, why in found:
        stacks.setdefault(why, set()).add(stack)
    return [
        {"who": why.who, "cause": why.cause.value, "said": why.said, "stacks": sorted(of - {""})}
        for why, of in stacks.items()
    ]


def failure_data(found: NotAsked | None) -> Mapping[str, dg.MetadataValue[Any]]:
    """Make metadata of a `dg.Failure`; empty if AWS could be asked."""
    return {DATA: dg.MetadataValue.json({NOT_ASKED: as_data([("", found)])})} if found else {}


def not_asked_of(metadata: Mapping[str, dg.MetadataValue[Any]] | None) -> Sequence[NotAsked]:
    """Read why nobody could ask AWS; empty if everybody could."""
    return tuple(why for why, _ in _read(metadata))


def unasked_stacks(evaluation: dg.AssetCheckEvaluation) -> Mapping[str, Sequence[NotAsked]]:
    """Return the stacks that nobody could ask AWS about, with the reasons: the partition, or some of all stacks."""
    found: dict[str, list[NotAsked]] = {}
    for why, stacks in _read(evaluation.metadata):
        for stack in stacks if evaluation.partition is None else [evaluation.partition]:
            found.setdefault(stack, []).append(why)
    return found


def _read(metadata: Mapping[str, dg.MetadataValue[Any]] | None) -> Iterator[tuple[NotAsked, Sequence[str]]]:
    rows = data_of(metadata).get(NOT_ASKED)
    for row in rows if isinstance(rows, list) else ():
        yield NotAsked(str(row["who"]), Unasked(row["cause"]), str(row["said"])), row.get("stacks", ())
