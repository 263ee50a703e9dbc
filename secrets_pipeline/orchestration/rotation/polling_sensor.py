"""Define the sensor that looks for rotations itself where no queue brings their events, and always for stuck ones.

It also requests the next try of rotations that failed, when one is due.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.desired.followers import followers
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.secret_listing import listed_secrets, places
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.rotation.dead_letter_watch import watch_dead_letters
from secrets_pipeline.orchestration.rotation.event_sensor import distinct, missing_partitions, with_valid_key
from secrets_pipeline.orchestration.rotation.repair_op import due_retries
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job, run_request, with_stack_tags
from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.rotation.events.polling import Known, News, compare

NAME = "rotation_polling_sensor"
_LOOKING_SECONDS, _WATCHING_SECONDS = 20.0, 30.0
"""From the start of a tick, which Dagster ends after 60 seconds."""
LARGEST_CURSOR = 1_500_000
"""Characters, which Dagster writes to its database at each tick: 130,000 secrets."""


def rotation_polling_sensor_for(
    names: Names, jobs: Mapping[HintKind, Job], *, seconds_between: int = 60, clock: Callable[[], float] = time.time
) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        jobs: which job answers a rotation, and which a stuck one.
        seconds_between: the shortest time between two looks.
        clock: epoch seconds.
    """
    answering = {kind: jobs[kind] for kind in (HintKind.ROTATED, HintKind.FAILED)}

    @dg.sensor(
        name=names.of(NAME),
        jobs=distinct(answering),
        minimum_interval_seconds=seconds_between,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Follows rotations by version ids and dates of ListSecrets, where settings name no queue; beside "
        "a queue it looks for rotations that are stuck without an event, and alerts of events in dead-letter queues. "
        "Requests the next try of rotations that failed: after 1 minute, 10 minutes, 1 hour and 6 hours.",
    )
    def rotation_polling_sensor(
        context: dg.SensorEvaluationContext,
        secrets_pipeline_stacks: dg.ResourceParam[Stacks],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> dg.SensorResult | dg.SkipReason:
        """Compare each place with what was known of it; the first look learns."""
        started, known, now = time.monotonic(), _read(context.cursor), clock()
        news = _look(context, secrets_pipeline_stacks, known, int(now))
        news += list(_following(secrets_pipeline_stacks, news))
        asked = [_request(jobs[kind].name, stack, some) for (kind, stack, _), some in sorted(_by_run(news).items())]
        retries = list(due_retries(context.instance, names, now))
        requests = with_stack_tags(secrets_pipeline_stacks.desired, with_valid_key(context, [*asked, *retries]))
        watch_dead_letters(
            context,
            secrets_pipeline_stacks,
            secrets_pipeline_alerting,
            tick=int(now // 60),
            is_late=lambda: time.monotonic() - started > _WATCHING_SECONDS,
        )
        for place in _forgotten(known):
            secrets_pipeline_alerting.say(_too_many(place), context.instance, context.log)
        places_known = ", ".join(sorted(known)) or "no place"
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else f"nothing new in {places_known}, and no try of a failed rotation is due",
            cursor=_text(known),
            dynamic_partitions_requests=missing_partitions(context, names, requests),
        )

    return rotation_polling_sensor


def _look(context: dg.SensorEvaluationContext, stacks: Stacks, known: dict[str, Any], now: int) -> list[News]:
    """What is new everywhere; what cannot be looked at stays as it was known."""
    started, news = time.monotonic(), list[News]()
    specs, sessions = stacks.desired.specs, stacks.sessions.derived(config=HASTE)
    everywhere, unread = places(specs), UnreadStacks.of(stacks.desired)
    # Where the last tick had no time comes first.
    for place in sorted(everywhere, key=lambda one: known.get(one, {}).get("at", 0)):
        if time.monotonic() - started > _LOOKING_SECONDS:
            context.log.warning("%s is looked at in the next tick", place)
            continue
        here = frozenset(name for name, spec in specs.items() if place in places({name: spec}))
        try:
            found = listed_secrets(sessions.for_target(everywhere[place]), here)
        except SecretsPipelineError as error:
            context.log.warning("%s: %s", place, error.diagnostics())
            known[place] = {**known.get(place, {}), "at": now}
            continue
        before = known.get(place, {})
        learnt, some = compare(
            Known(str(before.get("seen", "")), before.get("pending") or {}),
            found,
            now,
            # rotation_event_sensor follows versions. Events of CloudTrail are best effort, and need a trail.
            versions=stacks.settings.events is None,
            # Secrets of stacks that have errors are compared with what was known, once these can be read.
            whole=not stacks.desired.errors,
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


def _read(cursor: str | None) -> dict[str, Any]:
    try:
        known = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


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
