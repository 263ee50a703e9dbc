"""Whom a statement of a policy in YAML lets in: everybody, or principals of other accounts."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

from secrets_pipeline.references import Expression

_READ = "secretsmanager:getsecretvalue"
_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:(?:iam|sts)::)?(\d{12})(?::.+)?")
_LIMITING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
    }
)
"""A fixed value of one of these makes a statement non-public, as S3 defines it and BlockPublicPolicy means it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""


def account_of(principal: str) -> str | None:
    """The account of a principal: of a role, user or session, of an account's root, or an account id itself."""
    found = _ACCOUNT.fullmatch(principal)
    return found.group(1) if found else None


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement lets anybody in: an Allow for every principal that no condition narrows."""
    if statement.get("Effect") != "Allow":
        return False
    everybody = "NotPrincipal" in statement or "*" in _principals(statement)
    return everybody and not any(_narrows(*condition) for condition in _conditions(statement))


def foreign_readers(statement: Mapping[str, Any], account_id: str) -> list[str]:
    """Principals of other accounts that a statement lets read a value; what is only known later is left out."""
    if statement.get("Effect") != "Allow" or not _allows_reading(statement):
        return []
    return [one for one in _principals(statement) if account_of(one) not in (None, account_id)]


def _principals(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal", ())
    named = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
    return [one for one in _listed(named) if isinstance(one, str)]


def _allows_reading(statement: Mapping[str, Any]) -> bool:
    inverted = "NotAction" in statement
    actions = _listed(statement.get("NotAction" if inverted else "Action", ()))
    named = any(
        isinstance(one, Expression) or (isinstance(one, str) and fnmatch.fnmatchcase(_READ, one.lower()))
        for one in actions
    )
    return named is not inverted


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Any]]]:
    blocks = statement.get("Condition")
    for operator, keys in blocks.items() if isinstance(blocks, Mapping) else ():
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            yield operator, key, _listed(value)


def _narrows(operator: str, key: str, values: list[Any]) -> bool:
    positive = "Not" not in operator and not operator.endswith("IfExists") and operator != "Null"
    fixed = all(
        isinstance(one, Expression) or (str(one).strip("*") and "${" not in str(one) and str(one) != "0.0.0.0/0")
        for one in values
    )
    return positive and key.lower() in _LIMITING_KEYS and bool(values) and fixed


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
