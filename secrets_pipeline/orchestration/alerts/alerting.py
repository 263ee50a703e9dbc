"""Say alerts: log each, publish it on every channel that was not told a short while ago, and keep that in storage."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import dagster as dg

from secrets_pipeline.aws.alerts import Alert, Channel, NotPublished, Publication, Published, channels
from secrets_pipeline.aws.alerts.heartbeat import Heartbeat
from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.resources import Stacks

ALERTS: Final = "alerts"
"""The alerts that were published, or would have been, as observations; one partition a stack."""
ALERTED_TAG = "secrets-pipeline/alerted"
"""On a run that has said itself why it fails."""
REPEAT_AFTER_SECONDS: Final = 3_600.0
"""An alert that says the same again is published after this time; the log has each one."""
_KEY, _CHANNELS, _WAITING = "key", "channels", "waiting"
"""What tells an alert apart, the channels that took it, and those that could not be reached."""
_CAUSE, _ABOUT, _TEXT = "cause", "about", "text"
_NO_STACK = "no stack"
_WAITS_SECONDS = 86_400
_REMEMBERED = 1_000
"""Alerts of one stack that are compared; what is said after more of them within the time is said again."""


class Log(Protocol):
    """The log of a run or of a sensor's tick."""

    def warning(self, msg: object, /, *args: object) -> object:
        """Write a line to the log."""
        ...


class Alerting:
    """Logs and publishes alerts.

    Args:
        settings: where they go; read anew by every process that makes one.
        sessions: how AWS is reached.
        names: of the code location.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: AlertSettings,
        sessions: Sessions,
        names: Names = PLAIN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._asset = names.asset(ALERTS)
        self._down: set[str] = set()
        self._clock = clock

    def say(self, alert: Alert, instance: dg.DagsterInstance, log: Log) -> Mapping[str, Publication] | None:
        """Write a log line, and publish unless the same was said a short while ago.

        What was said is looked up in Dagster's storage, which every process and host of the deployment shares.

        Args:
            alert: what to say.
            instance: where published alerts are remembered.
            log: where the line goes.

        Returns:
            What became of it, by channel: nothing where none is named; None where it repeats an earlier one.
        """
        log.warning("alert: %s\n%s", alert.subject, alert.text)
        told = self._told(alert, instance)
        named = self._channels
        left = [one for one in named if told is None or one.name not in told]
        if told is not None and not left:
            return None
        # One that took nothing a moment ago is not waited for again: `say_again` tells it.
        down = [one.name for one in left if one.name in self._down]
        answers = {one.name: self._published(one, alert, log) for one in left if one.name not in down}
        if told is None or any(isinstance(answer, Published) for answer in answers.values()):
            self._remember(alert, answers, instance, down)
        return answers

    def say_again(self, instance: dg.DagsterInstance, log: Log, *, is_late: Callable[[], bool] = lambda: False) -> None:
        """Publish what a channel could not take when it was said, for a day: much is said only once.

        A channel that is still down is asked once, and told the rest another time.

        Args:
            instance: where alerts are remembered.
            log: where it is said.
            is_late: whether there is no time left; the rest is told another time.
        """
        named = {one.name: one for one in self._channels}
        if not named:
            return
        for seen in self._waiting(instance):
            waiting: set[str] = set()
            for one in seen:
                waiting |= set(_names(one.metadata, _WAITING))
                waiting -= set(_names(one.metadata, _CHANNELS))
            for name in sorted(waiting):
                channel = named.get(name)
                if channel is None or name in self._down or is_late():
                    continue
                alert = _alert(seen[-1])
                answer = self._published(channel, alert, log)
                if isinstance(answer, Published):
                    self._remember(alert, {name: answer}, instance)

    def _published(self, channel: Channel, alert: Alert, log: Log) -> Publication:
        answer = channel.publish(alert, moment=int(self._clock()))
        if isinstance(answer, NotPublished):
            self._down.add(channel.name)
            log.warning("the alert was not published by %s: %s", channel.name, answer.error.diagnostics())
        return answer

    def _waiting(self, instance: dg.DagsterInstance) -> Iterable[list[dg.AssetObservation]]:
        """What was said within a day, that which says the same together, each in the order of being said."""
        recent = dg.AssetRecordsFilter(asset_key=self._asset, after_timestamp=self._clock() - _WAITS_SECONDS)
        said: dict[str, list[dg.AssetObservation]] = {}
        cursor, more = None, True
        while more:
            page = instance.fetch_observations(recent, limit=_REMEMBERED, cursor=cursor, ascending=True)
            cursor, more = page.cursor, page.has_more
            for observed in (record.asset_observation for record in page.records):
                if observed is not None and _TEXT in observed.metadata:
                    said.setdefault(str(observed.metadata[_KEY].value), []).append(observed)
        return said.values()

    @property
    def settings(self) -> AlertSettings:
        """Return where alerts go, and from when on the deployment is not well."""
        return self._settings

    def beat(self, heartbeat: Heartbeat) -> SecretsPipelineError | None:
        """Call the URL of the heartbeat (GET), if the settings name one; why it was not taken, or None."""
        where = self._settings.heartbeat
        return None if where is None else heartbeat.call(where, self._hasty)

    @cached_property
    def _channels(self) -> Sequence[Channel]:
        return channels(self._settings, self._hasty)

    @cached_property
    def _hasty(self) -> Sessions:
        # A tick of a sensor waits for each call.
        return self._sessions.derived(config=HASTE)

    def link_to_check(self, key: dg.AssetCheckKey, stack: str) -> str:
        """Return the URL of a check, and that of its asset's partition: no page shows one partition of a check.

        Args:
            key: of the check.
            stack: the partition.
        """
        asset = f"/assets/{'/'.join(quote(part, safe='') for part in key.asset_key.path)}"
        queries = {"view": "checks", "checkDetail": key.name}, {"view": "partitions", "partition": stack}
        return "\n".join(self.link(f"{asset}?{urlencode(query)}") for query in queries)

    def link(self, path: str) -> str:
        """Return the URL of a path of the UI, whole where the operator says where the UI is."""
        return (self._settings.dagster_url or "").rstrip("/") + path

    def _told(self, alert: Alert, instance: dg.DagsterInstance) -> set[str] | None:
        """The channels that took the same a short while ago; None where it was not said."""
        recent = dg.AssetRecordsFilter(
            asset_key=self._asset, asset_partitions=[alert.stack or _NO_STACK], after_timestamp=self._since()
        )
        records = instance.fetch_observations(recent, limit=_REMEMBERED).records
        observed = [record.asset_observation for record in records if record.asset_observation is not None]
        same = [one.metadata for one in observed if one.metadata[_KEY].value == alert.key]
        return {name for metadata in same for name in _names(metadata, _CHANNELS)} if same else None

    def _since(self) -> float:
        return self._clock() - REPEAT_AFTER_SECONDS

    def _remember(
        self,
        alert: Alert,
        answers: Mapping[str, Publication],
        instance: dg.DagsterInstance,
        down: Sequence[str] = (),
    ) -> None:
        took = [name for name, answer in answers.items() if isinstance(answer, Published)]
        instance.report_runless_asset_event(
            dg.AssetObservation(
                asset_key=self._asset,
                partition=alert.stack or _NO_STACK,
                description=alert.subject,
                metadata={
                    _TEXT: dg.MetadataValue.text(alert.text),
                    _CAUSE: alert.cause,
                    _ABOUT: alert.about,
                    _CHANNELS: dg.MetadataValue.json(took),
                    _WAITING: dg.MetadataValue.json([*down, *(name for name in answers if name not in took)]),
                    _KEY: alert.key,
                },
            )
        )


def _names(metadata: Mapping[str, dg.MetadataValue[Any]], which: str) -> Iterator[str]:
    value = metadata[which].value if which in metadata else []
    yield from map(str, value if isinstance(value, list) else ())


def _alert(said: dg.AssetObservation) -> Alert:
    stack = said.partition or ""
    cause, about, text = (str(said.metadata[name].value or "") for name in (_CAUSE, _ABOUT, _TEXT))
    return Alert(said.description or "", text, "" if stack == _NO_STACK else stack, cause, about)


def alerting_resource(names: Names) -> dg.ResourceDefinition:
    """Define the resource of whoever alerts: alerts under the operator's settings.

    If the settings cannot be read, alerts are only logged.
    """

    @dg.resource(required_resource_keys={"secrets_pipeline_stacks"})
    def secrets_pipeline_alerting(context: dg.InitResourceContext) -> Alerting:
        stacks: Stacks = context.resources.secrets_pipeline_stacks
        try:
            settings = stacks.settings.alerts
        except SecretsPipelineError as error:
            logging.getLogger(__name__).warning("alerts are only logged: %s", error.diagnostics())
            settings = AlertSettings()
        # Derived from these, so never fenced: a run that lost its lease still says so.
        return Alerting(settings, stacks.sessions, names)

    return secrets_pipeline_alerting
