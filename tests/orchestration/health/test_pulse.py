"""The sensor of ended runs says once a minute that all is well, in its log and outside, and nothing where it is not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.orchestration.health.pulse import WELL
from tests.hook import Hook
from tests.orchestration.ended_runs.watched import READ, Watched
from tests.orchestration.health.storage import FAILURE, SKIPPED, beat, run, sensor

HOUR = 3_600.0


@pytest.fixture
def watched(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A deployment that is well, and a service that waits for its heartbeat."""
    monkeypatch.setenv("HEARTBEAT", hook.url)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        made = Watched(instance)
        made.settings = AlertSettings.model_validate({"heartbeat": {"environment": "HEARTBEAT"}})
        beat(instance, time.time())
        sensor(instance, "ended_runs_sensor", {time.time(): SKIPPED})
        run(instance, dg.DagsterRunStatus.SUCCESS, time.time() - HOUR)
        yield made


def test_it_is_called_once_a_minute_while_all_is_well(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str]
) -> None:
    for seconds in (0, 15, 59, 61, 119, 122):
        watched.ahead = seconds
        watched.tick()
    assert hook.called == ["/services/CANARY-OF-HOOK"] * 3
    text = capfd.readouterr().err
    assert text.count(WELL) == 3
    assert "CANARY" not in text


@pytest.mark.parametrize("wrong", ["daemon", "tick", "failed tick", "most verifications", "queue"])
def test_it_is_not_called_while_something_is_not(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str], wrong: str
) -> None:
    now = time.time()
    match wrong:
        case "daemon":
            beat(watched.instance, now - HOUR)
        case "tick":
            watched.ahead = 301
            beat(watched.instance, now + 301)
        case "failed tick":
            sensor(watched.instance, "ended_runs_sensor", {now + 1: FAILURE}, location="here")
        case "most verifications":
            for stack in ("b-dev", "c-dev"):
                run(watched.instance, dg.DagsterRunStatus.SUCCESS, now - 27 * HOUR, stack=stack)
        case "queue":
            run(watched.instance, dg.DagsterRunStatus.QUEUED, now - HOUR)
    watched.tick()
    assert hook.called == []
    text = capfd.readouterr().err
    assert WELL not in text
    assert "not well, " in text
    assert "See `secrets-pipeline health`" in text


def test_one_stack_that_is_not_verified_is_alerted_and_does_not_silence_it(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str]
) -> None:
    run(watched.instance, dg.DagsterRunStatus.SUCCESS, time.time() - 27 * HOUR, stack="b-dev")
    watched.tick()
    watched.ahead = 61
    watched.tick()
    assert len(hook.called) == 2
    assert capfd.readouterr().err.count(WELL) == 2
    said = "stacks were not verified for 26 hours: b-dev"
    assert watched.alerts() == [said]
    # The alert is repeated after a day, and not before.
    for hour in range(1, 24):
        watched.ahead = hour * HOUR + 62.0
        watched.tick()
    assert f"alert: {said}" not in capfd.readouterr().err
    watched.ahead = 24 * HOUR + 62.0
    watched.tick()
    assert f"alert: {said}" in capfd.readouterr().err


@pytest.mark.parametrize("answer", [500, 404, 302, None])
def test_an_endpoint_that_fails_breaks_no_tick_and_is_said_without_its_url(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str], answer: int | None
) -> None:
    hook.answers = [answer]
    watched.run({READ: False})
    watched.tick()
    # The tick did what it is there for.
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]
    text = capfd.readouterr().err
    assert "the heartbeat was not taken" in text
    assert "CANARY" not in text
    watched.ahead = 61
    watched.tick()
    assert len(hook.called) == 2


def test_an_instance_that_cannot_be_judged_breaks_no_tick(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of other hosts of Dagster may be, whose processes reach their storage by an API of its own."""

    def refused() -> None:
        raise NotImplementedError

    monkeypatch.setattr(watched.instance, "get_daemon_heartbeats", refused)
    watched.run({READ: False})
    watched.tick()
    assert watched.alerts() == ["a-dev: consumers_can_read is red"]
    assert hook.called == []
    assert "whether all is well cannot be known: NotImplementedError" in capfd.readouterr().err


def test_a_url_that_is_not_set_is_said_and_breaks_no_tick(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEARTBEAT")
    watched.tick()
    assert hook.called == []
    assert "environment variable HEARTBEAT is not set" in capfd.readouterr().err


def test_without_a_heartbeat_the_log_says_it_alone(
    watched: Watched, hook: Hook, capfd: pytest.CaptureFixture[str]
) -> None:
    watched.settings = AlertSettings()
    watched.tick()
    assert hook.called == []
    assert WELL in capfd.readouterr().err


def test_the_url_that_was_made_anew_is_called_within_the_hour(
    watched: Watched, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.tick()
    monkeypatch.setenv("HEARTBEAT", f"{hook.url}-2")
    hook.answers = [404]
    for seconds in (61, 122):
        watched.ahead = seconds
        watched.tick()
    # The old one is refused, and the new one read for the next.
    assert hook.called == [f"/services/CANARY-OF-HOOK{end}" for end in ("", "", "-2")]
