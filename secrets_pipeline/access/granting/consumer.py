"""Every document that one consumer needs, and where each of them belongs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.access.granting.identity import PolicyDocument, Readable, identity_policy
from secrets_pipeline.access.granting.names import account_in, alias_of, is_pattern, key_arn, secret_arn_pattern
from secrets_pipeline.access.statements import VERSION, key_readers, secret_policy
from secrets_pipeline.spec import ConsumerSpec, SecretRef, SecretSpec, StackSpec


@dataclass(frozen=True, slots=True)
class ConsumerDocuments:
    """What has to be attached for one consumer to read its secrets, and no others.

    Attributes:
        consumer: its name.
        identity: ARN of a role of the stack's account → its identity policy; the pipeline attaches it where the
            consumer says `attach_policies: true`.
        secret_policies: secret name → what the secret's policy needs for readers in other accounts; the pipeline puts
            it there by itself.
        key_policies: ARN of a key, or of an alias of it → what its policy needs for readers in other accounts than the
            key's; the pipeline puts it there by itself for keys that the stack makes.
        foreign_keys: those of `key_policies` that the stack does not make: their owner has to add the statement.
        handover: account → ARN of a principal there → its identity policy, for that account to attach.
        attached: whether the pipeline attaches `identity`.
        open: what is not known before an apply, or stands in its way, each a sentence; the documents change once it is.
    """

    consumer: str
    identity: Mapping[str, PolicyDocument] = field(default_factory=dict)
    secret_policies: Mapping[str, PolicyDocument] = field(default_factory=dict)
    key_policies: Mapping[str, PolicyDocument] = field(default_factory=dict)
    foreign_keys: tuple[str, ...] = ()
    handover: Mapping[str, Mapping[str, PolicyDocument]] = field(default_factory=dict)
    attached: bool = False
    open: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "consumer": self.consumer,
            "attached": self.attached,
            "identity": dict(self.identity),
            "secret_policies": dict(self.secret_policies),
            "key_policies": dict(self.key_policies),
            "foreign_keys": list(self.foreign_keys),
            "handover": {account: dict(policies) for account, policies in self.handover.items()},
            "open": list(self.open),
        }


def consumers_named(spec: StackSpec, name: str) -> tuple[ConsumerSpec, ...]:
    """The consumers of that name: an ECS component is two where it injects some secrets and fetches others."""
    return tuple(consumer for consumer in spec.consumers if consumer.name == name)


def documents(
    spec: StackSpec,
    consumer: ConsumerSpec,
    *,
    secret_arns: Mapping[SecretRef, str],
    key_arns: Mapping[SecretRef, Sequence[str]],
    partition: str,
    account_id: str,
    region: str,
) -> ConsumerDocuments:
    """Every document that a consumer needs, from the desired state and what is known of AWS.

    Args:
        spec: the stack.
        consumer: one of its consumers.
        secret_arns: complete ARNs, of the secrets that exist.
        key_arns: ARNs of the keys that open a secret, of those that are known; others are named by their alias, or
            left out and said under `open`. A secret moves between keys with both until its value is written again.
        partition: `aws`, `aws-cn` or `aws-us-gov`.
        account_id: of the stack, 12 digits.
        region: of the stack.
    """
    known = _Known(spec, secret_arns, key_arns, partition, account_id, region)
    own = [arn for arn in consumer.readers if account_in(arn) == account_id]
    foreign = sorted(arn for arn in consumer.readers if account_in(arn) != account_id)
    secrets = [spec.secret(ref) for ref in consumer.secrets]
    patterns = [Readable(known.pattern(secret), known.keys(secret)) for secret in secrets]
    sharing = secret_policy([], foreign, organization_id=spec.organization_id)
    key_policies = known.key_policies(secrets, consumer.readers)
    return ConsumerDocuments(
        consumer=consumer.name,
        identity={arn: identity_policy(patterns) for arn in own} if patterns else {},
        secret_policies={secret.name: sharing for secret in secrets} if sharing else {},
        key_policies=key_policies,
        foreign_keys=tuple(key for key in key_policies if key not in known.made(secrets)),
        handover=handover(
            spec,
            consumer,
            secret_arns=secret_arns,
            key_arns=key_arns,
            partition=partition,
            account_id=account_id,
            region=region,
        ),
        attached=consumer.attach_policies and bool(own),
        open=tuple(dict.fromkeys(known.open(secrets, complete=bool(foreign)))),
    )


def handover(
    spec: StackSpec,
    consumer: ConsumerSpec,
    *,
    secret_arns: Mapping[SecretRef, str],
    key_arns: Mapping[SecretRef, Sequence[str]],
    partition: str,
    account_id: str,
    region: str,
) -> Mapping[str, Mapping[str, PolicyDocument]]:
    """What other accounts have to attach to their principals, with complete ARNs where they are known.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html

    Args:
        spec: the stack.
        consumer: one of its consumers.
        secret_arns: see `documents`.
        key_arns: see `documents`.
        partition: see `documents`.
        account_id: see `documents`.
        region: see `documents`.

    Returns:
        Account → ARN of a principal there → its identity policy; empty for a consumer of our own account.
    """
    known = _Known(spec, secret_arns, key_arns, partition, account_id, region)
    secrets = [spec.secret(ref) for ref in consumer.secrets]
    complete = [Readable(secret_arns.get(one.ref) or known.pattern(one), known.keys(one)) for one in secrets]
    found: defaultdict[str, dict[str, PolicyDocument]] = defaultdict(dict)
    for arn in sorted(consumer.readers):
        if account_in(arn) != account_id and complete:
            found[account_in(arn)][arn] = identity_policy(complete)
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a stack in AWS."""

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
            outside = [arn for arn in readers if account_in(arn) != account_in(key)]
            if outside:
                statement = key_readers(outside, self.region, organization_id=self.spec.organization_id)
                policies[key] = {"Version": VERSION, "Statement": [statement]}
        return policies

    def open(self, secrets: Sequence[SecretSpec], *, complete: bool) -> Iterator[str]:
        """What is not known yet."""
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
