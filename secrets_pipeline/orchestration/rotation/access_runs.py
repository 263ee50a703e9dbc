"""Coalesce events of access: a run verifies a whole account, so it answers all of them that came before it.

A run is asked for a minute after the first event that no run answers, and not within two minutes of the account's last
one. It answers what happened before it was made, given the seconds that IAM takes to tell. So what comes late, twice or
after a kill is compared with the runs that exist, and nothing is remembered beside them.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from secrets_pipeline.orchestration.rotation.actors import actors_tag
from secrets_pipeline.orchestration.shared.run_requests import (
    ACCOUNT_TAG,
    ATTEMPT_TAG,
    EVENTS_TAG,
    fitting,
    request_again,
)
from secrets_pipeline.rotation.events.hints import Hint

GATHERED = timedelta(seconds=60)
"""How long further events are waited for: whoever changes one role mostly changes several."""
BETWEEN = timedelta(minutes=2)
SETTLED = timedelta(seconds=10)
"""What IAM has been told before is seen by whoever asks after so long."""


@dataclass
class AccessRuns:
    """Decides which accounts get a run now.

    Attributes:
        job: name of the job that verifies an account.
        now: with time zone.
    """

    job: str
    now: datetime
    _made: dict[str, list[dg.RunRecord]] = field(default_factory=lambda: defaultdict(list))
    _unsubmitted: dict[str, dg.DagsterRun] = field(default_factory=dict)
    _waiting: dict[str, dict[str, Hint]] = field(default_factory=lambda: defaultdict(dict))

    def learn(self, record: dg.RunRecord) -> None:
        """Take note of a run of the job."""
        account = record.dagster_run.tags.get(ACCOUNT_TAG, "")
        # One that is not started yet when a tick begins was left by a killed daemon.
        if record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED:
            self._unsubmitted[account] = record.dagster_run
        else:
            self._made[account].append(record)

    def wait_for(self, account: str, hint: Hint) -> timedelta | None:
        """Say how long an event has to wait for a run that answers it; None where there is one.

        Args:
            account: 12 digits.
            hint: the event.
        """
        made = self._made[account]
        if any(one.create_timestamp >= hint.at + SETTLED and not never_started(one) for one in made):
            return None
        due = max([hint.at + GATHERED, *(one.create_timestamp + BETWEEN for one in made)])
        if due <= self.now or account in self._unsubmitted:
            self._waiting[account][hint.event_id] = hint
            return timedelta(0)
        return due - self.now

    def requests(self) -> list[dg.RunRequest]:
        """Make the requests of all accounts with an event whose time has come."""
        return [self._request(account) for account in sorted(self._waiting)]

    def _request(self, account: str) -> dg.RunRequest:
        left = self._unsubmitted.get(account)
        if left is not None:
            return request_again(left)
        hints = sorted(self._waiting[account].values(), key=lambda one: (one.at, one.event_id))
        attempt = 1 + sum(map(never_started, self._made[account]))
        again = "" if attempt == 1 else f":{attempt}"
        return dg.RunRequest(
            run_key=f"{hints[0].event_id}:{self.job}:{account}{again}",
            job_name=self.job,
            tags={
                ACCOUNT_TAG: account,
                EVENTS_TAG: fitting([f"{one.event_id}=true" for one in hints]),
                ATTEMPT_TAG: str(attempt),
                **actors_tag((one, one.resource or "") for one in hints),
            },
        )


def never_started(record: dg.RunRecord) -> bool:
    """Tell whether a run failed before its first step: nothing of what the event asks for was tried."""
    return record.dagster_run.status is dg.DagsterRunStatus.FAILURE and record.start_time is None
