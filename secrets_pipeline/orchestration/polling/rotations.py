"""Look for rotations by lists where no queue brings their events, and always for stuck ones and for due tries."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.desired.followers import followers
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.secret_listing import listed_secrets, places
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.orchestration.polling.tick import Found, Part, Tick
from secrets_pipeline.orchestration.polling.tick import Known as KnownPlaces
from secrets_pipeline.orchestration.rotation.repair_op import due_retries
from secrets_pipeline.orchestration.shared.names import ROTATION_EVENT_SENSOR
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import run_request
from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.rotation.events.polling import Known, News, compare

LARGEST_CURSOR = 1_500_000
"""Characters, which Dagster writes to its database at each tick: 130,000 secrets."""


def rotations_part(answers: Mapping[HintKind, str], *, by_events: bool) -> Part:
    """Make the part of a tick that compares each place with what was known of it; the first look learns.

    Args:
        answers: names of the jobs that answer a rotation and a stuck one.
        by_events: whether another sensor follows rotations by events of a queue.
    """

    def look(tick: Tick, before: KnownPlaces) -> Found:
        known = dict(before)
        # What a code location defines is decided as it loads, and settings may have changed since.
        lists = not by_events or tick.stacks.settings.events is None
        news = _look(tick, known, lists=lists)
        news += list(_following(tick.stacks, news))
        asked = [_request(answers[kind], stack, some) for (kind, stack, _), some in sorted(_by_run(news).items())]
        retries = due_retries(tick.context.instance, tick.names, tick.now)
        for place in _forgotten(known):
            tick.alerting.say(_too_many(place), tick.context.instance, tick.context.log)
        places_known = ", ".join(sorted(known)) or "no place"
        said = f"nothing new in {places_known}, and no try of a failed rotation is due"
        if not by_events and tick.stacks.settings.events is not None:
            sensor = tick.names.of(ROTATION_EVENT_SENSOR)
            said += f" (settings name a queue now: reload the code location, and {sensor} follows its events)"
        return Found(known, said, [*asked, *retries])

    return look


def _look(tick: Tick, known: dict[str, Any], *, lists: bool) -> list[News]:
    """Compare every place; one that cannot be read keeps its last known state."""
    news, now, desired = list[News](), int(tick.now), tick.stacks.desired
    specs = desired.specs
    everywhere, unread = places(specs), UnreadStacks.of(desired)
    # Where the last tick had no time comes first.
    for place in sorted(everywhere, key=lambda one: known.get(one, {}).get("at", 0)):
        if tick.is_late_to_list():
            tick.context.log.warning("%s is looked at in the next tick", place)
            continue
        here = frozenset(name for name, spec in specs.items() if place in places({name: spec}))
        try:
            found = listed_secrets(tick.sessions.for_target(everywhere[place]), here)
        except SecretsPipelineError as error:
            tick.context.log.warning("%s: %s", place, error.diagnostics())
            known[place] = {**known.get(place, {}), "at": now}
            continue
        before = known.get(place, {})
        learnt, some = compare(
            Known(str(before.get("seen", "")), before.get("pending") or {}),
            found,
            now,
            # Else rotation_event_sensor follows versions. Events of CloudTrail are best effort, and need a trail.
            versions=lists,
            # Secrets of stacks that have errors are compared with what was known, once these can be read.
            whole=not desired.errors,
            tells_again=lambda stack: bool(unread.mentioning([stack, *followers(specs, stack)])),
        )
        known[place] = {"at": now, "seen": learnt.seen, "pending": learnt.pending}
        news.extend(some)
    return news


def _following(stacks: Stacks, news: Iterable[News]) -> Iterator[News]:
    """The same of other stacks that are rendered from a value that has changed."""
    for one in news:
        behind = followers(stacks.desired.specs, one.stack) if one.kind is HintKind.ROTATED else ()
        yield from (replace(one, stack=stack) for stack in behind)


def _text(known: Mapping[str, Any]) -> str:
    return json.dumps(known, separators=(",", ":"))


def _forgotten(known: dict[str, Any]) -> Iterator[str]:
    """Forget the places with most secrets until the rest fits into a cursor, and name them."""
    for place in sorted(known, key=lambda one: len(_text(known[one])), reverse=True):
        if len(_text(known)) <= LARGEST_CURSOR:
            return
        known[place] = {"at": known[place].get("at", 0)}
        yield place


def _too_many(place: str) -> Alert:
    return Alert(
        subject=f"rotations are not looked for in {place}",
        text="There are more secrets than this sensor can remember. Name a queue (`events`) in the operator's "
        "settings: AWS's events tell of rotations then, and the sensor remembers only versions that are pending.",
        stack="",
        cause="too-many-secrets",
        about=place,
    )


def _by_run(news: Iterable[News]) -> Mapping[tuple[HintKind, str, str], list[News]]:
    """Rotations of a stack share a run; a stuck one, said again in each tick, has a run and a key of its own."""
    found: dict[tuple[HintKind, str, str], list[News]] = defaultdict(list)
    for one in news:
        found[one.kind, one.stack, one.name if one.kind is HintKind.FAILED else ""].append(one)
    return found


def _request(job: str, stack: str, news: Iterable[News]) -> dg.RunRequest:
    """A run with a key of its secrets and versions: found again by a repeated tick, it is not repeated."""
    said = sorted(f"{one.name} {one.version}" for one in news)
    key = hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]
    return run_request(job, stack, key=key, secrets=[one.name for one in news])
