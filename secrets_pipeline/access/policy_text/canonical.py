"""Tell when two policy documents say the same, whatever order or shape AWS hands them back in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.access.evaluator.elements import listed, text_of
from secrets_pipeline.errors import SpecError

_ROOT = re.compile(r"^arn:[a-z-]+:iam::(\d{12}):root$")
_LISTS = frozenset({"Action", "NotAction", "Resource", "NotResource"})


def canonical(document: str | Mapping[str, Any] | None) -> str:
    """One text for all spellings of a policy: scalars as lists, lists sorted, keys sorted; empty for none.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if not document:
        return ""
    parsed = json.loads(document) if isinstance(document, str) else document
    plain = sorted((_statement(statement) for statement in listed(parsed.get("Statement"))), key=json.dumps)
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


def _accounts(value: object) -> list[Any]:
    """An account's root and its bare number are the same principal."""
    return [_ROOT.sub(r"\1", one) if isinstance(one, str) else one for one in listed(value)]


def _sorted(value: object) -> list[str]:
    return sorted({text_of(one) for one in listed(value)})
