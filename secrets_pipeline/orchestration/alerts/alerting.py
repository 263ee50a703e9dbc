"""Say alerts: log each, publish it on every channel that was not told a short while ago, and keep that in storage."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

import dagster as dg

from secrets_pipeline.aws.alerts import Alert, NotPublished, Publication, Published, channels
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.resources import AwsSessions

ALERTS: Final = "alerts"
"""The alerts that were published, or would have been, as observations; one partition a stack."""
ALERTED_TAG = "secrets-pipeline/alerted"
"""On a run that has said itself why it fails."""
_KEY, _CHANNELS = "key", "channels"
_NO_STACK = "no stack"
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
        aws: how AWS is reached.
        names: of the code location.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: AlertSettings,
        aws: AwsSessions,
        names: Names = PLAIN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._aws = aws
        self._asset = names.asset(ALERTS)
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
        named = channels(self._settings, self._aws.sessions)
        left = [one for one in named if told is None or one.name not in told]
        if told is not None and not left:
            return None
        moment = int(self._clock())
        answers: dict[str, Publication] = {one.name: one.publish(alert, moment=moment) for one in left}
        for name, answer in answers.items():
            if isinstance(answer, NotPublished):
                log.warning("the alert was not published by %s: %s", name, answer.error.diagnostics())
        took = [name for name, answer in answers.items() if isinstance(answer, Published)]
        # What no channel took is said again, wherever one is named.
        if took or not named:
            self._remember(alert, took, instance)
        return answers

    def link(self, path: str) -> str:
        """Return the URL of a path of the UI, whole where the operator says where the UI is."""
        return (self._settings.dagster_url or "").rstrip("/") + path

    def _told(self, alert: Alert, instance: dg.DagsterInstance) -> set[str] | None:
        """The channels that took the same a short while ago; None where it was not said."""
        since = self._clock() - 60 * self._settings.repeat_after_minutes
        recent = dg.AssetRecordsFilter(
            asset_key=self._asset, asset_partitions=[alert.stack or _NO_STACK], after_timestamp=since
        )
        records = instance.fetch_observations(recent, limit=_REMEMBERED).records
        observed = [record.asset_observation for record in records if record.asset_observation is not None]
        same = [one.metadata for one in observed if one.metadata[_KEY].value == alert.key]
        return {name for metadata in same for name in _names(metadata)} if same else None

    def _remember(self, alert: Alert, took: list[str], instance: dg.DagsterInstance) -> None:
        instance.report_runless_asset_event(
            dg.AssetObservation(
                asset_key=self._asset,
                partition=alert.stack or _NO_STACK,
                description=alert.subject,
                metadata={
                    _KEY: alert.key,
                    "text": dg.MetadataValue.text(alert.text),
                    _CHANNELS: dg.MetadataValue.json(took),
                },
            )
        )


def _names(metadata: Mapping[str, dg.MetadataValue[Any]]) -> Iterator[str]:
    value = metadata[_CHANNELS].value if _CHANNELS in metadata else []
    yield from map(str, value if isinstance(value, list) else ())


@dg.resource(required_resource_keys={"aws", "names", "stacks"})
def alerting(context: dg.InitResourceContext) -> Alerting:
    """Alerts under the operator's settings; settings that cannot be read leave the log."""
    try:
        settings = context.resources.stacks.settings.alerts
    except SecretsPipelineError as error:
        logging.getLogger(__name__).warning("alerts are only logged: %s", error.diagnostics())
        settings = AlertSettings()
    return Alerting(settings, context.resources.aws, context.resources.names)
