"""Say alerts: log each, publish it to SNS unless it was a short while ago, and keep that in Dagster's storage."""

import logging
import time
from collections.abc import Callable
from typing import Final, Protocol

import dagster as dg

from secrets_pipeline.aws.alerts import Alert, NoTopic, NotPublished, Publication, Published, publish
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.resources import AwsSessions

ALERTS: Final = "alerts"
"""The alerts that were published, or would have been, as observations; one partition a stack."""
ALERTED_TAG = "secrets-pipeline/alerted"
"""On a run that has said itself why it fails."""
_KEY = "key"
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

    def say(self, alert: Alert, instance: dg.DagsterInstance, log: Log) -> Publication | None:
        """Write a log line, and publish unless the same was said a short while ago.

        What was said is looked up in Dagster's storage, which every process and host of the deployment shares.

        Args:
            alert: what to say.
            instance: where published alerts are remembered.
            log: where the line goes.

        Returns:
            What became of it; None where it repeats an earlier one.
        """
        log.warning("alert: %s\n%s", alert.subject, alert.text)
        if self._said(alert, instance):
            return None
        published = publish(alert, self._settings, self._aws.sessions, moment=int(self._clock()))
        if isinstance(published, NotPublished):
            log.warning("the alert was not published: %s", published.error.diagnostics())
        else:
            self._remember(alert, published, instance)
        return published

    def link(self, path: str) -> str:
        """Return the URL of a path of the UI, whole where the operator says where the UI is."""
        return (self._settings.dagster_url or "").rstrip("/") + path

    def _said(self, alert: Alert, instance: dg.DagsterInstance) -> bool:
        since = self._clock() - 60 * self._settings.repeat_after_minutes
        recent = dg.AssetRecordsFilter(
            asset_key=self._asset, asset_partitions=[alert.stack or _NO_STACK], after_timestamp=since
        )
        records = instance.fetch_observations(recent, limit=_REMEMBERED).records
        observed = (record.asset_observation for record in records)
        return any(one is not None and one.metadata[_KEY].value == alert.key for one in observed)

    def _remember(self, alert: Alert, published: Published | NoTopic, instance: dg.DagsterInstance) -> None:
        instance.report_runless_asset_event(
            dg.AssetObservation(
                asset_key=self._asset,
                partition=alert.stack or _NO_STACK,
                description=alert.subject,
                metadata={
                    _KEY: alert.key,
                    "text": dg.MetadataValue.text(alert.text),
                    "published": published.message_id if isinstance(published, Published) else "no topic",
                },
            )
        )


@dg.resource(required_resource_keys={"aws", "names", "stacks"})
def alerting(context: dg.InitResourceContext) -> Alerting:
    """Alerts under the operator's settings; settings that cannot be read leave the log."""
    try:
        settings = context.resources.stacks.settings.alerts
    except SecretsPipelineError as error:
        logging.getLogger(__name__).warning("alerts are only logged: %s", error.diagnostics())
        settings = AlertSettings()
    return Alerting(settings, context.resources.aws, context.resources.names)
