"""Decide what AWS would answer to one request, from plain policy documents alone; calls nothing."""

from secrets_pipeline.access.evaluator.document import Policy
from secrets_pipeline.access.evaluator.evaluate import authorize
from secrets_pipeline.access.evaluator.grants import grant_policy
from secrets_pipeline.access.evaluator.lookup import RequestContext
from secrets_pipeline.access.evaluator.request import Caller, Decision, Levels, Request, TargetResource
from secrets_pipeline.access.evaluator.vocabulary import (
    Context,
    Layer,
    LayerOutcome,
    PrincipalKind,
    UnreadPolicies,
    Values,
    Vote,
)

__all__ = [
    "Caller",
    "Context",
    "Decision",
    "Layer",
    "LayerOutcome",
    "Levels",
    "Policy",
    "PrincipalKind",
    "Request",
    "RequestContext",
    "TargetResource",
    "UnreadPolicies",
    "Values",
    "Vote",
    "authorize",
    "grant_policy",
]
