"""Collect the KMS keys that the YAML or the operator's settings name, however they spell them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers.secret.desired import desired_secrets
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def named_keys(stack: Stack) -> tuple[frozenset[str], tuple[str, ...]]:
    """Collect ids, ARNs and aliases of the keys that are needed.

    Returns:
        What they are named by, and the names of the stack's secrets whose key is not known yet.
    """
    settings, region = stack.run.settings, stack.account.region
    names = {settings.seal_key, settings.fingerprint_key, settings.events.kms_key if settings.events else None}
    unknown = []
    for name, secret in desired_secrets(stack).items():
        key: str | Pending | None = Pending("its stage says why it cannot be told")
        with suppress(SecretsPipelineError):
            key = secret.kms_key
        if isinstance(key, Pending):
            unknown.append(name)
        else:
            names.add(key)
    for spec in stack.ownership.repository.specs.values():
        if spec.target.region == region:
            names |= {one.kms_key for one in spec.secrets if isinstance(one.kms_key, str)}
            names |= {str(one.parameters["KmsKeyId"]) for one in spec.databases if "KmsKeyId" in one.parameters}
        names |= {one.kms_key_id for secret in spec.secrets for one in secret.replicas if one.region == region}
    return frozenset(name for name in names if name is not None), tuple(unknown)
