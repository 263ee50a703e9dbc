"""Compare two lists of secrets, and tell which rotations began or ended between them.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretListEntry.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from secrets_pipeline.rotation.events.hints import HintKind

PENDING_SECONDS = 900
"""A rotation whose four steps take longer is stuck: AWS's own retries are over by then."""

_VERSION_CHARACTERS = 12

Known = Mapping[str, Sequence[str | int]]
"""Secret name → beginning of the current version's id, when it was rotated last, beginning of the pending version's id
and when that was seen first; times in epoch seconds, 0 for none."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A secret as a list shows it.

    Attributes:
        stack: whose it is, by its tag.
        version: id of the current version; empty for none.
        rotated_at: epoch seconds, 0 if never.
        pending: id of a version that is AWSPENDING and not current; empty for none.
        own: whether the pipeline itself wrote the current version.
    """

    name: str
    stack: str
    version: str
    rotated_at: int
    pending: str
    own: bool


@dataclass(frozen=True, slots=True)
class News:
    """Something that has to be followed.

    Attributes:
        version: id of the version that became current, or is stuck.
    """

    kind: HintKind
    name: str
    stack: str
    version: str


def compare(known: Known | None, sights: Iterable[Sight], now: int) -> tuple[Known, tuple[News, ...]]:
    """Compare a list of secrets with an earlier one: what is known from now on, and what is new.

    Args:
        known: what was known before; None for nothing, which is no news: it is learnt.
        sights: every secret of a place.
        now: epoch seconds.
    """
    learnt, news = dict[str, Sequence[str | int]](), list[News]()
    for sight in sights:
        before = (known or {}).get(sight.name)
        since = _pending_since(before, sight, now)
        version = sight.version[:_VERSION_CHARACTERS]
        learnt[sight.name] = [version, sight.rotated_at, sight.pending[:_VERSION_CHARACTERS], since]
        # A secret that is new since then was made by a run of ours, or was adopted by one.
        if before is not None and [*before[:2]] != [version, sight.rotated_at] and sight.version and not sight.own:
            news.append(News(HintKind.ROTATED, sight.name, sight.stack, sight.version))
        if sight.pending and now - since >= PENDING_SECONDS:
            news.append(News(HintKind.FAILED, sight.name, sight.stack, sight.pending))
    return learnt, tuple(news)


def _pending_since(before: Sequence[str | int] | None, sight: Sight, now: int) -> int:
    if not sight.pending:
        return 0
    same = before is not None and before[2] == sight.pending[:_VERSION_CHARACTERS]
    return int(before[3]) if before is not None and same else now
