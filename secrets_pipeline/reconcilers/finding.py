"""Define what a check finds of one resource: its verdict, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from secrets_pipeline.engine.grouping import grouped, with_examples
from secrets_pipeline.errors import SecretsPipelineError, Unasked, unasked_by


class Verdict(Enum):
    """What was found."""

    RIGHT = "right"
    WAITING = "waiting"
    """Nobody knows yet, or something else comes first."""
    UNKNOWN = "unknown"
    """Nobody could ask AWS: what was found before still stands."""
    WRONG = "wrong"


class Cause(StrEnum):
    """Types of reasons for a finding that has neither an error nor a planned change behind it."""

    CHANGED_OUTSIDE = "ChangedOutside"
    DELETED = "Deleted"
    ENGINE_NOT_SUPPORTED = "EngineNotSupported"
    LOGINS_OFF = "LoginsOff"
    LOGIN_REFUSED = "LoginRefused"
    MISSING = "Missing"
    NOT_GRANTED = "NotGranted"
    NOT_RENDERED_ANEW = "NotRenderedAnew"
    NOT_STARTED_ANEW = "NotStartedAnew"
    NO_VALUE = "NoValue"
    OTHER_KEY = "OtherKey"
    OVERDUE = "Overdue"
    ROLLOUT_FAILED = "RolloutFailed"
    ROTATION_OFF = "RotationOff"
    UNREACHABLE = "Unreachable"
    WAITS = "Waits"


RESOURCE_COLUMNS = ("secret", "key", "database", "function")
"""Columns of a finding that name a resource it speaks of, where its own name is a longer one or another's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource, judged.

    Attributes:
        name: of the resource.
        verdict: what was found.
        detail: why; never a value.
        columns: what else is known of it, no value; a check's table shows some of them.
        sentence: the detail without what differs from one resource to the next; empty where nothing does.
        about: what the sentence is said of among several, where that is not the name alone.
        reason_type: what kind of reason it is, which scripts compare instead of the text: a `Cause`, the `kind` of an
            error or of a planned change's reasons, or the type of a verdict with the layer that decided; empty if the
            check has one kind of reason for its verdict.
    """

    name: str
    verdict: Verdict
    detail: str
    columns: Mapping[str, str] = field(default_factory=dict)
    sentence: str = ""
    about: str = ""
    reason_type: str = ""

    @property
    def unasked(self) -> Unasked | None:
        """Why nobody could ask AWS; None if the verdict is not UNKNOWN."""
        return unasked_by(self.reason_type) if self.verdict is Verdict.UNKNOWN else None


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that say the same of several resources.

    Attributes:
        verdict: of each.
        sentence: what is said.
        subjects: of which resources, each once.
        reason_type: as each finding has it.
    """

    verdict: Verdict
    sentence: str
    subjects: tuple[str, ...]
    reason_type: str = ""

    def __str__(self) -> str:
        return f"{with_examples(self.subjects)}: {self.sentence}"


def open_groups(findings: Iterable[Finding]) -> tuple[FindingGroup, ...]:
    """Return what is not right by what is said of it, wrong things first."""
    told = [one for one in findings if one.verdict is not Verdict.RIGHT]
    alike = grouped(told, lambda one: (one.verdict, one.reason_type, one.sentence or one.detail))
    alike.sort(key=lambda some: list(Verdict).index(some[0].verdict), reverse=True)
    return tuple(map(_group, alike))


def _group(alike: list[Finding]) -> FindingGroup:
    first = alike[0]
    if len(alike) == 1:
        return FindingGroup(first.verdict, first.detail, (first.name,), first.reason_type)
    same = all(one.detail == first.detail for one in alike)
    subjects = tuple(dict.fromkeys(one.about or one.name for one in alike))
    return FindingGroup(first.verdict, first.detail if same else first.sentence, subjects, first.reason_type)


def judged(name: str, judge: Callable[[], Finding]) -> Finding:
    """Judge one thing; an error of it becomes its finding, and never hides the others."""
    try:
        return judge()
    except SecretsPipelineError as error:
        return of_error(name, error)


def of_error(
    name: str,
    error: SecretsPipelineError,
    *,
    otherwise: Verdict = Verdict.WRONG,
    detail: str = "",
    columns: Mapping[str, str] | None = None,
) -> Finding:
    """Make the finding of an error: UNKNOWN if nobody could ask AWS. A refusal is an answer, so it stays wrong.

    Args:
        name: of the resource.
        error: what kept it from being judged.
        otherwise: the verdict if AWS, or the repository, did answer.
        detail: why; the error's message if not given.
        columns: as a finding has them.
    """
    return Finding(
        name,
        Verdict.UNKNOWN if error.unasked else otherwise,
        detail or error.message,
        columns or {},
        sentence=error.sentence,
        reason_type=error.kind,
    )
