"""Tell whom a statement of a policy in YAML lets in: everybody, or principals of other accounts."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from secrets_pipeline.desired.limits import ORGANIZATION_ID
from secrets_pipeline.references.model import Expression

_EVERYBODY: Final = "*"
_READ = "secretsmanager:getsecretvalue"
_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:(?:(?:iam|sts):|lambda:[a-z0-9-]+):)?(\d{12})(?::.+)?")
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
        "kms:calleraccount",
    }
)
"""A fixed value of one of these makes a statement non-public, as S3 defines it and BlockPublicPolicy means it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""


_NARROWING = re.compile(r"(foranyvalue:)?(stringequals(ignorecase)?|stringlike|arn(equals|like)|ipaddress)")
"""Operators that hold for what they name alone: not where the key is missing, as `…IfExists` and `ForAllValues:…` do.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""
_FIXED_START = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:\d{12}:.|(?!arn:)[^*?]{9}|[^*?]+$")
"""Of an ARN the account; of an organisation's path or a role's id what tells it from others."""
_NETWORK_KEYS: Final = frozenset({"aws:sourceip", "aws:vpcsourceip"})
_WIDEST_NETWORK: Final = {4: 8, 6: 32}
"""Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:sourceorgid"})
_ACCOUNT_KEYS = frozenset(
    {"aws:principalaccount", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn", "kms:calleraccount"}
)
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):.+")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody whom an Allow lets in.

    Attributes:
        name: as the statement has it; for everybody, with the condition that narrows it.
        owner: 12 digits of an account, `o-…` of an organisation, the name of a service; None where nobody can tell.
    """

    name: str
    owner: str | None


def account_of_principal(principal: str) -> str | None:
    """The account of a principal: of a role, user, session, function or account's root, or an account id itself."""
    found = _ACCOUNT.fullmatch(principal)
    return found.group(1) if found else None


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement lets anybody in: an Allow for every principal that no condition narrows."""
    if statement.get("Effect") != "Allow":
        return False
    everybody = "NotPrincipal" in statement or any(one == _EVERYBODY for _, one in _named_by(statement))
    return everybody and not any(_narrows(*condition) for condition in _conditions(statement))


def foreign_readers(statement: Mapping[str, Any], account_id: str) -> list[str]:
    """Principals of other accounts that a statement lets read a value; what is only known later is left out."""
    if statement.get("Effect") != "Allow" or not _allows_reading(statement):
        return []
    named = [one for kind, one in _named_by(statement) if kind == "AWS" and isinstance(one, str)]
    return [one for one in named if account_of_principal(one) not in (None, account_id)]


def readers(statements: Iterable[Mapping[str, Any]], account_id: str | None) -> list[str]:
    """List the principals that statements allow to read a value, each once."""
    reading = (one for one in statements if one.get("Effect") == "Allow" and _allows_reading(one))
    return list(dict.fromkeys(one.name for statement in reading for one in admitted(statement, account_id)))


def admitted(statement: Mapping[str, Any], account_id: str | None) -> list[Admitted]:
    """Whom a statement lets in, to whatever it allows; nobody for a Deny.

    Where everybody is narrowed by several conditions, the one that names the account itself counts, else the first one
    whose values tell whose they are: all of them have to hold.
    """
    if statement.get("Effect") == "Deny":
        return []
    named = _named_by(statement)
    if "Principal" not in statement or any(one == _EVERYBODY for _, one in named):
        others = [(kind, one) for kind, one in named if one != _EVERYBODY]
        return [*_narrowed(statement, account_id), *(_named(*one) for one in others)]
    return [_named(*one) for one in named]


def _named(kind: str, principal: object) -> Admitted:
    text = str(principal)
    return Admitted(text, account_of_principal(text) if kind == "AWS" else text if isinstance(principal, str) else None)


def _narrowed(statement: Mapping[str, Any], account_id: str | None) -> list[Admitted]:
    told: list[list[Admitted]] = []
    untold: list[list[Admitted]] = []
    for operator, key, values in _conditions(statement):
        if not _narrows(operator, key, values):
            continue
        some = [Admitted(f"everybody with {key} {value}", _owner(key.lower(), value)) for value in values]
        (told if all(one.owner for one in some) else untold).append(some)
    whole = [some for some in told if {one.owner for one in some} == {account_id}]
    return next(iter([*whole, *told, *untold]), [Admitted("everybody", None)])


def _owner(key: str, value: object) -> str | None:
    """Whose principals a value of a condition lets in; None for a pattern, and for what is only known later."""
    if not isinstance(value, str):
        return None
    if key in _ORGANIZATION_KEYS:
        return value if ORGANIZATION_ID.fullmatch(value) else None
    if key in _ACCOUNT_KEYS:
        arn = _ARN.fullmatch(value)
        return arn.group(1) if arn else account_of_principal(value)
    return None


def _named_by(statement: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Kind and name of each principal; a text alone is of kind AWS."""
    principal = statement.get("Principal", ())
    kinds = principal if isinstance(principal, Mapping) else {"AWS": principal}
    return [(kind, one) for kind, some in kinds.items() for one in _listed(some)]


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
    if not _NARROWING.fullmatch(operator.lower()) or key.lower() not in _LIMITING_KEYS:
        return False
    return bool(values) and all(isinstance(one, Expression) or _is_fixed(key.lower(), str(one)) for one in values)


def _is_fixed(key: str, value: str) -> bool:
    """Whether a value of a condition names somebody: no variable, no broad network, no pattern from the start."""
    if key not in _NETWORK_KEYS:
        return "${" not in value and _FIXED_START.match(value) is not None
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False  # What AWS makes of it is not known.
    return network.prefixlen >= _WIDEST_NETWORK[network.version]


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
