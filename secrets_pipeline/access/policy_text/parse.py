"""Parse policies for the evaluator; one that it does not understand becomes `UnreadPolicies`."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.access.evaluator import Policy, UnreadPolicies
from secrets_pipeline.errors import PolicyError


def understood(name: str, document: Mapping[str, object]) -> Policy | UnreadPolicies:
    """Parse a policy for the evaluator, or say why it cannot."""
    try:
        return Policy(name, document)
    except PolicyError as error:
        return UnreadPolicies(error.message)
