"""Decide whether a caller may do something to a target: every layer votes, then AWS's rules decide.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html,
https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator.layer_votes import AskedRequest, LayerVote, ResourceLayerVote, attached, levels
from secrets_pipeline.access.evaluator.lookup import RequestContext
from secrets_pipeline.access.evaluator.principals import Closeness
from secrets_pipeline.access.evaluator.request import Decision
from secrets_pipeline.access.evaluator.vocabulary import Layer, PrincipalKind, UnreadPolicies

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator.request import Caller, Request, TargetResource

_OUTSIDE_IAM = frozenset({PrincipalKind.SERVICE, PrincipalKind.IDENTITY_PROVIDER})
_NEED_DELEGATION = frozenset({Layer.KEY_POLICY, Layer.TRUST_POLICY})
"""Policies without whose leave the account's own policies do not count."""
_UNLIMITED = (Closeness.SELF, Closeness.ANYONE)
_LIMITED = (Closeness.ROLE,)
_ANY = tuple(Closeness)
_NOBODY: frozenset[LayerVote] = frozenset()


def authorize(
    request: Request, caller: Caller, target: TargetResource, *, lookup: RequestContext | None = None
) -> Decision:
    """Decide one request.

    What is unknown is tried both ways: a decision is unknown only where it makes a difference.

    Args:
        request: the action and its context.
        caller: who asks.
        target: what is asked of.
        lookup: the request's context, for whoever wants to know which keys were asked for.
    """
    count = _Count(request, caller, target, lookup or RequestContext(request.context, caller.facts, target.facts))
    allowed, by = count.decide(_NOBODY)
    unsure = frozenset() if allowed else frozenset([one for one in count.layers if one.uncertain])
    if not unsure:
        return Decision(allowed, by.vote(), count.layers)
    allowed, by = count.decide(unsure)
    if not allowed:
        return Decision(allowed, by.vote(), count.layers)
    for one in count.layers:
        if one in unsure and count.decide(unsure - {one})[0]:
            unsure -= {one}
    needed = [one for one in count.layers if one in unsure]
    return Decision(None, needed[0].doubt(), count.layers, "; ".join(map(_reason, needed)))


def _reason(layer: LayerVote) -> str:
    vote = layer.doubt()
    named = f" {vote.policy}, statement {vote.statement}" if vote.policy else ""
    return f"{vote.layer}{named}: {vote.detail}"


class _Count:
    """The votes of the layers on one request."""

    __slots__ = ("_caller", "_target", "boundary", "grant", "identity", "layers", "rcp", "resource", "scp", "session")

    def __init__(self, request: Request, caller: Caller, target: TargetResource, lookup: RequestContext) -> None:
        asked = AskedRequest(request.action, target.arn, lookup)
        self._caller = caller
        self._target = target
        # Neither applies to service-linked roles: the Organizations User Guide.
        self.scp = levels(Layer.SCP, () if caller.service_linked else caller.scps, asked)
        self.rcp = levels(Layer.RCP, () if caller.service_linked else target.rcps, asked)
        policy = target.policy
        own = policy if isinstance(policy, UnreadPolicies) else () if policy is None else (policy,)
        self.resource = ResourceLayerVote.of(target.layer, own, caller, asked)
        self.grant = ResourceLayerVote.of(Layer.GRANT, target.grants, caller, asked)
        boundary = caller.boundary
        limits = boundary if boundary is None or isinstance(boundary, UnreadPolicies) else (boundary,)
        self.boundary = attached(Layer.BOUNDARY, limits, asked)
        sessions = caller.session_policies
        if sessions is None and caller.kind is PrincipalKind.FEDERATED_USER:
            # Without a session policy, a federation token may nothing by itself.
            sessions = ()
        self.session = attached(Layer.SESSION, sessions, asked)
        identity = None if caller.kind in _OUTSIDE_IAM else caller.identity
        self.identity = attached(Layer.IDENTITY, identity, asked)
        self.layers = (self.scp, self.rcp, self.resource, self.grant, self.boundary, self.session, self.identity)

    def decide(self, hopeful: frozenset[LayerVote]) -> tuple[bool, LayerVote]:
        """Whether it is allowed, and by which layer that is decided.

        Args:
            hopeful: layers of which the unknown is taken for the better.
        """
        for layer in self.layers:
            if not layer.absent and layer.denies(hopeful=layer in hopeful):
                return False, layer
        for layer in (self.scp, self.rcp):
            if not (layer.absent or layer.allows(hopeful=layer in hopeful)):
                return False, layer
        if self._caller.kind in _OUTSIDE_IAM:
            granting = self._granting(hopeful, *_ANY)
            return granting is not None, granting or self.resource
        if self._caller.account_id == self._target.account_id:
            return self._inside(hopeful)
        return self._across(hopeful)

    def _inside(self, hopeful: frozenset[LayerVote]) -> tuple[bool, LayerVote]:
        """One account: the target's policy or the caller's is enough."""
        expects = self.resource in hopeful
        if self.resource.names(*_UNLIMITED, hopeful=expects):
            return True, self.resource
        limit = self._limit(hopeful)
        granting = self._granting(hopeful, *_LIMITED)
        if granting is not None:
            return (True, granting) if limit is None else (False, limit)
        delegated = self._target.layer not in _NEED_DELEGATION or self.resource.names(
            Closeness.ACCOUNT, hopeful=expects
        )
        if not delegated:
            return False, self.resource
        if not self._identity_allows(hopeful):
            return False, self.identity
        return (True, self.identity) if limit is None else (False, limit)

    def _across(self, hopeful: frozenset[LayerVote]) -> tuple[bool, LayerVote]:
        """Two accounts: the target's policy and the caller's must both allow."""
        granting = self._granting(hopeful, *_ANY)
        if granting is None:
            return False, self.resource
        # "… until you attach IAM policies that delegate those permissions, or use grants":
        # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
        if not self._identity_allows(hopeful):
            if not self.grant.names(*_ANY, hopeful=self.grant in hopeful):
                return False, self.identity
            granting = self.grant
        limit = self._limit(hopeful)
        return (True, granting) if limit is None else (False, limit)

    def _granting(self, hopeful: frozenset[LayerVote], *closeness: Closeness) -> LayerVote | None:
        """The target's policy, or a grant, if it allows somebody who is named so."""
        for layer in (self.resource, self.grant):
            wanted = _ANY if layer is self.grant else closeness
            if not layer.absent and layer.names(*wanted, hopeful=layer in hopeful):
                return layer
        return None

    def _identity_allows(self, hopeful: frozenset[LayerVote]) -> bool:
        # A root user needs no policy.
        return self._caller.kind is PrincipalKind.ROOT or self.identity.allows(hopeful=self.identity in hopeful)

    def _limit(self, hopeful: frozenset[LayerVote]) -> LayerVote | None:
        """The boundary or session policy that does not allow, if one does not."""
        for layer in (self.boundary, self.session):
            if not (layer.absent or layer.allows(hopeful=layer in hopeful)):
                return layer
        return None
