"""Write and compare the inline policy that the pipeline attaches to a role: name, size, differences."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.granting.identity import DECRYPTING, READING, PolicyDocument, Readable, identity_policy
from secrets_pipeline.access.policy_text.canonical import canonical
from secrets_pipeline.desired.limits import INLINE_POLICY_CHARACTERS
from secrets_pipeline.errors import SpecError

_PREFIX = "secrets-pipeline-"
ROTATION_POLICY = f"{_PREFIX}rotation"
"""The inline policy of a rotation function's own role."""
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_MARKED = re.compile(rf"{READING}([0-9a-f]{{16}})")
_OURS = re.compile(rf"{READING}([0-9a-f]{{16}})?|{DECRYPTING}[0-9]*")


def inline_policy_name(stack: str) -> str:
    """What a stack calls its inline policy on every role; that name makes it the stack's own, and no other stack's.

    A stack called `rotation` gets a character that is in no name of a stack.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html (PolicyName)

    Raises:
        SpecError: if IAM does not take such a name.
    """
    name = f"{_PREFIX}{stack}"
    name = f"{name}@stack" if name == ROTATION_POLICY else name
    if not _NAME.fullmatch(name):
        raise SpecError(
            f"{name!r} is no name for an inline policy: IAM takes up to 128 letters, digits and _+=,.@-",
            remedy="Name the stack so, or leave attach_policies away and attach what `access policy` prints.",
        )
    return name


def attachable(secrets: Iterable[Readable]) -> dict[str, Any]:
    """An identity policy with a digest of itself in a Sid, so that it shows whether somebody else changed it."""
    document = identity_policy(secrets)
    first, *others = document["Statement"]
    return {**document, "Statement": [{**first, "Sid": f"{READING}{_digest(document)}"}, *others]}


def is_as_attached(observed: PolicyDocument) -> bool:
    """Whether a role's policy is one that `attachable` made, and nobody changed since."""
    statements = _statements(observed)
    marks = [found for one in statements if (found := _MARKED.fullmatch(_sid(one)))]
    if len(marks) != 1:
        return False
    (mark,) = marks
    plain = [{**one, "Sid": READING} if one.get("Sid") == mark.group() else one for one in statements]
    return mark.group(1) == _digest({**observed, "Statement": plain})


def inline_text(document: PolicyDocument, *, role: str, consumers: Sequence[str]) -> str:
    """The JSON of an inline policy as it is sent, without blanks, as IAM counts it.

    Args:
        document: the policy.
        role: whose it is.
        consumers: who reads under that role.

    Raises:
        SpecError: if IAM would not take it.
    """
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > INLINE_POLICY_CHARACTERS:
        whom = "consumer" if len(consumers) == 1 else "consumers"
        raise SpecError(
            f"{whom} {', '.join(consumers)}: the policy that lets role {role} read {len(readable_arns(document))} "
            f"secrets has {len(text)} characters, and IAM takes {INLINE_POLICY_CHARACTERS} in all inline policies of a "
            "role",
            remedy="Let several roles read, keep what is read together in one secret, or leave attach_policies away "
            "and attach a wider policy yourself.",
        )
    return text


def readable_arns(document: PolicyDocument) -> frozenset[str]:
    """ARNs, or patterns, of the secrets that a policy of ours lets read."""
    reading = [one for one in _statements(document) if _sid(one).startswith(READING)]
    return frozenset(str(arn) for one in reading for arn in listed(one.get("Resource")))


def differences(observed: PolicyDocument, wanted: PolicyDocument) -> list[str]:
    """What differs between two policies of a role, secret by secret, for a human; empty if nothing does."""
    if canonical(observed) == canonical(wanted):
        return []
    has, needs = readable_arns(observed), readable_arns(wanted)
    said = [f"does not let it read {_name(arn)}" for arn in sorted(needs - has)]
    said += [f"lets it read {_name(arn)}, which is not declared" for arn in sorted(has - needs)]
    theirs = [one for one in _statements(observed) if not _OURS.fullmatch(_sid(one))]
    said += [f"has the statement {_sid(one) or 'without a Sid'}, which is not declared" for one in theirs]
    return said or ["policy differs"]


def _name(arn: str) -> str:
    return arn.rpartition(":secret:")[2].removesuffix("-??????")


def _digest(document: PolicyDocument) -> str:
    # Not keyed: the policy is no secret, and whoever forges this only hides that the difference is his.
    return hashlib.sha256(canonical(document).encode()).hexdigest()[:16]


def _sid(statement: Mapping[str, Any]) -> str:
    return str(statement.get("Sid", ""))


def _statements(document: PolicyDocument) -> list[Mapping[str, Any]]:
    return [one for one in listed(document.get("Statement")) if isinstance(one, Mapping)]
