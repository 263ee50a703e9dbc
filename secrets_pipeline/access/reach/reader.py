"""Judge whether a reader can read a secret: GetSecretValue on it, then kms:Decrypt on its key on the reader's behalf.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html,
https://docs.aws.amazon.com/kms/latest/developerguide/services-secrets-manager.html
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    LayerOutcome,
    Request,
    RequestContext,
    TargetResource,
    Values,
    Vote,
    authorize,
)
from secrets_pipeline.access.policy_text.statements import via_service

GET_SECRET_VALUE: Final = "secretsmanager:GetSecretValue"  # noqa: S105 - an action
DECRYPT: Final = "kms:Decrypt"
ENABLED: Final = "Enabled"
_USABLE: Final = frozenset({ENABLED, "Updating"})
"""Key states in which a key decrypts; `Updating` is that of a multi-Region key whose primary region changes.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""
NETWORK_KEYS: Final = frozenset(
    {
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:referer",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    }
)
"""Keys that only the network or the client knows."""
_CLIENT_KEYS: Final = frozenset({"secretsmanager:versionid", "secretsmanager:versionstage"})
"""Keys that are there only if the client asks for a version or stage by name.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
"""
_SERVICE_KEYS: Final = frozenset(
    {"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "kms:encryptioncontext:secretversionid"}
)
"""What AWS does not document for Secrets Manager, and which version it is."""
DEFAULT_KEY: Final = "aws/secretsmanager"
_ENCRYPTION_CONTEXT = "kms:encryptioncontext"
_OUTSIDE = Context({"aws:securetransport": ("true",)}, NETWORK_KEYS)
"""What is known of a request that nobody has made yet: the endpoint takes TLS alone."""


@dataclass(frozen=True, slots=True)
class ReadableKey:
    """A key that opens a secret.

    Attributes:
        target: the key with policy and grants.
        state: KeyState; empty if it is unknown.
        aws_managed: whether it is `aws/secretsmanager`.
        unread: why its state is unknown.
    """

    target: TargetResource
    state: str = ENABLED
    aws_managed: bool = False
    unread: str = ""


@dataclass(frozen=True, slots=True)
class ReadableSecret:
    """A secret with the keys that open its current version.

    Attributes:
        target: the secret with its policy.
        name: its name.
        region: where it is.
        keys: any of them is enough; empty if they are not known.
        context: keys about every request, for example `aws:currenttime`.
        get_value: the request for its AWSCURRENT version.
    """

    target: TargetResource
    name: str
    region: str
    keys: tuple[ReadableKey, ...]
    context: Context = _OUTSIDE
    get_value: Request = field(init=False, compare=False, repr=False)
    _decrypt: dict[str, Request] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        own: dict[str, Values] = {
            "aws:requestedregion": (self.region,),
            "aws:viaawsservice": ("false",),
            "secretsmanager:secretid": (self.target.arn,),
        }
        unknown = self.context.unknown | _CLIENT_KEYS
        context = replace(self.context, values={**self.context.values, **own}, unknown=unknown)
        object.__setattr__(self, "get_value", Request(GET_SECRET_VALUE, context))

    def decrypt(self, account_id: str) -> Request:
        """What Secrets Manager asks of KMS for a caller of an account, in a forward access session.

        Sources: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html,
        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
        """
        if account_id not in self._decrypt:
            own: dict[str, Values] = {
                "aws:requestedregion": (self.region,),
                "aws:viaawsservice": ("true",),
                "kms:calleraccount": (account_id,),
                "kms:encryptionalgorithm": ("SYMMETRIC_DEFAULT",),
                "kms:encryptioncontext:secretarn": (self.target.arn,),
                "kms:encryptioncontextkeys": ("SecretARN", "SecretVersionId"),
            }
            # AWS says no more than that conditions on the network "might fail" where a service calls for the caller:
            # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-aws.html#conditions-aws-vpce
            unknown = self.context.unknown | _SERVICE_KEYS
            spellings = via_service("secretsmanager", self.region)
            if len(spellings) > 1:
                unknown |= {"kms:viaservice"}
            else:
                own["kms:viaservice"] = tuple(spellings)
            context = replace(self.context, values={**self.context.values, **own}, unknown=unknown)
            self._decrypt[account_id] = Request(DECRYPT, context)
        return self._decrypt[account_id]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What every verdict carries.

    Attributes:
        vote: the vote that decided: its layer, policy and statement.
        secrets_manager: the decision about GetSecretValue.
        kms: the decision about kms:Decrypt; None where it was not asked for any more.
    """

    vote: Vote
    secrets_manager: Decision
    kms: Decision | None = None


@dataclass(frozen=True, slots=True)
class Allowed(_Judged):
    """The value can be read."""


@dataclass(frozen=True, slots=True)
class DeniedBySecretsManager(_Judged):
    """GetSecretValue is refused: `AccessDeniedException`."""


@dataclass(frozen=True, slots=True)
class DeniedByKms(_Judged):
    """The key does not serve this reader: `Access to KMS is not allowed`.

    Attributes:
        reason: for what no policy says: the default key across accounts, the key's state.
    """

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown(_Judged):
    """It depends on what could not be read, or on what only the request knows.

    Attributes:
        reason: that.
    """

    reason: str = ""


ReadVerdict: TypeAlias = Allowed | DeniedBySecretsManager | DeniedByKms | Unknown


class Reader:
    """One principal that reads secrets.

    What KMS answers for a key is asked once, unless some policy looks at which secret it is.

    Args:
        caller: the principal.
    """

    __slots__ = ("_kms", "caller")

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._kms: dict[str, Decision] = {}

    def read(self, secret: ReadableSecret) -> ReadVerdict:
        """Whether GetSecretValue returns the AWSCURRENT version of a secret."""
        asked = authorize(secret.get_value, self.caller, secret.target)
        if asked.allowed is False:
            return DeniedBySecretsManager(asked.decided_by, asked)
        opened = self._opened(secret, asked)
        if asked.allowed or isinstance(opened, DeniedByKms):
            return opened
        reasons = [asked.reason, *([opened.reason] if isinstance(opened, Unknown) else [])]
        each = dict.fromkeys("; ".join(reasons).split("; "))
        return Unknown(asked.decided_by, asked, opened.kms, "; ".join(each))

    def _opened(self, secret: ReadableSecret, asked: Decision) -> Allowed | DeniedByKms | Unknown:
        """The verdict of the key that serves best: any one opens the value."""
        verdicts = [self._with(key, secret, asked) for key in secret.keys]
        for kind in (Allowed, Unknown, DeniedByKms):
            for verdict in verdicts:
                if isinstance(verdict, kind):
                    return verdict
        reason = "which KMS key opens it could not be read"
        return Unknown(Vote(Layer.KEY, LayerOutcome.UNKNOWN, detail=reason), asked, reason=reason)

    def _with(self, key: ReadableKey, secret: ReadableSecret, asked: Decision) -> Allowed | DeniedByKms | Unknown:
        arn = key.target.arn
        if key.aws_managed and self.caller.account_id != secret.target.account_id:
            vote = Vote(Layer.KEY_POLICY, LayerOutcome.SILENT, DEFAULT_KEY)
            return DeniedByKms(vote, asked, reason=f"the default key {DEFAULT_KEY} never serves another account")
        if key.unread:
            return Unknown(Vote(Layer.KEY, LayerOutcome.UNKNOWN, arn, detail=key.unread), asked, reason=key.unread)
        if key.state not in _USABLE:
            vote = Vote(Layer.KEY, LayerOutcome.DENIES, arn, detail=key.state)
            return DeniedByKms(vote, asked, reason=f"its key is {key.state}")
        decision = self._decrypt(key, secret)
        if decision.allowed is None:
            return Unknown(decision.decided_by, asked, decision, decision.reason)
        if decision.allowed:
            return Allowed(asked.decided_by, asked, decision)
        return DeniedByKms(decision.decided_by, asked, decision)

    def _decrypt(self, key: ReadableKey, secret: ReadableSecret) -> Decision:
        known = self._kms.get(key.target.arn)
        if known is not None:
            return known
        request = secret.decrypt(self.caller.account_id)
        lookup = RequestContext(request.context, self.caller.facts, key.target.facts)
        decision = authorize(request, self.caller, key.target, lookup=lookup)
        if not any(one.startswith(_ENCRYPTION_CONTEXT) for one in lookup.asked):
            self._kms[key.target.arn] = decision
        return decision
