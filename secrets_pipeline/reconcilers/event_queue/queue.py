"""Make a queue of events with its attributes, and check that EventBridge may use its key.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.engine.model import Resource
from secrets_pipeline.engine.reason import Because, Missing, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.event_queue import desired
from secrets_pipeline.reconcilers.event_queue.part import (
    EVENTS_TAG,
    ObservedPart,
    has_our_tag,
    other_repository,
    same_attribute,
)
from secrets_pipeline.reconcilers.marks.secret_mark import repository_tag
from secrets_pipeline.reconcilers.observed.kms_keys import key_policy
from secrets_pipeline.reconcilers.observed.tags import LACKS_TAGS, lacks_tags
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY
from secrets_pipeline.rotation.events.queue import EventQueue, queue_url


class QueuePart:
    """Makes one queue with its attributes.

    Args:
        account: whose.
        name: its name.
        attributes: what it should have, under SQS's names; documents as JSON.
        key: KMS key whose policy has to let EventBridge use it; None for SQS's own encryption.
        repository: id of the repository that has the queue; empty for none.
        tags: the operator's.
        place: stands behind the name in the plan, where another place has one of that name.
    """

    def __init__(
        self,
        account: AwsAccount,
        name: str,
        attributes: Mapping[str, str],
        key: str | None,
        repository: str,
        *,
        tags: Mapping[str, str],
        place: str = "",
    ) -> None:
        self.resource = Resource("event-queue", name + place)
        self._repository, self._given = repository, tags
        self._tags = {**tags, **EVENTS_TAG, **repository_tag(repository)}
        self._account, self._name, self._key = account, name, key
        encryption = {"SqsManagedSseEnabled": "true"} if key is None else {"KmsMasterKeyId": key}
        self._wanted = {**attributes, **encryption}

    @property
    def wanted(self) -> Mapping[str, str]:
        """The attributes that the queue should have, and whose it is."""
        return {**self._wanted, **repository_tag(self._repository)}

    def url(self) -> str | None:
        """Call GetQueueUrl; None where there is no such queue."""
        return queue_url(self._account, self._name)

    def tags(self, url: str) -> Mapping[str, str]:
        """Call ListQueueTags."""
        return EventQueue(self._account.client("sqs"), url).tags()

    def tag(self, tags: Mapping[str, str]) -> None:
        """Call TagQueue.

        Raises:
            AwsError: if there is no such queue.
        """
        url = self.url()
        if url is None:
            raise AwsError(f"queue {self._name} does not exist", remedy="Apply again: it was deleted meanwhile.")
        with calling("TagQueue", self._name):
            self._account.client("sqs").tag_queue(QueueUrl=url, Tags=tags)

    def look(self) -> ObservedPart:
        """Call GetQueueUrl, GetQueueAttributes and ListQueueTags, and read the policy of its key."""
        blocked = None if self._key is None else key_problem(self._account, self._key)
        url = self.url()
        if url is None:
            return ObservedPart(exists=False, blocked=blocked)
        with calling("GetQueueAttributes", self._name):
            found = self._account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        has = cast("Mapping[str, str]", found.get("Attributes", {}))
        differences = [
            f"{name} differs" for name in self._wanted if not same_attribute(has.get(name), self._wanted[name])
        ]
        tags = self.tags(url)
        if self._repository and REPOSITORY not in tags:
            differences.append("its tags do not name the repository yet")
        if lacks_tags(tags, self._given):
            differences.append(LACKS_TAGS)
        theirs = other_repository(tags, self._repository)
        return ObservedPart(True, has_our_tag(tags) and not theirs, tuple(differences), blocked, theirs)

    def make(self) -> None:
        """Call CreateQueue or SetQueueAttributes."""
        sqs = self._account.client("sqs")
        wanted: Any = dict(self._wanted)
        url = self.url()
        if url is None:
            with calling("CreateQueue", self._name):
                sqs.create_queue(QueueName=self._name, Attributes=wanted, tags=self._tags)
            return
        if self._key is None:
            # SQS refuses both at once, but takes an empty key beside its own encryption. Terraform's provider sends the
            # same pair, and its test of it passes on AWS: hashicorp/terraform-provider-aws,
            # internal/service/sqs/queue_test.go, TestAccSQSQueue_encryption.
            wanted["KmsMasterKeyId"] = ""
        with calling("SetQueueAttributes", self._name):
            sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
        self.tag(self._tags)


def key_problem(account: AwsAccount, key: str) -> Reason | None:
    """Say why EventBridge could not send to a queue under a KMS key; None where its policy lets it.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    kms = account.client("kms")
    with calling("DescribeKey", key):
        try:
            about = kms.describe_key(KeyId=key)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return Missing(f"KMS key {key} does not exist", "make it, or name another one under events.kms_key")
    if about.get("KeyState") != "Enabled":
        return Because(f"KMS key {key} is {about.get('KeyState')}", "enable it")
    if _lets_events(json.loads(key_policy(account, about["KeyId"]))):
        return None
    return Because(
        f"KMS key {key} does not let {desired.SERVICE} use it, so that no event would arrive",
        f"add a statement to its policy that allows {' and '.join(desired.KEY_USES)} to that service",
    )


def _lets_events(document: Mapping[str, Any]) -> bool:
    allowed: set[str] = set()
    for statement in listed(document.get("Statement")):
        principal = statement.get("Principal")
        services = principal.get("Service") if isinstance(principal, dict) else None
        if statement.get("Effect") == "Allow" and desired.SERVICE in listed(services):
            allowed |= set(listed(statement.get("Action")))
    needed = ({"kms:*", "*", use, f"{use}*"} for use in desired.KEY_USES)
    return all(allowed & ways for ways in needed)
