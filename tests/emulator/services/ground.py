"""Rules and queues by which tests hear what EventBridge gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from secrets_pipeline.emulator import LocalAws, settle

if TYPE_CHECKING:
    from tests.emulator.conftest import Clients

HOME, OTHER = "111122223333", "444455556666"
ALL = {"source": ["aws.secretsmanager", "aws.kms", "aws.rds"]}
Document = dict[str, Any]


@dataclass
class Ground:
    """A rule and a queue of one account and region."""

    aws: LocalAws
    clients: Clients
    name: str
    region: str = "eu-west-2"
    rules: list[str] = field(default_factory=list)

    def client(self, service: Any, region: str = "") -> Any:  # noqa: ANN401 - any service's client
        return self.clients.session.client(
            service, region_name=region or self.region, endpoint_url=self.clients.endpoint_url
        )

    def queue(self, suffix: str = "", policy: Document | None = None, **attributes: str) -> tuple[str, str]:
        """URL and ARN of a queue under a policy that lets EventBridge send."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=self.name + suffix)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        chosen = lets_in(arn) if policy is None else policy
        given = {"Policy": json.dumps(chosen)} if chosen else {}
        if given or attributes:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={**given, **attributes})
        return url, arn

    def rule(self, pattern: Mapping[str, Any] = ALL, bus: str = "default", /, **target: object) -> str:
        events = self.client("events")
        arn: str = events.put_rule(Name=self.name, EventPattern=json.dumps(pattern), EventBusName=bus)["RuleArn"]
        events.put_targets(Rule=self.name, EventBusName=bus, Targets=[{"Id": "t", **target}])
        self.rules.append(bus)
        return arn

    def received(self, url: str, region: str = "") -> list[Document]:
        """What came, once all is over."""
        settle(self.aws)
        return [json.loads(one["Body"]) for one in self.messages(url, region)]

    def messages(self, url: str, region: str = "") -> list[Document]:
        sqs = self.client("sqs", region)
        found: list[Document] = []
        while True:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            if not got.get("Messages"):
                return found
            found += got["Messages"]
            for one in got["Messages"]:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])

    def end(self) -> None:
        for bus in self.rules:
            self.client("events").remove_targets(Rule=self.name, EventBusName=bus, Ids=["t"])
            self.client("events").delete_rule(Name=self.name, EventBusName=bus)


def lets_in(queue_arn: str, **condition: object) -> Document:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    return {
        "Version": "2012-10-17",
        "Statement": [{**statement, **({"Condition": condition} if condition else {})}],
    }


MakeGround = Callable[..., Ground]
