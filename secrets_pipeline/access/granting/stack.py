"""Tell the ARNs of a stack's secrets and keys, as far as they are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from secrets_pipeline.access.granting.identity import PolicyDocument
from secrets_pipeline.access.granting.names import alias_of, is_pattern, key_arn, secret_arn_pattern
from secrets_pipeline.access.policy_text.statements import VERSION, key_readers
from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec


@dataclass(frozen=True, slots=True)
class StackInAws:
    """What is known of a stack in AWS.

    Attributes:
        spec: the stack.
        secret_arns: complete ARNs, of the secrets that exist.
        key_arns: ARNs of the keys that open a secret, of those that are known; others are named by their alias, or
            left out and said by `open`. A secret moves between keys with both until its value is written again.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        account_id: of the stack, 12 digits.
        region: of the stack.
    """

    spec: StackSpec
    secret_arns: Mapping[SecretRef, str]
    key_arns: Mapping[SecretRef, Sequence[str]]
    partition: str
    account_id: str
    region: str

    def pattern(self, secret: SecretSpec) -> str:
        """The secret's ARN without its last six characters."""
        return secret_arn_pattern(secret.name, partition=self.partition, region=self.region, account_id=self.account_id)

    def keys(self, secret: SecretSpec) -> tuple[str, ...]:
        """ARNs of the keys that open a secret, or of their aliases."""
        if secret.kms_key is None:
            return ()
        return tuple(self.key_arns.get(secret.ref, ())) or self._declared(secret)

    def _declared(self, secret: SecretSpec) -> tuple[str, ...]:
        name = self._own_alias(secret) or secret.kms_key
        if not isinstance(name, str):
            return ()
        return (key_arn(name, partition=self.partition, region=self.region, account_id=self.account_id),)

    def _own_alias(self, secret: SecretSpec) -> str | None:
        """The alias of the key that this stack makes and the secret is under; None for any other key."""
        key = self.spec.key_of(secret)
        return key.alias if key else None

    def made(self, secrets: Sequence[SecretSpec]) -> frozenset[str]:
        """Keys, as `keys` names them, that this stack makes."""
        return frozenset(key for secret in secrets if self._own_alias(secret) for key in self.keys(secret))

    def key_policies(self, secrets: Sequence[SecretSpec], readers: Sequence[str]) -> dict[str, PolicyDocument]:
        """What the policies of keys need for readers outside the keys' accounts, by key."""
        policies: dict[str, PolicyDocument] = {}
        for key in sorted({key for secret in secrets for key in self.keys(secret)}):
            outside = [arn for arn in readers if account_of(arn) != account_of(key)]
            if outside:
                statement = key_readers(outside, self.region, organization_id=self.spec.organization_id)
                policies[key] = {"Version": VERSION, "Statement": [statement]}
        return policies

    def open(self, secrets: Sequence[SecretSpec], *, complete: bool) -> Iterator[str]:
        """List what is not known yet."""
        for secret in secrets:
            if complete and is_pattern(self.secret_arns.get(secret.ref) or self.pattern(secret)):
                yield f"secret {secret.name} is not known to exist: the last six characters of its ARN are open"
            if secret.kms_key is None:
                continue
            keys = self.keys(secret)
            if not keys:
                yield f"KMS key {secret.kms_key} of secret {secret.name} is not known: its statements are left out"
            for alias in filter(None, map(alias_of, keys)):
                yield f"the ARN of KMS key {alias} is not known: the alias stands for it"
