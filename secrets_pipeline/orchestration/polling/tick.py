"""Hold what the parts of one tick of the polling sensor share, and what each of them finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import dagster as dg

from secrets_pipeline.aws.deadlines import HASTE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.resources import Stacks

Known: TypeAlias = Mapping[str, Any]
"""State of a part from earlier ticks, as JSON in the cursor."""


@dataclass(frozen=True)
class Tick:
    """One tick.

    Attributes:
        context: of the sensor.
        stacks: the repository.
        alerting: says alerts.
        names: of the code location.
        now: seconds since 1970.
        is_late: whether the tick has no time for a further question to AWS. What is left comes first in a later tick.
        is_late_to_list: whether it has none for a list of all secrets of a place, which takes many questions.
    """

    context: dg.SensorEvaluationContext
    stacks: Stacks
    alerting: Alerting
    names: Names
    now: float
    is_late: Callable[[], bool]
    is_late_to_list: Callable[[], bool]

    @property
    def number(self) -> int:
        """Return a number that grows by one each minute: each tick begins with another part, stack and place."""
        return int(self.now // 60)

    @cached_property
    def sessions(self) -> Sessions:
        """Return sessions that give up soon: an endpoint that does not answer must not take the time of the others."""
        return self.stacks.sessions.derived(config=HASTE)


@dataclass(frozen=True, slots=True)
class Found:
    """The result of one part of a tick.

    Attributes:
        known: for the next tick.
        said: what the part looked at, for the tick's reason.
        requests: runs to be made.
        events: observations to be stored.
    """

    known: Known
    said: str
    requests: Sequence[dg.RunRequest] = ()
    events: Sequence[dg.AssetObservation] = field(default=())


Part: TypeAlias = Callable[[Tick, Known], Found]
