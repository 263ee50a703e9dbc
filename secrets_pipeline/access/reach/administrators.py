"""Tell of the administrators who can read, in one line, with the setting that would allow them. Pure."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterable, Sequence

from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.reader import Allowed

_SSO = re.compile(
    r"(?P<account>arn:[\w-]+:iam::\d{12}:role/aws-reserved/sso\.amazonaws\.com/)(?:[a-z0-9-]+/)?"
    r"(?P<set>AWSReservedSSO_[\w+=,.@-]+_)[0-9a-f]{16}"
)


def glob_of(arn: str) -> str:
    """The glob under `access.allowed_readers` that allows a role or user.

    A role of IAM Identity Center gets another suffix, always as long, when its permission set is assigned anew, and its
    path names a region or none: https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html.
    """
    found = _SSO.fullmatch(arn)
    return f"{found['account']}*{found['set']}{'?' * 16}" if found else glob.escape(arn)


def setting_with(arns: Iterable[str], allowed: Sequence[str] | None) -> str:
    """The operator's setting, as YAML on one line, that allows whom it allows already and these readers."""
    globs = dict.fromkeys([*(allowed or ()), *map(glob_of, arns)])
    return f"access: {{allowed_readers: {json.dumps(list(globs))}}}"


def administrators_sentence(readings: Sequence[AuditedRead], allowed: Sequence[str] | None) -> str:
    """One sentence about administrators of whom nobody said that they may read, and what would say so.

    Args:
        readings: theirs; at least one.
        allowed: globs of `access.allowed_readers`; None where the operator has not said who may.
    """
    arns = list(dict.fromkeys(one.principal for one in readings))
    secrets = len({one.secret for one in readings})
    can = "can" if any(isinstance(one.verdict, Allowed) for one in readings) else "may be able to"
    who = f"{len(arns)} administrator{'s' if len(arns) > 1 else ''} of the account {can} read "
    what = f"{secrets} secret{'s' if secrets > 1 else ''}"
    said = "the operator has not said who may" if allowed is None else "access.allowed_readers does not name them"
    return f"{who}{what}, and {said}. To allow them: {setting_with(arns, allowed)}"
