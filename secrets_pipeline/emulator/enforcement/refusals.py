"""Word refusals as AWS words them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html#access-denied-error-examples
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import Layer, LayerOutcome, Request, authorize
from secrets_pipeline.emulator.control.rights import RIGHTS

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator import Context, TargetResource, Vote
    from secrets_pipeline.emulator.enforcement.callers import Client

_KINDS = {
    Layer.SCP: "service control policy",
    Layer.RCP: "resource control policy",
    Layer.SECRET_POLICY: "resource-based policy",
    Layer.KEY_POLICY: "resource-based policy",
    Layer.GRANT: "resource-based policy",
    Layer.TRUST_POLICY: "role trust policy",
    Layer.BOUNDARY: "permissions boundary",
    Layer.SESSION: "session policy",
    Layer.IDENTITY: "identity-based policy",
}


def refused(
    client: Client, action: str, target: TargetResource, context: Context, where: str = "", *, closed: str = ""
) -> str | None:
    """AWS's sentence if a client may not do something, None if it may.

    Args:
        client: who asks.
        action: for example `secretsmanager:GetSecretValue`.
        target: what is asked of.
        context: the request's own condition keys.
        where: what stands between action and reason, for example ` on resource: NAME`.
        closed: what stands there, reason included, where the target's own policy does not let the client in.
    """
    decision = authorize(Request(action, context), client.caller, target)
    if client.session is not None:
        asked = {**target.facts.values, **context.values}
        RIGHTS.note(client.caller.arn, action, target.arn, asked, allowed=bool(decision.allowed))
    if decision.allowed:
        return None
    vote = decision.decided_by
    reason = closed if closed and vote.layer is target.layer else f"{where} {_because(vote, action)}"
    return f"User: {client.arn} is not authorized to perform: {action}{reason}"


def _because(vote: Vote, action: str) -> str:
    kind = _KINDS.get(vote.layer, str(vote.layer))
    if vote.outcome is LayerOutcome.DENIES:
        if vote.layer is Layer.TRUST_POLICY:
            return f"with an explicit deny in the {kind}"
        return f"with an explicit deny in {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    return f"because no {kind} allows the {action} action"
