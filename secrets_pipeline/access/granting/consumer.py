"""List every policy document that one consumer needs, and where each of them belongs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.access.granting.identity import PolicyDocument, Readable, identity_policy
from secrets_pipeline.access.granting.stack import StackInAws
from secrets_pipeline.access.policy_text.statements import secret_policy
from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec


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
    identity: Mapping[str, PolicyDocument]
    secret_policies: Mapping[str, PolicyDocument]
    key_policies: Mapping[str, PolicyDocument]
    foreign_keys: tuple[str, ...]
    handover: Mapping[str, Mapping[str, PolicyDocument]]
    attached: bool
    open: tuple[str, ...]

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


def documents(stack: StackInAws, consumer: ConsumerSpec) -> ConsumerDocuments:
    """Every document that a consumer needs, from the desired state and what is known of AWS.

    Args:
        stack: the stack.
        consumer: one of its consumers.
    """
    spec = stack.spec
    own = [arn for arn in consumer.readers if account_of(arn) == stack.account_id]
    foreign = sorted(arn for arn in consumer.readers if account_of(arn) != stack.account_id)
    secrets = [spec.secret(ref) for ref in consumer.secrets]
    patterns = [Readable(stack.pattern(secret), stack.keys(secret)) for secret in secrets]
    sharing = secret_policy([], foreign, organization_id=spec.organization_id)
    key_policies = stack.key_policies(secrets, consumer.readers)
    return ConsumerDocuments(
        consumer=consumer.name,
        identity={arn: identity_policy(patterns) for arn in own} if patterns else {},
        secret_policies={secret.name: sharing for secret in secrets} if sharing else {},
        key_policies=key_policies,
        foreign_keys=tuple(key for key in key_policies if key not in stack.made(secrets)),
        handover=_handover(stack, foreign, secrets),
        attached=consumer.attach_policies and bool(own),
        open=tuple(dict.fromkeys(stack.open(secrets, complete=bool(foreign)))),
    )


def _handover(
    stack: StackInAws, foreign: Sequence[str], secrets: Sequence[SecretSpec]
) -> Mapping[str, Mapping[str, PolicyDocument]]:
    """By account and principal, the identity policy that the account has to attach, with the ARNs that are known.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
    """
    complete = [Readable(stack.secret_arns.get(one.ref) or stack.pattern(one), stack.keys(one)) for one in secrets]
    found: defaultdict[str, dict[str, PolicyDocument]] = defaultdict(dict)
    for arn in foreign if complete else ():
        found[account_of(arn)][arn] = identity_policy(complete)
    return dict(sorted(found.items()))
