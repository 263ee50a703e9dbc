"""The stacks of examples/ as they are once everything exists: ARNs, keys and policies, for the evaluator to judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Caller, Context, Layer, Policy, PrincipalKind, TargetResource
from secrets_pipeline.access.granting.consumer import ConsumerDocuments, documents
from secrets_pipeline.access.granting.stack import StackInAws
from secrets_pipeline.access.policy_text.statements import key_policy, secret_policy
from secrets_pipeline.access.reach.reader import ReadableKey, ReadableSecret, Reader, ReadVerdict
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.build import build_specs
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.stacks import AtmosRepository

EXAMPLES = Path(__file__).parents[3] / "examples"
ACCOUNT, REGION, PARTITION = "111122223333", "eu-west-2", "aws"
DELEGATES: Mapping[str, Any] = {
    "Sid": "Administration",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
"""KMS's own default key policy: IAM policies of the account decide."""


@dataclass(frozen=True)
class Cloud:
    """What AWS holds of one stack.

    Attributes:
        delegating: whether the keys have KMS's default policy, with the statements for readers in other accounts, in
            place of the one that the pipeline gives to the keys that it makes.
    """

    spec: StackSpec
    delegating: bool = False

    def arn(self, secret: SecretSpec) -> str:
        """Its complete ARN; names differ, so do the six characters not need to."""
        return f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret.name}-Ab3dE6"

    def key_arn(self, secret: SecretSpec) -> str:
        """ARN of the key that it is under."""
        key = self.spec.key_of(secret)
        assert key is not None
        number = self.spec.keys.index(key)
        return f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-{number:012d}"

    def documents(self, consumer: ConsumerSpec, *, exists: bool = True) -> ConsumerDocuments:
        """What the pipeline makes for a consumer, before or after everything exists."""
        refs: Sequence[SecretRef] = [secret.ref for secret in self.spec.secrets] if exists else []
        stack = StackInAws(
            self.spec,
            secret_arns={ref: self.arn(self.spec.secret(ref)) for ref in refs},
            key_arns={ref: (self.key_arn(self.spec.secret(ref)),) for ref in refs},
            partition=PARTITION,
            account_id=ACCOUNT,
            region=REGION,
        )
        return documents(stack, consumer)

    def key(self, secret: SecretSpec, *, readers: bool = True) -> TargetResource:
        """Its key with its policy.

        Args:
            secret: that is under it.
            readers: whether the policy names the readers in other accounts.
        """
        key = self.spec.key_of(secret)
        assert key is not None
        organization = self.spec.organization_id
        foreign = key.readers if readers else ()
        document = key_policy(ACCOUNT, REGION, PARTITION, [], foreign, organization_id=organization)
        if self.delegating:
            kept = [one for one in document["Statement"] if one["Sid"] == "SecretsPipelineReaders"]
            document = {**document, "Statement": [DELEGATES, *kept]}
        context = Context({"kms:resourcealiases": (key.alias,)})
        return TargetResource(self.key_arn(secret), ACCOUNT, Layer.KEY_POLICY, Policy("key", document), context=context)

    def secret(self, secret: SecretSpec, *, shared: bool = True, key_readers: bool = True) -> ReadableSecret:
        """A secret as the evaluator reads it.

        Args:
            secret: as declared.
            shared: whether its policy names the readers in other accounts.
            key_readers: whether its key's does.
        """
        organization = self.spec.organization_id
        declared = secret_policy([], secret.readers if shared else (), organization_id=organization)
        policy = Policy("secret", declared) if declared else None
        target = TargetResource(self.arn(secret), ACCOUNT, Layer.SECRET_POLICY, policy)
        return ReadableSecret(target, secret.name, REGION, (ReadableKey(self.key(secret, readers=key_readers)),))


def caller(arn: str, *identity: Mapping[str, Any], organization_id: str = "") -> Caller:
    """A role with identity policies, in an organisation or in none."""
    context = Context({"aws:principalorgid": (organization_id,)} if organization_id else {})
    policies = tuple(Policy(f"identity {number}", one) for number, one in enumerate(identity, 1))
    return Caller(arn, arn.split(":")[4], PrincipalKind.ROLE, identity=policies, context=context)


def read(who: Caller, secret: ReadableSecret) -> ReadVerdict:
    """The verdict about one reader and one secret."""
    return Reader(who).read(secret)


@pytest.fixture(scope="session")
def specs() -> Mapping[str, StackSpec]:
    """The desired state of examples/."""
    repository = AtmosRepository.open(EXAMPLES, env={})
    built = build_specs(repository, load_settings(EXAMPLES / "operator.yaml"), base_path=EXAMPLES)
    assert not built.errors
    return built.specs
