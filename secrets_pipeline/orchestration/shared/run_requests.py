"""Make `dg.RunRequest`s: one job for one stack, with a key that says why, and tags that tell the run about it."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG

Job: TypeAlias = Any
"""A job, as `define_asset_job` and `@job` make it; Dagster exports no name for the first."""

EVENTS_TAG = "secrets-pipeline/events"
"""The events that a run answers, each `id=version`: the secret's version that was AWSCURRENT when the run was asked
for, or `true` where no version matters. What does not fit into one tag follows in `…/events.2`, `…/events.3` …
"""
SECRETS_TAG = "secrets-pipeline/secrets"
"""Names of the secrets that a run is about, comma separated, cut to what fits."""
ATTEMPT_TAG = "secrets-pipeline/attempt"
"""1 for the first run of a cause, 2 for its first repetition …"""

COMMIT_TAG = "secrets-pipeline/commit"
"""The commit of the Atmos repository that a run was decided at; `+` and a digest where files of it were changed."""
ACCOUNT_TAG = "secrets-pipeline/account"
"""The AWS account of the stack: by it a deployment limits how many runs use an account's quotas at once."""

VERIFY_TAG = "secrets-pipeline/verify"
"""Runs that carry it read everything, values too, and log in; others do so only where something changed."""

DEEP_TAG = "secrets-pipeline/deep"
"""Runs that carry it also compare, and mend, what marks vouch for: policies, key policies, replicas, consumers."""

LONGEST_TAG = 1000
"""Characters of a list in a tag: PostgreSQL's index of tags takes rows of 2,704 bytes, key and value together."""


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
        job: its name, with that of the code location.
        stack: the stack, which is the partition; jobs of checks alone have none of their own, so that the tag says it.
        key: what the run is asked for: with the same job and stack, it is asked for once. None asks each time.
        events: ids of the events that it answers, checked to be ids → the version that it follows, or nothing.
        secrets: names of the secrets that it is about.
        attempt: which try it is: a failed run with the same key would suppress it otherwise.
        tags: further tags.
    """
    named = sorted(set(secrets))
    again = "" if attempt == 1 else f":{attempt}"
    return dg.RunRequest(
        run_key=None if key is None else _short(f"{key}:{job}:{stack}{again}"),
        job_name=job,
        tags={
            **tags,
            **({SECRETS_TAG: fitting(named)} if named else {}),
            **dict(_event_tags(events)),
            ATTEMPT_TAG: str(attempt),
            PARTITION_TAG: stack,
        },
    )


def stack_tags(desired: OpenRepository, stack: str) -> Mapping[str, str]:
    """Return the tags of every run of a stack: what the run queue and the worker decide by."""
    return {**commit_tags(desired), **account_tags(desired, stack)}


def account_tags(desired: OpenRepository, stack: str) -> Mapping[str, str]:
    """Make the tag of a stack's account; none where the operator's settings do not name it."""
    spec = desired.specs.get(stack)
    account = spec.target.account_id if spec is not None else None
    return {ACCOUNT_TAG: account} if account else {}


def commit_tags(desired: OpenRepository) -> Mapping[str, str]:
    """Make the tag of a run that is decided by what was read; none where nobody knows the commit."""
    return {COMMIT_TAG: str(desired.revision)} if desired.revision.commit else {}


def with_stack_tags(desired: OpenRepository, requests: Iterable[dg.RunRequest]) -> list[dg.RunRequest]:
    """Return run requests with the tags of their stacks; a run of a whole account has none."""
    return [
        one.with_replaced_attrs(tags={**stack_tags(desired, one.tags.get(PARTITION_TAG, "")), **one.tags})
        for one in requests
    ]


def request_again(run: dg.DagsterRun) -> dg.RunRequest:
    """Make the request of a run that a killed daemon made and did not submit: under its key, Dagster submits that run.

    A request of our own would have another key wherever other events had come in between, and be one run more.
    """
    tags = {tag: value for tag, value in run.tags.items() if tag == PARTITION_TAG or not tag.startswith("dagster/")}
    return dg.RunRequest(run_key=run.tags["dagster/run_key"], job_name=run.job_name, tags=tags)


def events_of(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return the events that a run answers, all of them, with the version that it follows."""
    lists = (value for tag, value in tags.items() if tag == EVENTS_TAG or tag.startswith(f"{EVENTS_TAG}."))
    words = (word.partition("=") for value in lists for word in value.split(","))
    return {event: version for event, _, version in words if event}


def _event_tags(events: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    words = [f"{event}={version or 'true'}" for event, version in events.items()]
    chunk: list[str] = []
    number = 1
    for word in [*words, ""]:
        if chunk and (not word or len(",".join([*chunk, word])) > LONGEST_TAG):
            yield EVENTS_TAG if number == 1 else f"{EVENTS_TAG}.{number}", ",".join(chunk)
            chunk, number = [], number + 1
        chunk.append(word)


def _short(key: str) -> str:
    """A run key is a tag as well."""
    if len(key) <= LONGEST_TAG:
        return key
    return f"{key[:100]}…{hashlib.sha256(key.encode()).hexdigest()}"


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
