"""Compile the policy documents of the embedded AWS, each text once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.errors import PolicyError

_KEPT = 8192

Read: TypeAlias = Callable[[Iterable[tuple[str, str]]], tuple[Policy, ...] | UnreadPolicies]
"""Compiles documents, given as name and text."""


@lru_cache(maxsize=_KEPT)
def _compiled(name: str, text: str) -> Policy:
    return Policy(name, text)


@lru_cache(maxsize=_KEPT)
def _loosely_compiled(name: str, text: str) -> Policy:
    document = json.loads(text)
    found = document.get("Statement", [])
    return Policy(name, {**document, "Statement": list(_loose([found] if isinstance(found, dict) else found))})


def _loose(statements: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in statements:
        if one.get("Effect") == "Allow":
            kept = {name: value for name, value in one.items() if name in {"Effect", "Sid", "Action", "NotAction"}}
            yield {**kept, "Resource": "*"}
        elif one.get("Resource") in ("*", ["*"]) and not one.get("Condition"):
            yield one


def policies(documents: Iterable[tuple[str, str]]) -> tuple[Policy, ...] | UnreadPolicies:
    """Policies; unread, which allows nothing, if AWS would not have taken one of them."""
    return _all(_compiled, documents)


def loose_policies(documents: Iterable[tuple[str, str]]) -> tuple[Policy, ...] | UnreadPolicies:
    """The same as if every Allow were for any resource, and only what denies everything denied."""
    return _all(_loosely_compiled, documents)


def _all(
    compiled: Callable[[str, str], Policy], documents: Iterable[tuple[str, str]]
) -> tuple[Policy, ...] | UnreadPolicies:
    try:
        return tuple(compiled(name, text) for name, text in documents)
    except (PolicyError, ValueError) as error:
        return UnreadPolicies(str(error))


def policy(name: str, text: str | None, read: Read = policies) -> Policy | UnreadPolicies | None:
    """One policy; None for none."""
    if text is None:
        return None
    found = read([(name, text)])
    return found if isinstance(found, UnreadPolicies) else found[0]
