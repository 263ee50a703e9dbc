"""Tell whether a statement of a resource policy would lock somebody out who has to be able to repair it.

An explicit deny beats whatever else is allowed. Of a key it is the account's root that gets it back; of a secret it is
the pipeline itself, which could neither read nor replace the policy any more.
Sources: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (aws:PrincipalArn)
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from secrets_pipeline.arn import iam_arn

KEY_RECOVERY: Final = ("kms:putkeypolicy", "kms:getkeypolicy")
"""Calls that repair a key's policy."""
SECRET_RECOVERY: Final = tuple(
    f"secretsmanager:{call}"
    for call in ("describesecret", "getresourcepolicy", "putresourcepolicy", "deleteresourcepolicy")
)
"""Calls that find a secret and repair its policy."""
LOCKOUT_REMEDY: Final = (
    "Except the pipeline's role from the Deny, or leave DescribeSecret, GetResourcePolicy, PutResourcePolicy and "
    "DeleteResourcePolicy of Secrets Manager out of it."
)
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root|(\d{12})")
_IDENTITY = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(?P<account>\d{12}):(?P<kind>assumed-role|role|user)/(?P<name>.+)")
_ROLE_PATH = re.compile(r":role/.*/")
_ARN_KEY = "aws:principalarn"
_ACCOUNT_KEYS = frozenset({"aws:principalaccount", "kms:calleraccount"})
_TYPE_KEY = "aws:principaltype"
_PARTITIONS = ("aws", "aws-cn", "aws-eusc", "aws-us-gov")


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that a policy must not lock out.

    Attributes:
        account_id: None takes any account for it.
        resource: `role/NAME` without a path, or `user/PATH/NAME`; empty for the account's root.
    """

    account_id: str | None
    resource: str = ""

    @classmethod
    def of(cls, arn: str) -> Caller:
        """Read the ARN that GetCallerIdentity answers; it shows a role without its path."""
        found = _IDENTITY.fullmatch(arn)
        if found is None:
            root = _ACCOUNT.fullmatch(arn)
            return cls(root[1] if root else None)
        return cls(found["account"], _resource(found["kind"], found["name"]))

    @property
    def type(self) -> str:
        """The identity's `aws:PrincipalType`."""
        return {"role": "AssumedRole", "user": "User"}.get(self.resource.partition("/")[0], "Account")

    def is_in(self, principals: list[str]) -> bool:
        """Whether a `Principal` names it; an account there stands for everybody in it."""
        return any(one == "*" or self._is_account(one) or self.is_identity(one) for one in principals)

    def is_identity(self, principal: str) -> bool:
        """Whether a principal is this very one."""
        if not self.resource:
            return self._is_account(principal)
        found = _IDENTITY.fullmatch(principal)
        return found is not None and Caller(found["account"], _resource(found["kind"], found["name"])) == self

    def matches(self, pattern: str, *, wildcards: bool, certain: bool) -> bool:
        """Whether a value of `aws:PrincipalArn` may mean it, whatever the role's path is; or does so for certain."""
        if self.is_identity(pattern):
            return True
        written = pattern if certain else _ROLE_PATH.sub(":role/", pattern)
        arns = [iam_arn(self.account_id or "0" * 12, self.resource or "root", partition=one) for one in _PARTITIONS]
        return wildcards and any(fnmatch.fnmatchcase(arn, written) for arn in arns)

    def _is_account(self, principal: str) -> bool:
        found = _ACCOUNT.fullmatch(principal)
        return found is not None and self.account_id in (None, found[1] or found[2])


def locks_out(statement: Mapping[str, Any], caller: Caller, recovery: tuple[str, ...]) -> bool:
    """Whether a statement denies somebody what repairs the policy, whatever the request is.

    Conditions about the caller are answered; one about anything else leaves a way in, and is let pass, as is whatever
    is only known later.

    Args:
        statement: as declared; late parts are expressions.
        caller: who must not be locked out.
        recovery: calls that repair the policy, in small letters.
    """
    if statement.get("Effect") != "Deny" or not _denies(statement, recovery):
        return False
    if "NotPrincipal" in statement:
        excepted = _principals(statement["NotPrincipal"])
        whom = all(isinstance(one, str) and not caller.is_identity(one) for one in excepted)
    else:
        whom = caller.is_in([one for one in _principals(statement.get("Principal")) if isinstance(one, str)])
    return whom and all(
        _holds(str(operator), str(key), values, caller)
        for operator, block in _mapping(statement.get("Condition")).items()
        for key, values in _mapping(block).items()
    )


def _resource(kind: str, name: str) -> str:
    if kind == "user":
        return f"user/{name}"
    return f"role/{name.partition('/')[0] if kind == 'assumed-role' else name.rpartition('/')[2]}"


def _denies(statement: Mapping[str, Any], recovery: tuple[str, ...]) -> bool:
    excepted = "NotAction" in statement
    patterns = [str(one).lower() for one in _listed(statement.get("NotAction" if excepted else "Action"))]
    return any(any(fnmatch.fnmatchcase(need, one) for one in patterns) is not excepted for need in recovery)


def _holds(operator: str, key: str, values: object, caller: Caller) -> bool:
    """Whether a condition is certain to hold where the caller calls."""
    base = re.sub(r"^(foranyvalue|forallvalues):|ifexists$", "", operator.lower())
    negated = "not" in base
    if not re.fullmatch(r"(string(not)?(equals|like)(ignorecase)?|arn(not)?(equals|like))", base):
        return False
    listed = _listed(values)
    if not all(isinstance(one, str) for one in listed):
        return False
    wildcards = "like" in base or base.startswith("arn")
    name = key.lower()
    if name == _ARN_KEY:
        matches = any(caller.matches(one, wildcards=wildcards, certain=not negated) for one in listed)
    elif name in _ACCOUNT_KEYS:
        matches = any(caller.account_id in (None, one) or (wildcards and one == "*") for one in listed)
    elif name == _TYPE_KEY:
        matches = any(one == caller.type or (wildcards and fnmatch.fnmatchcase(caller.type, one)) for one in listed)
    else:
        return False
    return matches is not negated


def _principals(principal: object) -> list[Any]:
    return _listed(principal.get("AWS", ()) if isinstance(principal, Mapping) else principal)


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
