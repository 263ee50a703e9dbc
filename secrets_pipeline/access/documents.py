"""When two policy documents say the same, whatever order or shape AWS hands them back in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from secrets_pipeline.errors import SpecError

_ROOT = re.compile(r"^arn:[a-z-]+:iam::(\d{12}):root$")
_CALLER_KEYS = frozenset({"aws:principalaccount", "aws:principalarn"})
_ORGANIZATION_KEYS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_OIDC = ":oidc-provider/"
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


def canonical(document: str | Mapping[str, Any] | None) -> str:
    """One text for all spellings of a policy: scalars as lists, lists sorted, keys sorted; empty for none.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if not document:
        return ""
    parsed = json.loads(document) if isinstance(document, str) else document
    plain = sorted((_statement(statement) for statement in _statements(parsed)), key=json.dumps)
    return json.dumps({"Version": parsed.get("Version", "2008-10-17"), "Statement": plain}, sort_keys=True)


def compact(document: Mapping[str, Any], *, longest: int) -> str:
    """The JSON of a policy as it is sent: without blanks, as AWS counts them.

    Args:
        document: the policy.
        longest: characters that AWS takes: 20,480 for a secret's policy, 32,768 for a key's.

    Raises:
        SpecError: if it is longer.
    """
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > longest:
        raise SpecError(
            f"the policy has {len(text)} characters once its references are put in, AWS takes {longest}",
            remedy="Write fewer or wider statements under policy.",
        )
    return text


def services(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The AWS services that the Allow statements of a policy name, sorted, each once."""
    found: set[str] = set()
    for statement in _statements(document):
        whom = statement.get("Principal")
        named = whom.get("Service", ()) if isinstance(whom, Mapping) else ()
        if statement.get("Effect") == "Allow":
            found.update([named] if isinstance(named, str) else map(str, named))
    return tuple(sorted(found))


def identity_providers(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The OpenID Connect providers that a trust policy names, as condition keys spell them, sorted, each once."""
    found: set[str] = set()
    for statement in _statements(document):
        whom = statement.get("Principal")
        named = whom.get("Federated", ()) if isinstance(whom, Mapping) else ()
        found.update(str(one).rpartition(_OIDC)[2] for one in ([named] if isinstance(named, str) else named))
    return tuple(sorted(one for one in found if not one.startswith("arn:")))


def principals(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The AWS principals that a policy names, sorted, each once."""
    found: set[str] = set()
    for statement in _statements(document):
        for element in ("Principal", "NotPrincipal"):
            whom = statement.get(element, ())
            named = whom.get("AWS", ()) if isinstance(whom, Mapping) else whom
            found.update([named] if isinstance(named, str) else map(str, named))
    return tuple(sorted(found))


def asked_of_callers(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The ARNs and accounts that conditions of a policy ask its callers to be of, sorted, each once."""
    return _asked(document, _CALLER_KEYS)


def organizations(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The organisations, by id or path, that conditions of a policy ask its callers to be of, sorted, each once."""
    return _asked(document, _ORGANIZATION_KEYS)


def _asked(document: Mapping[str, Any], keys: AbstractSet[str]) -> tuple[str, ...]:
    """What conditions on some keys, in lower case, compare with."""
    return tuple(
        sorted(
            {
                str(value)
                for statement in _statements(document)
                for block in (statement.get("Condition") or {}).values()
                for key, values in block.items()
                if key.lower() in keys
                for value in (values if isinstance(values, list) else [values])
            }
        )
    )


def same_policy(one: str | Mapping[str, Any] | None, other: str | Mapping[str, Any] | None) -> bool:
    """Whether two documents are the same policy; no policy and an empty one are."""
    return canonical(one) == canonical(other)


def _statements(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """A policy's statements; a single one need not be a list."""
    statements = document.get("Statement") or []
    return [statements] if isinstance(statements, Mapping) else statements


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in statement.items():
        if key in _LISTS:
            plain[key] = _sorted(value)
        elif key in ("Principal", "NotPrincipal"):
            # "*" and {"AWS": "*"} are the same to a resource policy.
            whom = {"AWS": value} if isinstance(value, str) else value
            plain[key] = {kind: _sorted(_accounts(who)) for kind, who in sorted(whom.items())}
        elif key == "Condition":
            plain[key] = {
                operator: {name: _sorted(values) for name, values in sorted(block.items())}
                for operator, block in sorted(value.items())
            }
        else:
            plain[key] = value
    return dict(sorted(plain.items()))


def _accounts(value: object) -> list[Any]:
    """An account's root and its bare number are the same principal."""
    return [
        _ROOT.sub(r"\1", one) if isinstance(one, str) else one
        for one in (value if isinstance(value, list) else [value])
    ]


def _sorted(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return sorted({str(one).lower() if isinstance(one, bool) else str(one) for one in values})
