"""List whom a policy document mentions: as principals, and in the conditions on its callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from secrets_pipeline.access.evaluator.elements import listed

_CALLER_KEYS = frozenset({"aws:principalaccount", "aws:principalarn"})
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_OIDC = ":oidc-provider/"


def principals(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The AWS principals that a policy names, sorted, each once."""
    found = {
        name
        for statement in listed(document.get("Statement"))
        for element in ("Principal", "NotPrincipal")
        for name in _named(statement.get(element), "AWS")
    }
    return tuple(sorted(found))


def services(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The AWS services that the Allow statements of a policy name, sorted, each once."""
    allowing = (one for one in listed(document.get("Statement")) if one.get("Effect") == "Allow")
    return tuple(sorted({name for one in allowing for name in _named(one.get("Principal"), "Service")}))


def identity_providers(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The OpenID Connect providers that a trust policy names, as condition keys spell them, sorted, each once."""
    statements = listed(document.get("Statement"))
    named = (name for one in statements for name in _named(one.get("Principal"), "Federated"))
    spelt = {name.rpartition(_OIDC)[2] for name in named}
    return tuple(sorted(one for one in spelt if not one.startswith("arn:")))


def asked_of_callers(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The ARNs and accounts that conditions of a policy ask its callers to be of, sorted, each once."""
    return _asked(document, _CALLER_KEYS)


def organizations(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The organisations, by id or path, that conditions of a policy ask its callers to be of, sorted, each once."""
    return _asked(document, _ORGANIZATION_KEYS)


def _named(whom: object, kind: str) -> Iterator[str]:
    """The principals of one kind in a Principal element; `*` alone is an AWS principal."""
    if not isinstance(whom, Mapping):
        whom = {"AWS": whom}
    yield from map(str, listed(whom.get(kind)))


def _asked(document: Mapping[str, Any], keys: AbstractSet[str]) -> tuple[str, ...]:
    """What conditions on some keys, in lower case, compare with."""
    return tuple(
        sorted(
            {
                str(value)
                for statement in listed(document.get("Statement"))
                for block in (statement.get("Condition") or {}).values()
                for key, values in block.items()
                if key.lower() in keys
                for value in listed(values)
            }
        )
    )
