"""Put the unique id of a deleted role or user in the place of its ARN, in each policy that names it.

Whoever is made anew under the name is somebody else to these policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids and, of resources'
policies, https://github.com/hashicorp/terraform-provider-aws/issues/29496 (Secrets Manager),
https://github.com/terraform-aws-modules/terraform-aws-kms/pull/18 (KMS)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

from secrets_pipeline.emulator.services.documents import principals


def forget(arn: str, unique_id: str) -> None:
    """Rewrite the policies of secrets and keys, and the trust policies, of every account.

    Args:
        arn: of the deleted role or user.
        unique_id: its own.
    """
    for holder, name in _holders():
        policy = getattr(holder, name)
        if policy and arn in policy:
            setattr(holder, name, _renamed(policy, arn, unique_id))


def _holders() -> Iterator[tuple[Any, str]]:
    """What holds a policy, and in which attribute."""
    for backend in _existing(secretsmanager_backends):
        yield from ((secret, "policy") for secret in backend.store.all())
    for backend in _existing(kms_backends):
        yield from ((key, "policy") for key in list(backend.keys.values()))
    for backend in _existing(iam_backends):
        yield from ((role, "assume_role_policy_document") for role in list(backend.roles.values()))


def _existing(backends: Any) -> Iterator[Any]:  # noqa: ANN401 - moto's, of every service
    for of_account in list(backends.values()):
        yield from list(of_account.values())


def _renamed(policy: str, arn: str, unique_id: str) -> str:
    document = json.loads(policy)
    found = document["Statement"]
    for statement in [found] if isinstance(found, dict) else found:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element)
            if isinstance(named, Mapping) and arn in principals({"Principal": named}):
                others = [unique_id if one == arn else one for one in principals({"Principal": named})]
                statement[element] = {**named, "AWS": others[0] if isinstance(named["AWS"], str) else others}
    return json.dumps(document)
