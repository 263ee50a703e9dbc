"""The evaluator: what AWS would answer to one request, from plain policy documents. Pure."""

from secrets_pipeline.access.evaluator.document import Policy
from secrets_pipeline.access.evaluator.evaluate import authorize
from secrets_pipeline.access.evaluator.grants import grant_policy
from secrets_pipeline.access.evaluator.lookup import Lookup
from secrets_pipeline.access.evaluator.request import Caller, Decision, Levels, Request, Target
from secrets_pipeline.access.evaluator.vocabulary import Context, Layer, Outcome, PrincipalKind, Unread, Values, Vote

__all__ = [
    "Caller",
    "Context",
    "Decision",
    "Layer",
    "Levels",
    "Lookup",
    "Outcome",
    "Policy",
    "PrincipalKind",
    "Request",
    "Target",
    "Unread",
    "Values",
    "Vote",
    "authorize",
    "grant_policy",
]
