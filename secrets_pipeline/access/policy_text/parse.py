"""Parse policies for the evaluator; one that it does not understand becomes `UnreadPolicies`."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.errors import PolicyError


def understood(name: str, document: Mapping[str, object]) -> Policy | UnreadPolicies:
    """The policy, or why it is none."""
    try:
        return Policy(name, document)
    except PolicyError as error:
        return UnreadPolicies(error.message)
