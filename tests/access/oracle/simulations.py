"""Cases as the oracle takes them, and its answers as the evaluator's votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from secrets_pipeline.access.evaluator import Decision, Layer, LayerOutcome, PrincipalKind
from tests.strategies.policy_alphabet import HOME, SEVERAL
from tests.strategies.policy_cases import ALLOW_ALL, Case, Document, Levels

LAYERS: Final = ("scp", "rcp", "resource", "boundary", "session", "identity")
_SPOKEN: Final = {
    "Allowed": LayerOutcome.ALLOWS,
    "AllowedForAccount": LayerOutcome.ALLOWS,
    "ExplicitlyDenied": LayerOutcome.DENIES,
    "DeniedForAccount": LayerOutcome.DENIES,
    "ImplicitlyDenied": LayerOutcome.SILENT,
    "NotApplicable": LayerOutcome.SILENT,
    None: LayerOutcome.SILENT,
}
_LAYERS: Final = {
    Layer.SCP: "scp",
    Layer.RCP: "rcp",
    Layer.SECRET_POLICY: "resource",
    Layer.KEY_POLICY: "resource",
    Layer.TRUST_POLICY: "resource",
    Layer.BOUNDARY: "boundary",
    Layer.SESSION: "session",
    Layer.IDENTITY: "identity",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the oracle says.

    Attributes:
        layers: its view of every layer; a layer that does not apply is silent.
        ignored: condition keys that it took out of the request, as its tables do not have them for the action.
    """

    allowed: bool
    layers: Mapping[str, LayerOutcome]
    ignored: frozenset[str]


def simulation(case: Case) -> dict[str, Any]:
    """The JSON that the oracle is asked."""
    _, caller, target = case.asked()
    several = {key.lower() for key in SEVERAL}
    context = {
        key: list(values) if key.lower() in several else values[0]
        for key, values in {**caller.facts.values, **target.facts.values, **case.context}.items()
    }
    # It knows no root user; to AWS that is somebody who may everything.
    identity = (ALLOW_ALL,) if case.caller.kind is PrincipalKind.ROOT else case.identity
    asked: dict[str, Any] = {
        "request": {
            "principal": case.caller.spoken,
            "action": case.action,
            "resource": {"resource": case.resource, "accountId": HOME},
            "contextVariables": context,
        },
        "identityPolicies": _named(identity),
        "serviceControlPolicies": _levels(case.scps),
        "resourceControlPolicies": _levels(case.rcps),
    }
    if case.policy is not None:
        asked["resourcePolicy"] = case.policy
    if case.session_policy is not None:
        asked["sessionPolicy"] = case.session_policy
    if case.boundary is not None:
        asked["permissionBoundaryPolicies"] = _named((case.boundary,))
    return asked


def answer(response: Mapping[str, Any]) -> Answer:
    """What the oracle's JSON says.

    Raises:
        ValueError: it refuses the case.
    """
    if "error" in response:
        raise ValueError(response["error"])
    return Answer(
        response["result"] == "Allowed",
        {layer: _SPOKEN[response["layers"][layer]] for layer in LAYERS},
        frozenset(key.lower() for key in response["ignored"]),
    )


def as_heard(case: Case, given: Answer) -> Case:
    """The case without the condition keys that the oracle ignored."""
    return replace(case, context={key: one for key, one in case.context.items() if key.lower() not in given.ignored})


def outcomes(case: Case, decision: Decision) -> dict[str, LayerOutcome]:
    """The evaluator's votes, by the oracle's layers; one that does not apply is silent, or lets all pass."""
    found: dict[str, LayerOutcome] = {
        _LAYERS[vote.layer]: LayerOutcome.SILENT if vote.outcome is LayerOutcome.ABSENT else vote.outcome
        for vote in decision.votes
        if vote.layer in _LAYERS
    }
    for layer, levels in (("scp", case.scps), ("rcp", case.rcps)):
        if not levels:
            found[layer] = LayerOutcome.ALLOWS
    if case.caller.kind is PrincipalKind.ROOT:
        found["identity"] = LayerOutcome.ALLOWS
    return found


def _named(documents: Sequence[Document]) -> list[dict[str, Any]]:
    return [{"name": f"p{number}", "policy": document} for number, document in enumerate(documents)]


def _levels(levels: Levels) -> list[dict[str, Any]]:
    return [{"orgIdentifier": f"ou-{number}", "policies": _named(level)} for number, level in enumerate(levels)]
