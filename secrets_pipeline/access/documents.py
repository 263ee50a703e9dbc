"""When two policy documents say the same, whatever order or shape AWS hands them back in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_ROOT = re.compile(r"^arn:[a-z-]+:iam::(\d{12}):root$")
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


def canonical(document: str | Mapping[str, Any] | None) -> str:
    """One text for all spellings of a policy: scalars as lists, lists sorted, keys sorted; empty for none.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if not document:
        return ""
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = parsed.get("Statement") or []
    if isinstance(statements, Mapping):
        statements = [statements]
    plain = sorted((_statement(statement) for statement in statements), key=json.dumps)
    return json.dumps({"Version": parsed.get("Version", "2008-10-17"), "Statement": plain}, sort_keys=True)


def same_policy(one: str | Mapping[str, Any] | None, other: str | Mapping[str, Any] | None) -> bool:
    """Whether two documents are the same policy; no policy and an empty one are."""
    return canonical(one) == canonical(other)


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


def _accounts(value: Any) -> list[Any]:  # noqa: ANN401 - a scalar or a list of them
    """An account's root and its bare number are the same principal."""
    return [
        _ROOT.sub(r"\1", one) if isinstance(one, str) else one
        for one in (value if isinstance(value, list) else [value])
    ]


def _sorted(value: Any) -> list[str]:  # noqa: ANN401 - a scalar or a list of them
    values = value if isinstance(value, list) else [value]
    return sorted({str(one).lower() if isinstance(one, bool) else str(one) for one in values})
