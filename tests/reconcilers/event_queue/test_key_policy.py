"""The queue's KMS key lets EventBridge send only if its policy allows both actions that EventBridge needs."""

import pytest

from secrets_pipeline.reconcilers.event_queue.queue import _lets_events

EVENTBRIDGE = {"Service": "events.amazonaws.com"}


def policy(*actions: str, effect: str = "Allow", principal: object = EVENTBRIDGE) -> dict[str, object]:
    return {"Statement": [{"Effect": effect, "Principal": principal, "Action": list(actions), "Resource": "*"}]}


@pytest.mark.parametrize("actions", [("kms:GenerateDataKey", "kms:Decrypt"), ("kms:GenerateDataKey*", "kms:*"), ("*",)])
def test_both_actions_suffice(actions: tuple[str, ...]) -> None:
    assert _lets_events(policy(*actions))


@pytest.mark.parametrize(
    "document",
    [
        policy("kms:GenerateDataKey"),
        policy("kms:Decrypt"),
        policy("*", effect="Deny"),
        policy("*", principal={"Service": "sns.amazonaws.com"}),
        policy("*", principal="*"),
        {"Statement": []},
    ],
)
def test_anything_less_does_not(document: dict[str, object]) -> None:
    assert not _lets_events(document)
