"""Tell which `aws:PrincipalTag/…` of a role are decided by whoever assumes it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.access.evaluator import Policy
from secrets_pipeline.errors import PolicyError

_TAG_SESSION = "sts:TagSession"
_FAMILY = "aws:principaltag/"
_PODS = "pods.eks.amazonaws.com"
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
_POD_TAGS = (
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-service-account",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
)


@dataclass(frozen=True, slots=True)
class SessionTags:
    """Condition keys that only the session knows.

    Attributes:
        keys: single ones, in lower case.
        prefixes: all of them, where whoever assumes the role may pass any.
    """

    keys: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()


def session_tags(trust: Mapping[str, Any] | None) -> SessionTags:
    """The tags that sessions of a role may bring, which hide the role's own.

    Args:
        trust: the role's trust policy; None for a principal without.
    """
    if trust is None:
        return SessionTags()
    try:
        letting = [one for one in Policy("trust policy", trust).about(_TAG_SESSION) if not one.denies]
    except PolicyError:
        return SessionTags(prefixes=(_FAMILY,))
    if not letting:
        return SessionTags()
    if all(one.principals is not None and one.principals.only_services(_PODS) for one in letting):
        return SessionTags(frozenset(f"{_FAMILY}{tag}" for tag in _POD_TAGS))
    return SessionTags(prefixes=(_FAMILY,))
