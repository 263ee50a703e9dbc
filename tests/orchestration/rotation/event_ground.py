"""Some stacks, their secrets in the embedded AWS, and a queue: what sensors of events look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import boto3

from tests.rotation.event_bodies import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
OPERATOR = """
    grants: [{preset: single-team}, {stacks: "*-dev", values: "*-dev"}]
    targets: [{stacks: "*", account_id: "%s", region: %s}]
"""
STACK = """
    vars: {context_name: CONTEXT, environment: dev}
    settings: {secrets_pipeline: {components: {kms: kms, rds: rds}}}
    components:
      terraform:
        kms: {vars: {alias: CONTEXT}}
        rds: {vars: {identifier: CONTEXT-db, engine: postgres, username: owner, create: false}}
        secretsmanager:
          vars:
            secrets:
              one: {generate_random_password: true}
              two: {generate_random_password: true}
"""
FOLLOWER = """
    vars: {context_name: CONTEXT, environment: dev}
    components:
      terraform:
        secretsmanager:
          vars:
            secrets:
              copy: {secret_data: {one: "!terraform.output secretsmanager LEADER secret_values.one"}}
"""


@dataclass(frozen=True)
class Ground:
    """Where the events of a test happen.

    Attributes:
        stacks: names, `<context>-dev`; each has secrets `<context>/dev/one` and `…/two`.
        queue: name of the queue, which the test makes.
    """

    repository: Path
    stacks: Sequence[str]
    queue: str
    session: boto3.Session

    @classmethod
    def lay(cls, folder: Path, contexts: Sequence[str], session: boto3.Session, *, queue: str, named: bool) -> Ground:
        """Write a repository, and make the secrets of its stacks as an apply would tag them."""
        (folder / "stacks").mkdir(parents=True)
        (folder / "atmos.yaml").write_text(dedent(ATMOS))
        more = f"events: {{queue: {queue}, region: {REGION}, account_id: '{ACCOUNT}'}}\n" if named else ""
        (folder / "operator.yaml").write_text(dedent(OPERATOR % (ACCOUNT, REGION)) + more)
        for context in contexts:
            (folder / "stacks" / f"{context}.yaml").write_text(dedent(STACK.replace("CONTEXT", context)))
        ground = cls(folder, [f"{context}-dev" for context in contexts], queue, session)
        for context in contexts:
            for key in ("one", "two"):
                ground.secrets.create_secret(
                    Name=f"{context}/dev/{key}",
                    SecretString="first",
                    Tags=[{"Key": "secrets-pipeline:stack", "Value": f"{context}-dev"}],
                )
        return ground

    def follow(self, leader: str, context: str) -> str:
        """Write one more stack, with a secret that is rendered from another stack's `one`; its name."""
        (self.repository / "stacks" / f"{context}.yaml").write_text(
            dedent(FOLLOWER.replace("CONTEXT", context).replace("LEADER", leader))
        )
        return f"{context}-dev"

    def move(self, stack: str, region: str) -> SecretsManagerClient:
        """Have the operator put a stack into another region, with its secret `one`; Secrets Manager there."""
        settings = self.repository / "operator.yaml"
        target = f'{{stacks: "{stack}", account_id: "{ACCOUNT}", region: {region}}}'
        settings.write_text(settings.read_text().replace("targets: [", f"targets: [{target}, "))
        secrets = self.session.client("secretsmanager", region_name=region)
        secrets.create_secret(
            Name=f"{stack.removesuffix('-dev')}/dev/one",
            SecretString="first",
            Tags=[{"Key": "secrets-pipeline:stack", "Value": stack}],
        )
        return secrets

    @property
    def secrets(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager")

    @property
    def sqs(self) -> SQSClient:
        return self.session.client("sqs")

    @property
    def url(self) -> str:
        return self.sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]

    def make_queue(self, *, max_receives: int = 12) -> None:
        """The queue with its dead-letter queue, as the pipeline makes them."""
        dead = self.sqs.create_queue(QueueName=f"{self.queue}-dead-letters")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receives})
        self.sqs.create_queue(QueueName=self.queue, Attributes={"RedrivePolicy": policy})

    def send(self, *events: Mapping[str, Any] | str) -> None:
        """Put messages into the queue, in this order."""
        bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(bodies[start : start + 10])]
            answer = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type] # a TypedDict
            assert not answer.get("Failed")

    def waiting(self, queue: str | None = None) -> int:
        """Messages in a queue, hidden ones included."""
        url = self.sqs.get_queue_url(QueueName=queue or self.queue)["QueueUrl"]
        said = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(said["ApproximateNumberOfMessages"]) + int(said["ApproximateNumberOfMessagesNotVisible"])
