"""Lay out where events go: rules in each account and region, one bus and one queue at home. Names and documents; pure.

Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (`$or`),
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from secrets_pipeline.arn import Arn, iam_arn
from secrets_pipeline.rotation.events import names

FORWARDED = "forwarded"
"""The rule on the bus at home."""
SERVICE = "events.amazonaws.com"
KEY_USES = ("kms:GenerateDataKey", "kms:Decrypt")
"""What EventBridge does with the key of a queue."""

Document = Mapping[str, Any]

_VERSION = "2012-10-17"
_NOT_REFUSED: Document = {"errorCode": [{"exists": False}]}

RULES: Mapping[str, Document] = {
    "versions": {
        "source": [names.SECRETS_MANAGER],
        "detail-type": [names.LABEL_UPDATED],
        "detail": {"labelUpdated": ["AWSCURRENT"]},
    },
    "rotations": {
        "source": [names.SECRETS_MANAGER],
        "detail-type": [names.SERVICE_EVENT],
        "detail": {"eventName": [*names.SUCCEEDED, *names.FAILED]},
    },
    "secret-changes": {
        "source": [names.SECRETS_MANAGER],
        "detail-type": [names.API_CALL],
        "detail": {"eventName": list(names.SECRET_CALLS), **_NOT_REFUSED},
    },
    "key-changes": {
        "source": [names.KMS],
        "detail-type": [names.API_CALL],
        "detail": {
            "$or": [
                {"eventName": [one for one in names.KEY_CALLS if one not in names.GRANT_CALLS]},
                # Those that AWS services make for themselves come by the thousand.
                {"eventName": list(names.GRANT_CALLS), "userIdentity": {"invokedBy": [{"exists": False}]}},
            ],
            **_NOT_REFUSED,
        },
    },
    "key-losses": {
        "source": [names.KMS],
        "detail-type": [names.KEY_DELETED, names.KEY_MATERIAL_EXPIRED],
    },
    "key-shares": {
        "source": [names.RAM],
        "detail-type": [names.API_CALL],
        "detail": {"eventName": list(names.SHARE_CALLS), **_NOT_REFUSED},
    },
    "databases": {
        "source": [names.RDS],
        "detail-type": [names.INSTANCE_EVENT, names.CLUSTER_EVENT],
        "detail": {"EventCategories": list(names.DATABASE_CATEGORIES)},
    },
}
"""Rules of the default bus of each account and region, by the end of their names; each lists the calls that matter, and
no reads."""

GLOBAL_RULES: Mapping[str, Document] = {
    end: {
        "source": [source],
        "detail-type": [names.API_CALL],
        "detail": {"eventSource": [service], "eventName": list(names.ACCESS_CALLS[service]), **_NOT_REFUSED},
    }
    for end, source, service in (
        ("access-changes", names.IAM, "iam.amazonaws.com"),
        ("organization-changes", names.ORGANIZATIONS, "organizations.amazonaws.com"),
    )
}
"""The same for global services, whose events reach one region of each account (`names.GLOBAL_REGIONS`)."""

FORWARDED_PATTERN: Document = {
    "source": [names.SECRETS_MANAGER, names.KMS, names.RDS, names.IAM, names.ORGANIZATIONS, names.RAM]
}


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region."""

    account_id: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource here."""
        return str(Arn(self.partition, service, self.region, self.account_id, resource))


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that brings events from one place to the queue at home; the queue's name is in all names.

    Attributes:
        home: where the queue is.
        queue: its name.
        here: where the events happen.
        others: accounts that forward events to the home bus, sorted.
        key: of the queue, alias or ARN; None for SQS's own.
        access: whether there are rules for global services.
        boundary: name of the policy that bounds the role of each account; None for none.
        tags: the operator's, of all that is made.
    """

    home: Place
    queue: str
    here: Place
    others: tuple[str, ...]
    key: str | None
    access: bool = True
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def at_home(self) -> bool:
        """Whether the events happen where the queue is."""
        return self.here == self.home

    @property
    def dead_letters(self) -> str:
        """Name of the dead-letter queue, at home and in each place that forwards."""
        return f"{self.queue}-dead-letters"

    @property
    def bus(self) -> str:
        """ARN of the bus at home, which has the queue's name."""
        return self.home.arn("events", f"event-bus/{self.queue}")

    @property
    def forwarded_rule(self) -> str:
        """ARN of the rule on that bus."""
        return self.home.arn("events", f"rule/{self.queue}/{self.queue}-{FORWARDED}")

    @property
    def role_name(self) -> str:
        """Name of the role by which rules put events on the bus at home."""
        return f"{self.queue}-events"

    @property
    def boundary_arn(self) -> str | None:
        """ARN of the permissions boundary of the role here."""
        policy = f"policy/{self.boundary}"
        return iam_arn(self.here.account_id, policy, partition=self.here.partition) if self.boundary else None

    def local_rules(self, place: Place) -> Mapping[str, Document]:
        """Map the ARN of each rule that only stacks of this place need to its pattern."""
        return self._rules(place, RULES)

    def rules(self, place: Place) -> Mapping[str, Document]:
        """Map the ARN of each rule of a place's default bus to its pattern."""
        return {**self._rules(place, RULES), **self.global_rules(place)}

    def global_rules(self, place: Place) -> Mapping[str, Document]:
        """Map the ARN of each rule for a global service whose events reach this place to its pattern."""
        regions = names.GLOBAL_REGIONS.get(place.partition, {}) if self.access else {}
        here = {end: one for end, one in GLOBAL_RULES.items() if regions.get(one["source"][0]) == place.region}
        return self._rules(place, here)

    def global_places(self, account_id: str, partition: str) -> list[Place]:
        """List the places of an account that events of global services reach, sorted."""
        regions = set(names.GLOBAL_REGIONS.get(partition, {}).values()) if self.access else set()
        return [Place(account_id, region, partition) for region in sorted(regions)]

    def _rules(self, place: Place, patterns: Mapping[str, Document]) -> dict[str, Document]:
        return {place.arn("events", f"rule/{self.queue}-{end}"): pattern for end, pattern in patterns.items()}

    def queue_policy(self, place: Place, name: str, rules: Sequence[str]) -> Document:
        """Build the policy of a queue: our rules alone may send, and nobody without TLS."""
        arn = place.arn("sqs", name)
        return {
            "Version": _VERSION,
            "Statement": [
                {
                    "Sid": "EventsOfOurRules",
                    "Effect": "Allow",
                    "Principal": {"Service": SERVICE},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {
                        "ArnEquals": {"aws:SourceArn": list(rules)},
                        "StringEquals": {"aws:SourceAccount": place.account_id},
                    },
                },
                {
                    "Sid": "NothingWithoutTls",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": arn,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }

    def senders(self, place: Place) -> list[str]:
        """List the ARNs of all rules that a place can have: those that send to its queues."""
        return [*self.rules(place), *([self.forwarded_rule] if place == self.home else [])]

    def bus_policy(self, accounts: Sequence[str]) -> Document:
        """Build the policy of the bus: which accounts may put events on it, and by which role."""
        role = iam_arn("*", f"role/{self.role_name}", partition=self.home.partition)
        return {
            "Version": _VERSION,
            "Statement": [
                {
                    "Sid": "AccountsOfTheRepository",
                    "Effect": "Allow",
                    "Principal": {"AWS": [iam_arn(one, "root", partition=self.home.partition) for one in accounts]},
                    "Action": "events:PutEvents",
                    "Resource": self.bus,
                    "Condition": {"ArnLike": {"aws:PrincipalArn": role}},
                }
            ],
        }

    @property
    def trust(self) -> Document:
        """Build the trust policy of the role here: EventBridge may assume it, for our rules of this account."""
        rules = replace(self.here, region="*").arn("events", f"rule/{self.queue}-*")
        return {
            "Version": _VERSION,
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": SERVICE},
                    "Action": "sts:AssumeRole",
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": self.here.account_id},
                        "ArnLike": {"aws:SourceArn": rules},
                    },
                }
            ],
        }

    @property
    def permissions(self) -> Document:
        """Build the policy that says what the role here may do."""
        allow = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": self.bus}
        return {"Version": _VERSION, "Statement": [allow]}

    @property
    def _role(self) -> str:
        return iam_arn(self.here.account_id, f"role/{self.role_name}", partition=self.here.partition)

    def target(self, *, forwarded: bool = False) -> Document:
        """Build the target of a rule here, or of the one on the bus at home."""
        to_queue = forwarded or self.at_home
        place = self.home if to_queue else self.here
        return {
            "Id": "secrets-pipeline",
            "Arn": self.home.arn("sqs", self.queue) if to_queue else self.bus,
            **({} if to_queue else {"RoleArn": self._role}),
            "DeadLetterConfig": {"Arn": place.arn("sqs", self.dead_letters)},
            "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400},
        }
