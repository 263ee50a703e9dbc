"""Refuse policy documents that are not well-formed, as AWS refuses them, and hand them back as AWS does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.access.evaluator import Policy
from secrets_pipeline.arn import iam_arn
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement.documents import policy as compiled


def statements(policy: str, refusal: str) -> list[Mapping[str, Any]]:
    """The statements of a resource-based policy.

    Args:
        policy: JSON.
        refusal: AWS's sentence for a malformed one.

    Raises:
        Fault: MalformedPolicyDocumentException.
    """
    try:
        document = json.loads(policy)
    except ValueError:
        document = None
    found = document.get("Statement") if isinstance(document, dict) else None
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list) or not listed or not all(_well_formed(one) for one in listed):
        raise Fault("MalformedPolicyDocumentException", refusal)
    if not isinstance(compiled("policy", policy), Policy):
        raise Fault("MalformedPolicyDocumentException", refusal)
    return listed


def _well_formed(statement: object) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in {"Allow", "Deny"}
        and all((name in statement) != (f"Not{name}" in statement) for name in ("Principal", "Action", "Resource"))
    )


def principals(statement: Mapping[str, Any]) -> list[str]:
    """AWS principals that a statement names, `*` for everybody."""
    principal = statement.get("Principal", ())
    named = principal.get("AWS", ()) if isinstance(principal, Mapping) else principal
    return [named] if isinstance(named, str) else [str(one) for one in named]


def normalised(policy: str) -> str:
    """A document as SQS and EventBridge show it: a list of one is text, and an account is its root's ARN.

    Source: https://github.com/hashicorp/awspolicyequivalence, with which Terraform compares them for that reason.
    """
    document = json.loads(policy)
    shown = document.get("Statement", [])
    shown = [_shown(one) for one in ([shown] if isinstance(shown, dict) else shown)]
    return json.dumps({**document, "Statement": shown})


def _shown(value: Any, key: str = "") -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {name: _shown(one, name) for name, one in value.items()}
    if isinstance(value, list):
        found = [_shown(one, key) for one in value]
        return found[0] if len(found) == 1 else found
    return iam_arn(value, "root") if key == "AWS" and re.fullmatch(r"\d{12}", str(value)) else value
