"""Compile the policy documents of the embedded AWS, each text once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.errors import PolicyError

_KEPT = 8192


@lru_cache(maxsize=_KEPT)
def _compiled(name: str, text: str) -> Policy:
    return Policy(name, text)


def policies(documents: Iterable[tuple[str, str]]) -> tuple[Policy, ...] | UnreadPolicies:
    """Policies; unread, which allows nothing, if AWS would not have taken one of them."""
    try:
        return tuple(_compiled(name, text) for name, text in documents)
    except (PolicyError, ValueError) as error:
        return UnreadPolicies(str(error))


def policy(name: str, text: str | None) -> Policy | UnreadPolicies | None:
    """One policy; None for none."""
    if text is None:
        return None
    found = policies([(name, text)])
    return found if isinstance(found, UnreadPolicies) else found[0]
