"""Alerts: in the log always, on the topic once in a while, and never the reason that a run fails."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.alerts import Alert, Publication, Published
from secrets_pipeline.aws.alerts.topic import subject_line
from secrets_pipeline.aws.guards import Fence
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import AwsError, GuardError
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG, ALERTS, Alerting
from secrets_pipeline.orchestration.ended_runs.sensor import ended_runs_sensor_for
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.own import Own
from tests.embedded import lead_to, operator
from tests.hook import Hook

LOG = logging.getLogger("alerts under test")
ALERT = Alert("rotation of a/b failed", "the function may not be invoked", "a-dev", "rotation-failed", "a/b")


class Topic:
    """An SNS topic that a queue listens to."""

    def __init__(self, aws: emulator.LocalAws, name: str) -> None:
        session, endpoint = operator(aws), aws.endpoint_url
        self._sqs, sns = session.client("sqs", endpoint_url=endpoint), session.client("sns", endpoint_url=endpoint)
        fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
        self.arn = sns.create_topic(Name=name, Attributes=fifo)["TopicArn"]
        queue = {"FifoQueue": "true"} if fifo else {}
        self._queue = self._sqs.create_queue(QueueName=name, Attributes=queue)["QueueUrl"]  # type: ignore[arg-type] # one attribute of many
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{aws.region}:{aws.account_id}:{name}")

    def messages(self) -> list[dict[str, Any]]:
        """What arrived since the last look."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in found:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in found]


@pytest.fixture
def topic(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Topic:
    lead_to(aws, monkeypatch)
    return Topic(aws, f"t{abs(hash(request.node.name))}")


def saying(topic_arn: str | None, now: list[float] | None = None, **more: str) -> Alerting:
    clock = (lambda: now[0]) if now else None
    settings = AlertSettings.model_validate({"topic_arn": topic_arn, **more})
    return Alerting(settings, Sessions(), clock=clock) if clock else Alerting(settings, Sessions())


def took(answers: Mapping[str, Publication] | None) -> set[str]:
    """The channels that took an alert."""
    return {name for name, answer in (answers or {}).items() if isinstance(answer, Published)}


def test_an_alert_arrives_with_subject_text_and_what_subscriptions_filter_by(
    topic: Topic, instance: dg.DagsterInstance
) -> None:
    assert took(saying(topic.arn).say(ALERT, instance, LOG)) == {"sns"}
    (message,) = topic.messages()
    assert (message["Subject"], message["Message"]) == (ALERT.subject, ALERT.text)
    assert {name: one["Value"] for name, one in message["MessageAttributes"].items()} == {
        "stack": "a-dev",
        "cause": "rotation-failed",
    }


def test_a_fifo_topic_takes_alerts_too(
    aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    lead_to(aws, monkeypatch)
    ordered = Topic(aws, "alerts.fifo")
    assert took(saying(ordered.arn).say(ALERT, instance, LOG)) == {"sns"}
    assert [one["Subject"] for one in ordered.messages()] == [ALERT.subject]


def test_what_flaps_is_published_once_in_a_while_and_logged_each_time(
    topic: Topic, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    instance.report_runless_asset_event(
        dg.AssetObservation(dg.AssetKey(ALERTS), partition="x", metadata={"key": "other"})
    )
    started = next(
        iter(instance.fetch_observations(dg.AssetKey(ALERTS), limit=1).records)
    ).timestamp  # Dagster stamps observations by its own clock.
    now = [started]
    for seconds in (0, 60, 1_000, 3_000):
        now[0] = started + seconds
        # Another process each time: what was said is in Dagster's storage.
        saying(topic.arn, now).say(ALERT, instance, LOG)
    assert len(topic.messages()) == 1
    other = Alert(ALERT.subject, ALERT.text, ALERT.stack, ALERT.cause, "another/secret")
    assert took(saying(topic.arn, now).say(other, instance, LOG)) == {"sns"}
    now[0] = started + 3_700
    assert took(saying(topic.arn, now).say(ALERT, instance, LOG)) == {"sns"}
    assert len([one for one in caplog.messages if one.startswith("alert: rotation of a/b failed")]) == 6


def test_of_many_things_that_are_wrong_at_once_each_is_remembered(
    instance: dg.DagsterInstance,
) -> None:
    many = [Alert(f"alert {number}", "text", "a-dev", "changed-outside", f"secret {number}") for number in range(60)]
    alerting = saying(None)
    assert all(alerting.say(one, instance, LOG) is not None for one in many)
    assert [one.subject for one in many if alerting.say(one, instance, LOG) is not None] == []


def test_a_run_that_lost_its_lease_still_alerts(topic: Topic, instance: dg.DagsterInstance) -> None:
    def lost() -> None:
        raise GuardError("another run took the lease")

    settings = AlertSettings.model_validate({"topic_arn": topic.arn})
    fenced = Sessions().derived(fence=Fence(lost))
    assert took(Alerting(settings, fenced).say(ALERT, instance, LOG)) == {"sns"}
    assert [one["Subject"] for one in topic.messages()] == [ALERT.subject]


def test_a_topic_that_cannot_be_reached_is_said_and_fails_nothing(
    topic: Topic, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    gone = topic.arn + "-gone"
    for _ in range(2):
        # It was not published, so it is tried again.
        assert took(saying(gone).say(ALERT, instance, LOG)) == set()
    assert any("the alert was not published by sns: Publish to" in one for one in caplog.messages)


def test_without_a_topic_there_is_a_log_line(instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture) -> None:
    saying(None).say(ALERT, instance, LOG)
    assert caplog.messages == [f"alert: {ALERT.subject}\n{ALERT.text}"]


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        ("x" * 101, "x" * 97 + "..."),
        ("two\nlines\tand \u00fcml\u00e4ut", "two lines and ml ut"),
        ("\u00e4\u00f6", "secrets-pipeline"),
    ],
)
def test_a_subject_is_one_short_line_of_ascii(subject: str, line: str) -> None:
    assert subject_line(subject) == line


def test_a_channel_that_is_down_neither_silences_the_other_nor_doubles_it(
    topic: Topic, instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    both: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    hook.answers = [404]
    assert took(saying(topic.arn, **both).say(ALERT, instance, LOG)) == {"sns"}
    assert took(saying(topic.arn, **both).say(ALERT, instance, LOG)) == {"webhook"}
    assert saying(topic.arn, **both).say(ALERT, instance, LOG) is None
    assert (len(topic.messages()), len(hook.posted)) == (1, 2)
    gone = saying(topic.arn + "-gone", **both)
    other = Alert(ALERT.subject, ALERT.text, ALERT.stack, ALERT.cause, "another/secret")
    assert [took(gone.say(other, instance, LOG)) for _ in range(2)] == [{"webhook"}, set()]
    assert took(saying(topic.arn, **both).say(other, instance, LOG)) == {"sns"}
    assert (len(topic.messages()), len(hook.posted)) == (1, 3)


def test_what_a_channel_could_not_take_is_published_when_it_is_back_once_and_by_no_other(
    topic: Topic, instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    both: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    other = Alert("another", "text", "", "dead-letters", "queue")
    hook.answers = [404] * 3
    for alert in (ALERT, other):
        saying(topic.arn, **both).say(alert, instance, LOG)
    # It is asked once where it is still down, not for each.
    saying(topic.arn, **both).say_again(instance, LOG)
    assert len(hook.posted) == 3
    for _ in range(2):
        saying(topic.arn, **both).say_again(instance, LOG)
    assert [one["text"].split("\n")[0] for one in hook.posted[3:]] == [ALERT.subject, other.subject]
    assert len(topic.messages()) == 2
    assert saying(topic.arn, **both).say(ALERT, instance, LOG) is None
    # Without a channel there is nothing to publish, and nothing waits.
    saying(None).say_again(instance, LOG)


def test_the_same_later_while_a_channel_is_down_that_took_it_before_is_published_when_it_is_back(
    instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    named: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    saying(None, **named).say(ALERT, instance, LOG)
    hours_later = [time.time() + 6 * 3_600]
    hook.answers = [404]
    saying(None, hours_later, **named).say(ALERT, instance, LOG)
    for _ in range(2):
        saying(None, hours_later, **named).say_again(instance, LOG)
    assert len(hook.posted) == 3


def test_what_waits_for_a_day_is_not_published_any_more(
    instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    named: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    hook.answers = [404]
    saying(None, **named).say(ALERT, instance, LOG)
    started = next(iter(instance.fetch_observations(dg.AssetKey(ALERTS), limit=1).records)).timestamp
    saying(None, [started + 86_500], **named).say_again(instance, LOG)
    assert len(hook.posted) == 1
    saying(None, [started + 86_000], **named).say_again(instance, LOG)
    assert len(hook.posted) == 2


def test_a_channel_that_is_named_later_gets_what_was_only_logged(
    instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    saying(None).say(ALERT, instance, LOG)
    named: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    assert took(saying(None, **named).say(ALERT, instance, LOG)) == {"webhook"}


def test_the_url_of_a_webhook_is_nowhere_in_storage_or_log(
    instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ALERT_HOOK", hook.url)
    named: Any = {"webhook": {"environment": "ALERT_HOOK"}, "dagster_url": "https://dagster.example"}
    for status in (404, 200):
        hook.answers = [status]
        saying(None, **named).say(ALERT, instance, LOG)
    records = instance.fetch_observations(dg.AssetKey(ALERTS), limit=10).records
    assert len(records) == 2
    assert "CANARY-OF-HOOK" in hook.url
    assert not [text for text in (caplog.text, repr(records)) if "CANARY-OF-HOOK" in text]


@dg.op
def refused_by_aws() -> None:
    raise AwsError("PutSecretValue a/b failed: AccessDenied", remedy="Allow it.")


@dg.op
def says_itself() -> None:
    context = dg.OpExecutionContext.get()
    context.instance.add_run_tags(context.run_id, {ALERTED_TAG: context.run_id})
    raise AwsError("PutSecretValue a/b failed: AccessDenied", remedy="Allow it.")


@dg.op
def quotes_a_value() -> None:
    raise ValueError("CANARY-41")


@dg.op
def says_what_failed() -> None:
    raise dg.Failure("2 failed: secret a/b: no")


@pytest.mark.parametrize(
    ("op", "said"),
    [
        (refused_by_aws, "failed at refused_by_aws.\n\nPutSecretValue a/b failed: AccessDenied\n  Allow it."),
        (quotes_a_value, "failed at quotes_a_value.\n\nValueError. Open the run"),
        (says_what_failed, "failed at says_what_failed.\n\n2 failed: secret a/b: no"),
    ],
)
def test_a_failed_run_is_alerted_with_what_failed_first(
    op: dg.OpDefinition, said: str, topic: Topic, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a-dev"])
    _failed_run_is_looked_at(op, instance, saying(topic.arn, dagster_url="https://dagster.example.com/"))
    (message,) = topic.messages()
    run = next(iter(instance.get_runs()))
    assert message["Subject"].startswith("failing of a-dev failed: ")
    assert said in message["Message"]
    assert f"https://dagster.example.com/runs/{run.run_id}" in message["Message"]
    assert "CANARY" not in json.dumps(message)


def test_a_run_that_said_itself_why_it_fails_is_not_alerted_again(topic: Topic, instance: dg.DagsterInstance) -> None:
    _failed_run_is_looked_at(says_itself, instance, saying(topic.arn))
    assert topic.messages() == []


def test_a_run_that_repeats_one_that_said_itself_why_it_fails_is_alerted(
    topic: Topic, instance: dg.DagsterInstance
) -> None:
    _failed_run_is_looked_at(says_itself, instance, saying(topic.arn))
    (first,) = instance.get_runs()
    # Whoever presses "Re-execute" hands on all tags.
    _failed_run_is_looked_at(refused_by_aws, instance, saying(topic.arn), first.tags)
    assert len(topic.messages()) == 1


def _failed_run_is_looked_at(
    op: dg.OpDefinition, instance: dg.DagsterInstance, alerting: Alerting, tags: Mapping[str, str] | None = None
) -> None:
    job = dg.GraphDefinition("failing", node_defs=[op]).to_job(partitions_def=PLAIN.partitions)
    instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a-dev"])
    result = job.execute_in_process(instance=instance, partition_key="a-dev", tags=tags, raise_on_error=False)
    own = Own(frozenset({job.name}), frozenset(), frozenset())
    resources = {"secrets_pipeline_alerting": alerting, "secrets_pipeline_stacks": None}
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        ended_runs_sensor_for(PLAIN, own, jobs(PLAIN))(context)
    assert result.dagster_run.status is dg.DagsterRunStatus.FAILURE
