"""Make `dg.RunRequest`s: one job for one stack, with a key that says why, and tags that tell the run about it."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import dagster as dg

from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

EVENTS_TAG = "secrets-pipeline/events"
"""Ids of the events that a run answers, comma separated, cut to what fits."""
EVENT_TAG_PREFIX = "secrets-pipeline/event."
"""Before each of those ids: a tag of its own, by which the run of an event is found, however many it answers.

Its value is the version of the secret that was AWSCURRENT when a run was asked for, or `true` where no version matters.
"""
SECRETS_TAG = "secrets-pipeline/secrets"
"""Names of the secrets that a run is about, comma separated, cut to what fits."""
ATTEMPT_TAG = "secrets-pipeline/attempt"
"""1 for the first run of a cause, 2 for its first repetition …"""

LONGEST_TAG = 1000
"""Characters of a list in a tag: the UI shows tags whole."""


def run_request(
    job: str,
    stack: str,
    *,
    key: str | None,
    events: Mapping[str, str] = MappingProxyType({}),
    secrets: Iterable[str] = (),
    attempt: int = 1,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> dg.RunRequest:
    """Make the request of a run of a job for a stack.

    Args:
        job: its name.
        stack: the stack, which is the partition; jobs of checks alone have none of their own, so that the tag says it.
        key: what the run is asked for: with the same job and stack, it is asked for once. None asks each time.
        events: ids of the events that it answers, checked to be ids → the version that it follows, or nothing.
        secrets: names of the secrets that it is about.
        attempt: which try it is: a failed run with the same key would suppress it otherwise.
        tags: further tags.
    """
    named = sorted(set(secrets))
    lists = {EVENTS_TAG: list(events), SECRETS_TAG: named}
    again = "" if attempt == 1 else f":{attempt}"
    return dg.RunRequest(
        run_key=None if key is None else f"{key}:{job}:{stack}{again}",
        job_name=job,
        tags={
            **tags,
            **{tag: fitting(words) for tag, words in lists.items() if words},
            **{f"{EVENT_TAG_PREFIX}{event}": version or "true" for event, version in events.items()},
            ATTEMPT_TAG: str(attempt),
            PARTITION_TAG: stack,
        },
    )


def request_again(run: dg.DagsterRun) -> dg.RunRequest:
    """Make the request of a run that a killed daemon made and did not submit: under its key, Dagster submits that run.

    A request of our own would have another key wherever other events had come in between, and be one run more.
    """
    tags = {tag: value for tag, value in run.tags.items() if tag == PARTITION_TAG or not tag.startswith("dagster/")}
    return dg.RunRequest(run_key=run.tags["dagster/run_key"], job_name=run.job_name, tags=tags)


def fitting(words: Sequence[str]) -> str:
    """Join as many words as fit into a tag, comma separated; `…` stands for those that do not."""
    said: list[str] = []
    length = 0
    for word in words:
        length += len(word) + 1
        if length > LONGEST_TAG:
            return ",".join([*said, "…"])
        said.append(word)
    return ",".join(said)


def secrets_of(run: dg.DagsterRun) -> tuple[str, ...]:
    """Return the secrets that a run is about, as far as its tag holds them; empty for all of its stack."""
    words = run.tags.get(SECRETS_TAG, "").split(",")
    return () if "…" in words else tuple(word for word in words if word)
