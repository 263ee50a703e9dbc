"""Read who really read secrets lately: LookupEvents of CloudTrail, without the pipeline's own reads.

BatchGetSecretValue is in it as well: Secrets Manager writes a GetSecretValue event for each secret of a batch.
Reads in other regions are not: like LastAccessedDate, an answer is about one region.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html,
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from secrets_pipeline.access.controls.reads import LastReads, Read, UnreadReads, secret_ids
from secrets_pipeline.access.snapshot.model import SecretSnapshot
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import answers
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError

HISTORY: Final = timedelta(days=90)
"""How far back CloudTrail's event history goes."""
MOST_CALLS: Final = 30
"""About half a minute at CloudTrail's rate, and 1,500 events."""

_EVENT: Final = "GetSecretValue"
_SOURCE: Final = "secretsmanager.amazonaws.com"
_ROLE: Final = re.compile(
    r"arn:[\w-]+:(?:iam::(\d{12}):role/(?:.*/)?([^/]+)|sts::(\d{12}):assumed-role/([^/]+)(?:/.*)?)"
)


def last_reads(
    account: AwsAccount,
    *,
    since: datetime,
    exclude: Collection[str] = (),
    secrets: Collection[SecretSnapshot] = (),
    most_calls: int = MOST_CALLS,
) -> LastReads | UnreadReads:
    """The last read of each secret of an account and region, as far as CloudTrail tells.

    Events come the latest first, 50 in a call, at no more than two calls a second, which the whole account shares:
    where others read a lot, the calls end before `since` is reached, and the result says from when on it is whole.

    Args:
        account: whose secrets are meant.
        since: how far back to look, with time zone; CloudTrail has no more than 90 days.
        exclude: whose reads do not count: ARNs of roles (or of sessions, which stand for their role) and of users, and
            names of role sessions.
        secrets: where only these matter, so that the calls end when a read of each is found; empty for all.
        most_calls: calls to make at most.

    Returns:
        `UnreadReads` where CloudTrail does not answer, for example for lack of `cloudtrail:LookupEvents`.
    """
    kept_since = datetime.now(UTC) - HISTORY
    asked: dict[str, Any] = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": _EVENT}]}
    if since > kept_since:
        asked["StartTime"] = since
    reads = _Reads(max(since, kept_since), _Excluded(exclude), secrets)
    try:
        with calling("LookupEvents", f"of {_EVENT} in {account.region}"):
            for number, answer in enumerate(answers(account.client("cloudtrail"), "lookup_events", **asked), start=1):
                reads.add(answer.get("Events") or ())
                if reads.complete:
                    return reads.until_here("")
                if number >= most_calls and answer.get("NextToken"):
                    return reads.until_here(
                        f"the {most_calls} calls to CloudTrail that are made at most reach no further"
                    )
    except AwsError as error:
        return reads.until_here(error.message) if reads.begun else UnreadReads(error.message)
    return reads.all


class _Excluded:
    """Whose reads do not count.

    Args:
        named: as `last_reads` takes it.
    """

    def __init__(self, named: Collection[str]) -> None:
        roles = {one: role for one in named if (role := _role(one))}
        self._roles = frozenset(roles.values())
        self._others = frozenset(named) - frozenset(roles)

    def covers(self, reader: _Reader) -> bool:
        """Whether a reader is one of them."""
        return reader.arn in self._others or reader.session in self._others or _role(reader.arn) in self._roles


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who made a call.

    Attributes:
        arn: of a user or a role session; where the event has none, what it has.
        session: name of the role session; empty without one.
    """

    arn: str
    session: str

    @staticmethod
    def of(identity: Mapping[str, Any]) -> _Reader:
        """The reader that an event names. Of a caller in another account it has no ARN."""
        _, _, session = str(identity.get("principalId") or "").partition(":")
        of_account = f"account {identity['accountId']}" if identity.get("accountId") else ""
        arn = identity.get("arn") or identity.get("invokedBy") or of_account or str(identity.get("type") or "somebody")
        return _Reader(str(arn), session)


class _Reads:
    """Collects the last read of each secret.

    Args:
        since: from when on the events are all that there are.
        excluded: whose reads do not count.
        wanted: secrets that matter; empty for all.

    Attributes:
        begun: whether CloudTrail answered at all.
    """

    def __init__(self, since: datetime, excluded: _Excluded, wanted: Collection[SecretSnapshot]) -> None:
        self._since = since
        self._excluded = excluded
        self._missing = [frozenset(secret_ids(secret)) for secret in wanted]
        self._waits = bool(self._missing)
        self._seen = datetime.now(UTC)
        self.begun = False
        self._found: dict[str, Read] = {}

    @property
    def complete(self) -> bool:
        """Whether a read of each secret that matters is found."""
        return self._waits and not self._missing

    @property
    def all(self) -> LastReads:
        """The result where every event was seen."""
        return LastReads(self._since, self._found)

    def until_here(self, limited: str) -> LastReads:
        """The result where earlier events were not seen."""
        return LastReads(self._seen, self._found, limited)

    def add(self, events: Collection[Mapping[str, Any]]) -> None:
        """Take in events, which come the latest first."""
        self.begun = True
        for event in events:
            self._seen = min(self._seen, event["EventTime"])
            told = json.loads(event["CloudTrailEvent"])
            if told.get("eventSource") != _SOURCE or told.get("errorCode"):
                continue
            reader = _Reader.of(told.get("userIdentity") or {})
            if self._excluded.covers(reader):
                continue
            ids = frozenset(_named(event, told))
            for one in ids:
                known = self._found.get(one)
                if known is None or known.at < event["EventTime"]:
                    self._found[one] = Read(event["EventTime"], reader.arn)
            self._missing = [one for one in self._missing if not one & ids]


def _role(arn: str) -> tuple[str, str] | None:
    """Account and name of the role that an ARN names, also as a session; None for anything else."""
    found = _ROLE.fullmatch(arn)
    return (found[1] or found[3], found[2] or found[4]) if found else None


def _named(event: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    """What an event names the secret by."""
    asked = (told.get("requestParameters") or {}).get("secretId")
    if asked:
        yield str(asked)
    yield from (str(one["ARN"]) for one in told.get("resources") or () if one.get("ARN"))
    yield from (str(one["ResourceName"]) for one in event.get("Resources") or () if one.get("ResourceName"))
