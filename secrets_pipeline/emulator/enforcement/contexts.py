"""Build the condition keys that every request has.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.core.clock import CLOCK

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator import Values


def about_request(region: str, *, through: str = "") -> dict[str, Values]:
    """What is known of a request, whatever it asks for.

    What a service asks for on a client's behalf has the client's address.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

    The embedded AWS is called over HTTP from this host; AWS is called over TLS.

    Args:
        region: which it is made in.
        through: service that makes it on the client's behalf, for example `secretsmanager.amazonaws.com`.
    """
    values: dict[str, Values] = {
        **about_time(),
        "aws:requestedregion": (region,),
        "aws:sourceip": ("127.0.0.1",),
        "aws:viaawsservice": (str(bool(through)).lower(),),
    }
    return {**values, **{f"aws:calledvia{which}": (through,) for which in ("", "first", "last")}} if through else values


def about_time() -> dict[str, Values]:
    """What is known of every request, also of those that AWS services make."""
    now = CLOCK.moment
    return {
        "aws:currenttime": (now.isoformat(),),
        "aws:epochtime": (str(int(now.timestamp())),),
        "aws:securetransport": ("true",),
    }


def about_tags(tags: Mapping[str, str], removed: Iterable[str] = ()) -> dict[str, Values]:
    """What a request says about tags.

    Args:
        tags: that it sets.
        removed: keys that it removes.
    """
    keys = (*tags, *removed)
    values: dict[str, Values] = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    return {**values, "aws:tagkeys": keys} if keys else values
