"""Find the cause why a rotation did not end, and whether it passes by itself, from observations alone.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html and
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-execution.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from secrets_pipeline.errors import RotationPreflightError, SecretsPipelineError


class CauseKind(StrEnum):
    """What kind of thing stands in the way."""

    CANCELLED = "rotation is cancelled"
    ABANDONED = "abandoned for a manual version"
    FUNCTION = "the function cannot be invoked"
    NOT_READY = "the function is being deployed"
    KEY_UNUSABLE = "the KMS key cannot be used"
    KEY_DENIED = "the function may not use the KMS key"
    ROLE_DENIED = "the function's role may not do it"
    THROTTLED = "AWS throttles"
    UNREACHABLE = "network"
    TIMED_OUT = "the function timed out"
    LOGIN_REFUSED = "the database refused the login"
    NO_LOGIN = "the pipeline does not log in there"
    HANDLER = "the function failed"
    REFUSED = "AWS does not answer this pipeline"
    UNKNOWN = "unknown"


_PASSING = frozenset(
    {
        CauseKind.NOT_READY,
        CauseKind.THROTTLED,
        CauseKind.UNREACHABLE,
        CauseKind.TIMED_OUT,
        CauseKind.REFUSED,
        CauseKind.UNKNOWN,
    }
)
_SAYS: Mapping[CauseKind, str] = {
    CauseKind.KEY_UNUSABLE: (
        r"DisabledException|KMSInvalidState|pending deletion|(?:KMS|CMK|key)\b.{0,80}\bis disabled"
    ),
    CauseKind.KEY_DENIED: r"Access to KMS is not allowed|not authorized to perform: kms:|KMSAccessDenied",
    CauseKind.ROLE_DENIED: r"AccessDenied|not authorized to perform",
    CauseKind.THROTTLED: r"Throttl|TooManyRequests|Rate exceeded|RequestLimitExceeded",
    CauseKind.TIMED_OUT: r"Task timed out",
    CauseKind.LOGIN_REFUSED: (
        r"(?i)unable to log ?in|password authentication failed|access denied for user|28P01|\b1045\b|"
        r"refused the login|refuses the (?:current|pending) login|refuses the superuser|accepts \S+ with none of"
    ),
    CauseKind.UNREACHABLE: (
        r"(?i)no database answers|could not connect|can't (?:connect|create a connection)|connection refused|"
        r"connect(?:ion)? ?timed? ?out|EndpointConnection|ConnectTimeout|ReadTimeout|ConnectionClosed|"
        r"name or service not known|temporary failure in name resolution|no route to host|connection reset|"
        r"network is unreachable|server closed the connection"
    ),
}
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _SAYS.items())
_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z]+)")

_REMEDIES: Mapping[CauseKind, str] = {
    CauseKind.CANCELLED: "Apply the stack, which switches it on again as declared.",
    CauseKind.ABANDONED: "Somebody stored a value by hand while it rotated. Check that it is the right one: the next "
    "rotation replaces it.",
    CauseKind.NOT_READY: "Nothing, if it ends soon.",
    CauseKind.KEY_UNUSABLE: "Enable the KMS key, or cancel its deletion.",
    CauseKind.KEY_DENIED: "Let the function's role use kms:Decrypt and kms:GenerateDataKey on the secret's key.",
    CauseKind.THROTTLED: "Nothing, if it passes: spread schedules that rotate at once.",
    CauseKind.UNREACHABLE: "Check that the database runs, that the function is in its VPC, and that security groups "
    "let it through; Secrets Manager needs a VPC endpoint or a NAT gateway.",
    CauseKind.TIMED_OUT: "Check that the function reaches the database and Secrets Manager (a VPC needs an endpoint or "
    "a NAT gateway), else give it more time.",
    CauseKind.LOGIN_REFUSED: "Neither the pending nor the current nor the previous password logs in: set the current "
    "one in the database by hand.",
    CauseKind.HANDLER: "Mend what the function says.",
    CauseKind.UNKNOWN: "Look at the function's log in CloudWatch, which says nothing that this account may read.",
}


@dataclass(frozen=True, slots=True)
class ObservedRotation:
    """What was seen of a rotation that did not end.

    Attributes:
        enabled: whether rotation is switched on.
        manual_version: whether another version became current after the rotation began.
        function_problem: why Secrets Manager cannot invoke the function, with what to do; empty where it can.
        function_pending: whether the function is being deployed.
        key_problem: why nothing can be encrypted under the secret's key, empty where it can.
        said: what the function's log says of the failure, without what may be a value; empty for nothing.
        mended: whether the function was changed after it said so.
    """

    enabled: bool = True
    manual_version: bool = False
    function_problem: str = ""
    function_pending: bool = False
    key_problem: str = ""
    said: str = ""
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a rotation did not end.

    Attributes:
        detail: what was seen, without values.
        remedy: what a human does about it.
        passes: whether trying again makes sense without anybody doing anything.
    """

    kind: CauseKind
    detail: str
    remedy: str
    passes: bool

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value


def cause_of(observed: ObservedRotation) -> Cause:
    """The cause: what can be seen now comes before what the log said some time ago."""
    return _seen(observed) or (_said(observed) if observed.said else _cause(CauseKind.UNKNOWN))


def refused(error: SecretsPipelineError) -> Cause:
    """Return the cause if this pipeline itself could not look at a rotation, or did not start it again."""
    kind = CauseKind.NO_LOGIN if isinstance(error, RotationPreflightError) else CauseKind.REFUSED
    return _cause(kind, error.message, error.remedy)


def _seen(observed: ObservedRotation) -> Cause | None:
    problem, _, remedy = observed.function_problem.partition(": ")
    found = {
        CauseKind.CANCELLED: not observed.enabled,
        CauseKind.ABANDONED: observed.manual_version,
        CauseKind.FUNCTION: bool(problem),
        CauseKind.NOT_READY: observed.function_pending,
        CauseKind.KEY_UNUSABLE: bool(observed.key_problem),
    }
    details = {CauseKind.FUNCTION: (problem, remedy), CauseKind.KEY_UNUSABLE: (observed.key_problem, "")}
    return next((_cause(kind, *details.get(kind, ())) for kind, is_so in found.items() if is_so), None)


def _said(observed: ObservedRotation) -> Cause:
    kind = next((kind for kind, pattern in _KINDS if pattern.search(observed.said)), CauseKind.HANDLER)
    action = _ACTION.search(observed.said)
    remedy = f"Allow {action[1]} to the function's role." if action and kind is CauseKind.ROLE_DENIED else ""
    cause = _cause(kind, observed.said, remedy)
    return replace(cause, passes=True) if observed.mended else cause


def _cause(kind: CauseKind, detail: str = "", remedy: str = "") -> Cause:
    otherwise = _REMEDIES.get(kind, "Allow the action to the function's role: identity policy, boundary, SCP.")
    return Cause(kind, detail, remedy or otherwise, kind in _PASSING)
