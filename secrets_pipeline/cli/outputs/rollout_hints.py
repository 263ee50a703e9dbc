"""Make annotations for pods on EKS that change, and so start them anew, when a secret that they read does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

POD_ANNOTATION = "secrets-pipeline/versions"
FORCE_SYNC = "force-sync"
"""https://external-secrets.io/latest/introduction/faq/."""
_DIGITS = 16


def rollout_hints(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return component → consumer of type eks → what to set; consumers whose secrets have no version are left out.

    The value is the same as long as the versions are, so setting it again restarts nothing.
    """
    hints: dict[str, dict[str, Any]] = {}
    for consumer in stack.spec.consumers:
        if consumer.type is ReaderType.EKS and (versions := _versions(stack, consumer)):
            hints.setdefault(consumer.component, {})[consumer.name] = _hint(consumer, versions)
    return hints


def _versions(stack: Stack, consumer: ConsumerSpec) -> Mapping[str, str]:
    states = (stack.observed.secrets.get(stack.spec.secret(ref).name) for ref in consumer.secrets)
    return {one.name: one.current_version for one in states if one is not None and one.current_version}


def _hint(consumer: ConsumerSpec, versions: Mapping[str, str]) -> dict[str, Any]:
    text = json.dumps(versions, sort_keys=True)
    value = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return {
        **({"service_account": consumer.pod.service_account} if consumer.pod.service_account else {}),
        "secrets": sorted(versions),
        "pod_template_annotations": {POD_ANNOTATION: value},
        "external_secret_annotations": {FORCE_SYNC: value},
    }
