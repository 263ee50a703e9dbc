"""Check the limits of AWS that a stack can break, each by a function that says what is wrong.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html,
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
"""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

from secrets_pipeline.desired.schedule_expressions import Cron, Rate, parse_schedule

SECRET_NAME_LENGTH = 512
SECRET_VALUE_BYTES = 65_536
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can escape and UTF-8 cannot say."""
POLICY_BYTES = 20_480
KEY_POLICY_BYTES = 32_768
"""https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""
INLINE_POLICY_CHARACTERS = 10_240
"""Of all inline policies of a role together: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
DESCRIPTION_LENGTH = 2048
RECOVERY_DAYS = (7, 30)
ROTATION_DAYS = (1, 1000)
DEFAULT_ROTATION_DAYS = (1, 365)

REGION = re.compile(r"([a-z]+-)+[0-9]+")
"""https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicaRegionType.html"""
ACCOUNT_ID = re.compile(r"\d{12}")
ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html"""
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}")
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""
FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?")
KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:(\d{12}):(key|alias(?!/aws/))/[A-Za-z0-9:/_-]+")
KEY_ID = re.compile(r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")
ALIAS = re.compile(r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}")

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
"""AWS's error names these characters: `tests/contracts/recorded/`. The page of CreateSecret leaves `!` out."""
_DOTS = frozenset({".", ".."})
_ARN_SUFFIX = re.compile(r"-(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z0-9])[A-Za-z0-9]{6}$")
"""AWS advises against any hyphen with six characters; `oauth-config` is one, so only what looks drawn is refused."""
_HYPHEN_AND_SIX = re.compile(r"-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$")
"""The same with any capital or digit is remarked on; a word in small letters is not: every stack has one."""
_DURATION = re.compile(r"([1-9]|1[0-9]|2[0-4])h")
_CRON = re.compile(r"cron\((.*)\)")
_SHORTEST_INTERVAL, _LONGEST_INTERVAL = timedelta(hours=4), timedelta(days=999)
_TOO_OFTEN = "rotates more often than every 4 hours"


def secret_name_problem(name: str) -> str | None:
    """Why AWS would refuse a secret's name, or why it is a trap."""
    if len(name) > SECRET_NAME_LENGTH:
        return f"the secret name has {len(name)} characters, AWS takes {SECRET_NAME_LENGTH}"
    if not _NAME.fullmatch(name):
        wrong = "".join(sorted(set(_NAME.sub("", name))))
        return f"the secret name {name!r} holds {wrong!r}; AWS takes letters, digits and /_+=.@!-"
    if name.startswith("!"):
        return f"the secret name {name!r} begins with '!', which means `not` where AWS lists secrets by name"
    if _DOTS & set(name.split("/")):
        return f"the secret name {name!r} has a part `.` or `..`, which programs that make files of names follow"
    if _ARN_SUFFIX.search(name):
        return f"the secret name {name!r} ends like the suffix of an ARN (a hyphen and six characters)"
    return None


def secret_name_notice(name: str) -> str | None:
    """What is good to know about a name that AWS takes, but advises against; None for any other."""
    if not _HYPHEN_AND_SIX.search(name):
        return None
    return (
        f"secret {name} ends in a hyphen and six characters, which AWS advises against: a lookup by a part of its ARN "
        "may take them for the ARN's suffix. The pipeline names whole ARNs; whoever else reads it should do the same."
    )


def schedule_problem(expression: str) -> str | None:
    """Why Secrets Manager would refuse a rotation schedule."""
    cron = _CRON.fullmatch(expression)
    if cron is not None and (problem := _cron_problem(cron.group(1).split())):
        return problem
    match parse_schedule(expression):
        case None:
            return "has a field that is none of Secrets Manager's" if cron else "is neither rate(…) nor cron(…)"
        case Rate(interval=interval) if interval > _LONGEST_INTERVAL:
            return f"rotates less often than every {_LONGEST_INTERVAL.days} days"
        case Rate(interval=interval) if interval < _SHORTEST_INTERVAL:
            return _TOO_OFTEN
        case Cron(hours=hours) if any(
            timedelta(hours=after - hour) < _SHORTEST_INTERVAL for hour, after in pairwise(hours)
        ):
            return _TOO_OFTEN
        case _:
            return None


def _cron_problem(fields: list[str]) -> str | None:
    match fields:
        case [minutes, _, day_of_month, _, day_of_week, year]:
            problems = {
                "has minutes other than 0": minutes != "0",
                "must have `?` as day of month or as day of week": (day_of_month == "?") == (day_of_week == "?"),
                "names a year": year != "*",
            }
            return next((problem for problem, holds in problems.items() if holds), None)
        case _:
            return f"has {len(fields)} fields, not 6"


def duration_problem(duration: str) -> str | None:
    """Why Secrets Manager would refuse the length of a rotation window."""
    return None if _DURATION.fullmatch(duration) else "is not a number of hours from 1h to 24h"
