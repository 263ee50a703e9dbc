"""Tell whether a statement of a key policy would lock the account's root out of its own key.

The root's `kms:*` is what an account gets a key back with; an explicit deny beats it, and then only AWS support helps.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.arn import iam_arn

_RECOVERY = ("kms:putkeypolicy", "kms:getkeypolicy")
"""What root needs to repair a policy."""
_ANY_ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root|(\d{12})")
_ARN_KEY = "aws:principalarn"
_ACCOUNT_KEYS = frozenset({"aws:principalaccount", "kms:calleraccount"})
_TYPE_KEY = "aws:principaltype"


def locks_out_root(statement: Mapping[str, Any], account_id: str | None) -> bool:
    """Whether a statement denies the account's root what it needs to repair the policy, whatever root's request is.

    Conditions about the caller are answered for root; one about anything else leaves root a way in, and is let pass, as
    is whatever is only known later.

    Args:
        statement: as declared; late parts are expressions.
        account_id: the key's account; None takes any account for it.
    """
    if statement.get("Effect") != "Deny" or not _denies_recovery(statement):
        return False
    if "NotPrincipal" in statement:
        whom = not any(_is_root(one, account_id) for one in _principals(statement["NotPrincipal"]))
    else:
        whom = any(one == "*" or _is_root(one, account_id) for one in _principals(statement.get("Principal")))
    return whom and all(
        _holds_for_root(str(operator), str(key), values, account_id)
        for operator, block in _mapping(statement.get("Condition")).items()
        for key, values in _mapping(block).items()
    )


def _denies_recovery(statement: Mapping[str, Any]) -> bool:
    excepted = "NotAction" in statement
    patterns = [str(one).lower() for one in _listed(statement.get("NotAction" if excepted else "Action"))]
    return any(any(fnmatch.fnmatchcase(need, one) for one in patterns) is not excepted for need in _RECOVERY)


def _holds_for_root(operator: str, key: str, values: object, account_id: str | None) -> bool:
    """Whether a condition is certain to hold where root calls."""
    base = re.sub(r"^(foranyvalue|forallvalues):|ifexists$", "", operator.lower())
    negated = "not" in base
    if not re.fullmatch(r"(string(not)?(equals|like)(ignorecase)?|arn(not)?(equals|like))", base):
        return False
    listed = [one for one in _listed(values) if isinstance(one, str)]
    wildcards = "like" in base or base.startswith("arn")
    name = key.lower()
    if name == _ARN_KEY:
        matches = any(_matches_root(one, account_id, wildcards=wildcards) for one in listed)
    elif name in _ACCOUNT_KEYS:
        matches = any(account_id in (None, one) or (wildcards and one == "*") for one in listed)
    elif name == _TYPE_KEY:
        matches = any(one == "Account" or (wildcards and fnmatch.fnmatchcase("Account", one)) for one in listed)
    else:
        return False
    return matches is not negated


def _matches_root(pattern: str, account_id: str | None, *, wildcards: bool) -> bool:
    if _is_root(pattern, account_id):
        return True
    roots = [iam_arn(account_id or "0" * 12, "root", partition=one) for one in ("aws", "aws-cn", "aws-us-gov")]
    return wildcards and any(fnmatch.fnmatchcase(root, pattern) for root in roots)


def _is_root(principal: str, account_id: str | None) -> bool:
    found = _ANY_ROOT.fullmatch(principal)
    return found is not None and account_id in (None, found[1] or found[2])


def _principals(principal: object) -> list[str]:
    named = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
    return [one for one in _listed(named) if isinstance(one, str)]


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
