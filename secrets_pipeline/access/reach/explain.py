"""Word a verdict: one sentence for a human, then what each layer said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from secrets_pipeline.access.evaluator import Decision, Layer, LayerOutcome, Vote
from secrets_pipeline.access.reach.reader import (
    DECRYPT,
    GET_SECRET_VALUE,
    Allowed,
    DeniedByKms,
    DeniedBySecretsManager,
    ReadVerdict,
    Unknown,
)
from secrets_pipeline.arn import Arn


def name_of(verdict: ReadVerdict) -> str:
    """`Allowed`, `DeniedBySecretsManager`, `DeniedByKms` or `Unknown`."""
    return type(verdict).__name__


def short(principal: str) -> str:
    """A principal as humans call it, with its account: `role orders-exec of 111122223333`."""
    arn = Arn.match(principal)
    if arn is None:
        return principal
    kind, _, name = arn.resource.partition("/")
    return f"{kind} {name.rsplit('/', 1)[-1]} of {arn.account_id}" if name else f"account {arn.account_id}"


def sentence(principal: str, secret: str, verdict: ReadVerdict) -> str:
    """What a human wants to know: who, what, whether, and why."""
    who = short(principal)
    match verdict:
        case Allowed(secrets_manager=asked, kms=kms):
            by_key = f", and {clause(kms.decided_by, DECRYPT, allowed=True)}" if kms else ""
            by_policy = clause(asked.decided_by, GET_SECRET_VALUE, allowed=True)
            return f"{who} can read {secret}: {by_policy}{by_key}."
        case DeniedBySecretsManager(vote=vote):
            return f"{who} cannot read {secret}: {clause(vote, GET_SECRET_VALUE)}."
        case DeniedByKms(vote=vote, reason=reason, secrets_manager=asked):
            why = reason or clause(vote, DECRYPT)
            lets = "Secrets Manager lets it, but " if asked.allowed else "whatever Secrets Manager says, "
            return f"{who} cannot read {secret}: {lets}{why}."
        case Unknown(reason=reason):
            return f"whether {who} can read {secret} is not known: {reason}."


def because(verdict: ReadVerdict) -> str:
    """The reason alone: layer, policy and statement."""
    match verdict:
        case DeniedByKms(reason=reason) if reason:
            return reason
        case Unknown(reason=reason):
            return reason
        case DeniedByKms(vote=vote):
            return clause(vote, DECRYPT)
        case _:
            return clause(verdict.vote, GET_SECRET_VALUE, allowed=isinstance(verdict, Allowed))


def row(principal: str, secret: str, verdict: ReadVerdict) -> dict[str, str]:
    """The verdict as a row of the matrix: principal, secret, verdict, layer, policy, statement, reason."""
    return {
        "principal": principal,
        "secret": secret,
        "verdict": name_of(verdict),
        "layer": verdict.vote.layer.value,
        "policy": verdict.vote.policy,
        "statement": verdict.vote.statement,
        "reason": because(verdict),
    }


def plain(principal: str, secret: str, verdict: ReadVerdict) -> dict[str, Any]:
    """The whole verdict as JSON: its row, its sentence, and every layer's vote on each of the two calls."""
    return {
        **row(principal, secret, verdict),
        "sentence": sentence(principal, secret, verdict),
        "votes": [
            {"action": action, **_plain_vote(vote)} for action, decision in calls(verdict) for vote in decision.votes
        ],
    }


def vote_lines(verdict: ReadVerdict) -> Iterator[tuple[str, str, str]]:
    """Every layer's vote, as action, layer, and what it says; layers that do not apply are left out."""
    for action, decision in calls(verdict):
        for vote in decision.votes:
            if vote.outcome is not LayerOutcome.ABSENT:
                yield action, vote.layer.value, _words(vote)


def calls(verdict: ReadVerdict) -> Iterator[tuple[str, Decision]]:
    """The decisions behind a verdict, with the action that each is about."""
    yield GET_SECRET_VALUE, verdict.secrets_manager
    if verdict.kms is not None:
        yield DECRYPT, verdict.kms


def _plain_vote(vote: Vote) -> dict[str, str]:
    return {
        "layer": vote.layer.value,
        "outcome": vote.outcome.value,
        "policy": vote.policy,
        "statement": vote.statement,
        "detail": vote.detail,
    }


def _words(vote: Vote) -> str:
    where = _where(vote)
    said = vote.outcome.value if not vote.detail else vote.detail
    return f"{said}{f' ({where})' if where else ''}"


def _where(vote: Vote) -> str:
    """Name the policy and the statement, if one decided; a policy that is the only one of its layer has no name."""
    if not vote.statement:
        return ""
    statement = f"statement {vote.statement}"
    return statement if vote.policy == vote.layer else f"{vote.policy}, {statement}"


def clause(vote: Vote, action: str, *, allowed: bool = False) -> str:
    """What a deciding vote says about an action, as a clause; `allowed` is what was decided."""
    where = _where(vote)
    layer = f"{vote.layer} ({where})" if where else f"{vote.layer}"
    match vote.outcome:
        case LayerOutcome.SILENT if allowed:
            return f"a root user needs no {vote.layer} for {action}"
        case LayerOutcome.ALLOWS:
            return f"the {layer} allows {action}"
        case LayerOutcome.DENIES:
            return f"the {layer} denies {action}"
        case LayerOutcome.UNKNOWN:
            return f"what the {layer} says to {action} is not known"
        case _:
            # What a key's policy does not allow, a grant could.
            or_grant = f" and no {Layer.GRANT}" if vote.layer is Layer.KEY_POLICY else ""
            return f"no {vote.layer}{or_grant} allows {action}"
