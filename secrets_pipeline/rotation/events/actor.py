"""Read who called an API from CloudTrail's record of the call; every text of it passes a pattern, or is left out.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html and
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import ip_address

from secrets_pipeline.desired.limits import ACCOUNT_ID
from secrets_pipeline.rotation.events.document import EventDocument, text
from secrets_pipeline.rotation.events.hints import Actor

_KIND = re.compile(r"[A-Za-z]{1,40}")
_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[A-Za-z0-9_+=,.@/-]{1,400}")
_SERVICE = re.compile(r"[a-z0-9.-]{1,100}\.amazonaws\.com(\.cn)?|AWS Internal")
"""`sourceIPAddress` and `invokedBy` of calls that AWS makes."""
_MARKUP = re.compile(r"[][@()*#~`\s]+")
"""What mentions and links are made of in Markdown, which Mattermost and Rocket.Chat read."""
_AGENT = re.compile(r"[A-Za-z0-9 ._,;/+=-]{1,100}")
"""Without a colon it makes no link, wherever an alert is read."""


def actor_of(detail: EventDocument) -> Actor:
    """Read who made a call; what is not as CloudTrail writes it is left out.

    Args:
        detail: of an event `AWS API Call via CloudTrail`.
    """
    agent = _AGENT.match(_MARKUP.sub(" ", text(detail, "userAgent") or "").lstrip())
    account = text(detail, "userIdentity", "accountId") or ""
    account = f"account {account}" if account.isascii() and ACCOUNT_ID.fullmatch(account) else ""
    return Actor(
        kind=_checked(_KIND, text(detail, "userIdentity", "type")),
        arn=_checked(_ARN, text(detail, "userIdentity", "arn")),
        issuer=_checked(_ARN, text(detail, "userIdentity", "sessionContext", "sessionIssuer", "arn")),
        otherwise=_checked(_SERVICE, text(detail, "userIdentity", "invokedBy")) or account,
        address=_address(text(detail, "sourceIPAddress") or ""),
        agent=agent[0].strip() if agent else "",
        at=moment(text(detail, "eventTime")),
    )


def moment(said: str | None) -> datetime | None:
    """Read a time with its zone, as UTC; None where there is none that UTC has."""
    try:
        at = datetime.fromisoformat(said) if said else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _address(said: str) -> str:
    try:
        # As Python writes it: a zone of IPv6 would be any text.
        address = ip_address(said.partition("%")[0])
    except ValueError:
        return _checked(_SERVICE, said)
    return str(address)


def _checked(pattern: re.Pattern[str], said: str | None) -> str:
    return said if said is not None and pattern.fullmatch(said) else ""
