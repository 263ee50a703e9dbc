"""Count what the policies of one layer say to one request: allow, deny, either of them perhaps, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from secrets_pipeline.access.evaluator.principals import Closeness
from secrets_pipeline.access.evaluator.vocabulary import Layer, LayerOutcome, UnreadPolicies, Vote

if TYPE_CHECKING:
    from secrets_pipeline.access.evaluator.document import Policy, Statement
    from secrets_pipeline.access.evaluator.lookup import RequestContext
    from secrets_pipeline.access.evaluator.request import Caller, Levels

_SILENT = {layer: Vote(layer, LayerOutcome.SILENT) for layer in Layer}
_ABSENT = {layer: Vote(layer, LayerOutcome.ABSENT) for layer in Layer}


class AskedRequest(NamedTuple):
    """One request, as policies look at it.

    Attributes:
        action: for example `kms:Decrypt`.
        resource: ARN of the target.
        lookup: the request's context.
    """

    action: str
    resource: str
    lookup: RequestContext


class LayerVote:
    """The vote of one layer, while it is counted.

    Attributes:
        layer: which.
        absent: whether no policy of that kind is attached: it neither allows nor limits.
        allow: a statement that allows for certain.
        deny: a statement that denies for certain.
        maybe_allow: one that allows if something unknown is so.
        maybe_deny: one that denies if something unknown is so.
        unread: why the layer could not be read.
    """

    __slots__ = ("absent", "allow", "deny", "layer", "maybe_allow", "maybe_deny", "unread")

    def __init__(self, layer: Layer, *, absent: bool = False, unread: str = "") -> None:
        self.layer = layer
        self.absent = absent
        self.unread = unread
        self.allow: Statement | None = None
        self.deny: Statement | None = None
        self.maybe_allow: Statement | None = None
        self.maybe_deny: Statement | None = None

    @property
    def uncertain(self) -> bool:
        """Whether what is unknown could change it."""
        return self.deny is None and (
            self.maybe_deny is not None or bool(self.unread) or (self.allow is None and self.maybe_allow is not None)
        )

    def denies(self, *, hopeful: bool) -> bool:
        """Whether it denies explicitly; hopeful takes what is unknown for the better."""
        return self.deny is not None or (not hopeful and (self.maybe_deny is not None or bool(self.unread)))

    def allows(self, *, hopeful: bool) -> bool:
        """Whether it allows; hopeful takes what is unknown for the better."""
        return self.allow is not None or (hopeful and (self.maybe_allow is not None or bool(self.unread)))

    def vote(self) -> Vote:
        """What it says."""
        if self.absent:
            return _ABSENT[self.layer]
        if self.unread:
            return Vote(self.layer, LayerOutcome.UNKNOWN, detail=self.unread)
        if self.deny is not None:
            return _cast(self.layer, LayerOutcome.DENIES, self.deny)
        for unsure in (self.maybe_deny, None if self.allow else self.maybe_allow):
            if unsure is not None:
                return _cast(self.layer, LayerOutcome.UNKNOWN, unsure, _unsure(unsure))
        return _SILENT[self.layer] if self.allow is None else _cast(self.layer, LayerOutcome.ALLOWS, self.allow)

    def doubt(self) -> Vote:
        """What about it is unknown, of one that is uncertain."""
        statement = self.maybe_deny or self._maybe_allow()
        if self.unread or statement is None:
            return Vote(self.layer, LayerOutcome.UNKNOWN, detail=self.unread)
        return _cast(self.layer, LayerOutcome.UNKNOWN, statement, _unsure(statement))

    def _maybe_allow(self) -> Statement | None:
        return self.maybe_allow

    def count(self, policies: Iterable[Policy], asked: AskedRequest) -> LayerVote:
        """Count the statements of policies that are attached to the caller, or to an organisation."""
        for policy in policies:
            for statement in policy.about(asked.action):
                held = statement.applies(asked.resource, asked.lookup)
                if held:
                    if statement.denies:
                        self.deny = self.deny or statement
                    else:
                        self.allow = self.allow or statement
                elif held is None:
                    if statement.denies:
                        self.maybe_deny = self.maybe_deny or statement
                    else:
                        self.maybe_allow = self.maybe_allow or statement
        return self


def attached(layer: Layer, policies: tuple[Policy, ...] | UnreadPolicies | None, asked: AskedRequest) -> LayerVote:
    """The vote of policies attached to the caller; None is absent."""
    if policies is None:
        return _NO_VOTE[layer]
    if isinstance(policies, UnreadPolicies):
        return LayerVote(layer, unread=policies.reason)
    return LayerVote(layer).count(policies, asked)


def levels(layer: Layer, of: Levels | UnreadPolicies, asked: AskedRequest) -> LayerVote:
    """The vote of an organisation's policies: each level must allow, none may deny."""
    if isinstance(of, UnreadPolicies):
        return LayerVote(layer, unread=of.reason)
    if not of:
        return _NO_VOTE[layer]
    counted = [LayerVote(layer).count(level, asked) for level in of]
    whole = LayerVote(layer)
    whole.deny = next((one.deny for one in counted if one.deny), None)
    whole.maybe_deny = next((one.maybe_deny for one in counted if one.maybe_deny), None)
    if all(one.allow for one in counted):
        whole.allow = counted[-1].allow
    elif all(one.allow or one.maybe_allow for one in counted):
        whole.maybe_allow = next(one.maybe_allow for one in counted if not one.allow)
    return whole


class ResourceLayerVote(LayerVote):
    """The vote of the target's own policy, where it also matters how closely the caller is named.

    Attributes:
        by: closeness → a statement that allows for certain.
        maybe_by: closeness → one that allows if something unknown is so.
    """

    __slots__ = ("by", "maybe_by")

    def __init__(self, layer: Layer, *, absent: bool = False, unread: str = "") -> None:
        super().__init__(layer, absent=absent, unread=unread)
        self.by: dict[Closeness, Statement] = {}
        self.maybe_by: dict[Closeness, Statement] = {}

    @classmethod
    def of(
        cls, layer: Layer, policies: tuple[Policy, ...] | UnreadPolicies, caller: Caller, asked: AskedRequest
    ) -> ResourceLayerVote:
        """The vote of a target's policy, or of the grants of a key; none is absent."""
        if isinstance(policies, UnreadPolicies):
            return cls(layer, unread=policies.reason)
        if not policies:
            return _NO_RESOURCE_VOTE[layer]
        found = cls(layer)
        for policy in policies:
            for statement in policy.about(asked.action):
                if statement.principals is None:
                    continue
                closeness, named = statement.principals.match(caller.names, denies=statement.denies)
                if named is False:
                    continue
                held = statement.applies(asked.resource, asked.lookup)
                if held is not False:
                    found._add(statement, closeness, certain=bool(named and held))
        return found

    def _add(self, statement: Statement, closeness: Closeness, *, certain: bool) -> None:
        if statement.denies:
            if certain:
                self.deny = self.deny or statement
            else:
                self.maybe_deny = self.maybe_deny or statement
        elif certain:
            self.by.setdefault(closeness, statement)
            # The one that names closest decides: by the account alone it only delegates.
            self.allow = self.by[max(self.by)]
        else:
            self.maybe_by.setdefault(closeness, statement)
            self.maybe_allow = self.maybe_allow or statement

    @property
    def uncertain(self) -> bool:
        """Whether what is unknown could change it."""
        return self.deny is None and (super().uncertain or any(one not in self.by for one in self.maybe_by))

    def _maybe_allow(self) -> Statement | None:
        # The certain ones name the caller less closely.
        return next((one for closeness, one in self.maybe_by.items() if closeness not in self.by), self.maybe_allow)

    def names(self, *closeness: Closeness, hopeful: bool) -> bool:
        """Whether it allows somebody who is named as closely as one of these."""
        if any(one in self.by for one in closeness):
            return True
        return hopeful and (bool(self.unread) or any(one in self.maybe_by for one in closeness))


_NO_VOTE = {layer: LayerVote(layer, absent=True) for layer in Layer}
_NO_RESOURCE_VOTE = {layer: ResourceLayerVote(layer, absent=True) for layer in Layer}


def _cast(layer: Layer, outcome: LayerOutcome, statement: Statement, detail: str = "") -> Vote:
    """The vote of a statement, made once for each."""
    key = (layer, outcome, detail)
    vote = statement.votes.get(key)
    if vote is None:
        vote = statement.votes[key] = Vote(layer, outcome, statement.policy, statement.name, detail)
    return vote


def _unsure(statement: Statement) -> str:
    """What a statement's answer depends on that nobody can know here."""
    does = "denies" if statement.denies else "allows"
    keys = ", ".join(statement.keys)
    return f"{does} depending on {keys}" if keys else f"{does} one session of the role"
